/**
 * A histogram whose counts were made elsewhere, as Prometheus reads one: for each set of labels the requests up to each bound, their
 * number, and the sum of their seconds. The client library's own histograms count themselves.
 */
import { LATENCY_BOUNDS_MS } from '@muster/proxy';
import { Histogram } from 'prom-client';
import type { LatencySample } from './metric-series.ts';

export interface LatencyMetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: () => readonly LatencySample[];
}

type MetricValues = Awaited<ReturnType<Histogram['get']>>;
type MetricValue = MetricValues['values'][number];

export class LatencyMetric extends Histogram {
  readonly #name: string;
  readonly #help: string;
  readonly #read: LatencyMetricOptions['read'];

  constructor({ name, help, labels, read }: LatencyMetricOptions) {
    super({ name, help, labelNames: [...labels], registers: [] });
    this.#name = name;
    this.#help = help;
    this.#read = read;
  }

  override get(): Promise<MetricValues> {
    const values = this.#read().flatMap((sample) => this.#values(sample));
    // The library's types call for an enumeration that it does not export.
    return Promise.resolve({
      name: this.#name,
      help: this.#help,
      type: 'histogram',
      values,
    } as unknown as MetricValues);
  }

  /** What a registry asks for, where there is such a method, in place of `get`. */
  getForPromString(): Promise<MetricValues> {
    return this.get();
  }

  #values({ labels, latency: { counts, sumMs } }: LatencySample): MetricValue[] {
    const bucket = `${this.#name}_bucket`;
    const values: MetricValue[] = [];
    let count = 0;
    for (const [index, bound] of LATENCY_BOUNDS_MS.entries()) {
      count += counts[index] ?? 0;
      values.push({ metricName: bucket, labels: { ...labels, le: bound / 1_000 }, value: count });
    }
    count += counts[LATENCY_BOUNDS_MS.length] ?? 0;
    return [
      ...values,
      { metricName: bucket, labels: { ...labels, le: '+Inf' }, value: count },
      { metricName: `${this.#name}_sum`, labels, value: sumMs / 1_000 },
      { metricName: `${this.#name}_count`, labels, value: count },
    ];
  }
}
