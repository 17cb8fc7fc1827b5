/**
 * Series and their samples in the text format of Prometheus (version 0.0.4), line by line, so that whoever sends it can let others
 * have their turn in between:
 *
 *     # HELP muster_backends Backends registered.
 *     # TYPE muster_backends gauge
 *     muster_backends{pool="spells"} 3
 *
 * A latency's buckets are cumulative and in seconds, and the last one holds all.
 */
import { LATENCY_BOUNDS_MS } from '@muster/proxy';
import type { LatencySample, Sample, Scrape, Series } from './metric-series.ts';

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const TYPES = { counter: 'counter', gauge: 'gauge', latency: 'histogram' } as const;

/** Lines with their line feeds. */
export function* metricLines(series: readonly Series[], scrape: Scrape): Generator<string, void> {
  for (const each of series) {
    const { name, help, kind } = each;
    yield `# HELP ${name} ${help}\n# TYPE ${name} ${TYPES[kind]}\n`;
    if (kind === 'latency') for (const sample of each.read(scrape)) yield latencyLines(name, sample);
    else for (const sample of each.read(scrape)) yield sampleLine(name, sample);
    yield '\n';
  }
}

function sampleLine(name: string, { labels, value }: Sample): string {
  return `${name}${labelsText(labels)} ${value}\n`;
}

function latencyLines(name: string, { labels, latency: { counts, sumMs } }: LatencySample): string {
  let text = '';
  let count = 0;
  for (const [index, boundMs] of LATENCY_BOUNDS_MS.entries()) {
    count += counts[index] ?? 0;
    text += sampleLine(`${name}_bucket`, { labels: { ...labels, le: `${boundMs / 1_000}` }, value: count });
  }
  count += counts[LATENCY_BOUNDS_MS.length] ?? 0;
  text += sampleLine(`${name}_bucket`, { labels: { ...labels, le: '+Inf' }, value: count });
  text += sampleLine(`${name}_sum`, { labels, value: sumMs / 1_000 });
  return text + sampleLine(`${name}_count`, { labels, value: count });
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  let text = '';
  for (const name in labels) text += `${text === '' ? '' : ','}${name}="${escaped(labels[name]!)}"`;
  return text === '' ? '' : `{${text}}`;
}

const ESCAPED = /[\\"\n]/;

function escaped(value: string): string {
  if (!ESCAPED.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
