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
import type { NodeStatus } from '@muster/actors';
import type { ObservationStoreStatus } from '@muster/observations';
import { LATENCY_BOUNDS_MS, type LatencyCounts } from '@muster/proxy';
import type { Traffic } from '@muster/questions';
import type { HttpPoolTotals } from './http-totals.ts';
import type { TrafficTotals } from './traffic-totals.ts';

/** What one scrape reads. */
export interface Scrape {
  readonly status: NodeStatus;
  readonly traffic: Traffic;
  readonly http: readonly HttpPoolTotals[];
  readonly refusedHeads: TrafficTotals['http']['refusedHeads'];
  readonly accessLog: TrafficTotals['accessLog'];
  readonly pools: readonly { readonly id: string; readonly size: number; readonly eligibleCount: number }[];
  /** Null: none are kept. */
  readonly observations: ObservationStoreStatus | null;
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type ReadSamples = (scrape: Scrape) => Iterable<Sample>;

export interface LatencySample {
  readonly labels: Readonly<Record<string, string>>;
  readonly latency: LatencyCounts;
}

interface Named {
  readonly name: string;
  readonly help: string;
}

export type Series = Named &
  (
    | { readonly kind: 'counter' | 'gauge'; readonly read: ReadSamples }
    /** In seconds; its buckets are those of `LATENCY_BOUNDS_MS`. */
    | { readonly kind: 'latency'; readonly read: (scrape: Scrape) => Iterable<LatencySample> }
  );

/** A series without labels. */
export const one = (value: number): Sample[] => [{ labels: {}, value }];

export const flag = (isSet: boolean): Sample[] => one(isSet ? 1 : 0);

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
