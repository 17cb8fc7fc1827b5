/**
 * The node's metrics in the text format of Prometheus, read from the node at each scrape. Nothing is counted here.
 *
 * Labels are names from the roster, so the number of series follows it: about one per backend, twenty per listener, eighty for
 * each pool that an http listener leads to, and there one for each backend and class of statuses that it has answered with.
 */
import { setImmediate } from 'node:timers/promises';
import type { NodeHandle } from '@muster/actors';
import { isEligible, viewpointOf, withPendingFacts } from '@muster/membership';
import type { ObservationStore } from '@muster/observations';
import { Counter, Gauge, Registry } from 'prom-client';
import { CLUSTER_SERIES } from './cluster-series.ts';
import { MEMBERSHIP_SERIES } from './membership-series.ts';
import { HTTP_SERIES } from './http-series.ts';
import { LatencyMetric } from './latency-metric.ts';
import type { Scrape, Series } from './metric-series.ts';
import { OBSERVATION_SERIES } from './observation-series.ts';
import { NAME_SERIES } from './name-series.ts';
import { PROCESS_SERIES } from './process-series.ts';
import { TRAFFIC_SERIES } from './traffic-series.ts';
import type { TrafficTotals } from './traffic-totals.ts';

export interface Metrics {
  /** For the `content-type` header. */
  readonly contentType: string;
  /** One scrape. */
  text(): Promise<string>;
}

export interface MetricsOptions {
  readonly node: Pick<NodeHandle, 'roster' | 'pending' | 'status'>;
  readonly traffic: TrafficTotals;
  /** Null: none are kept. */
  readonly observations: Pick<ObservationStore, 'status'> | null;
}

const SERIES: readonly Series[] = [
  ...TRAFFIC_SERIES,
  ...HTTP_SERIES,
  ...MEMBERSHIP_SERIES,
  ...CLUSTER_SERIES,
  ...OBSERVATION_SERIES,
  ...PROCESS_SERIES,
  ...NAME_SERIES,
];

export function createMetrics({ node, traffic, observations }: MetricsOptions): Metrics {
  const registry = new Registry();
  let scrape: Scrape | null = null;
  for (const series of SERIES) register(series, registry, () => scrape!);
  return {
    contentType: registry.contentType,
    async text() {
      const status = node.status();
      traffic.update(status.workers, node.roster());
      const { http, accessLog } = traffic;
      scrape = {
        status,
        traffic: traffic.totals(),
        http: http.pools(),
        refusedHeads: http.refusedHeads,
        accessLog,
        pools: countPools(node),
        observations: observations?.status() ?? null,
      };
      // One series a turn: with ten thousand backends all of them together would hold the event loop for too long.
      const texts: string[] = [];
      for (const { name } of SERIES) {
        texts.push(await registry.getSingleMetricAsString(name));
        await setImmediate();
      }
      return `${texts.join('\n\n')}\n`;
    },
  };
}

function register(series: Series, registry: Registry, scrape: () => Scrape): void {
  const { name, help, labels = [] } = series;
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  if (series.kind === 'latency') {
    registry.registerMetric(new LatencyMetric({ name, help, labels, read: () => series.read(scrape()) }));
  } else if (series.kind === 'gauge') {
    const gauge = new Gauge({
      ...options,
      collect() {
        gauge.reset();
        for (const sample of series.read(scrape())) gauge.set(sample.labels, sample.value);
      },
    });
  } else {
    const counter = new Counter({
      ...options,
      collect() {
        counter.reset();
        for (const sample of series.read(scrape())) counter.inc(sample.labels, sample.value);
      },
    });
  }
}

function countPools(node: Pick<NodeHandle, 'roster' | 'pending' | 'status'>): Scrape['pools'] {
  const viewpoint = viewpointOf(node.roster(), node.status().node);
  const pending = node.pending();
  return [...node.roster().pools.values()].map((pool) => {
    let eligibleCount = 0;
    for (const backend of pool.backends.values()) {
      const seen = withPendingFacts(backend, viewpoint.node, pending);
      if (isEligible(seen, pool.spec, viewpoint)) eligibleCount += 1;
    }
    return { id: pool.id, size: pool.backends.size, eligibleCount };
  });
}
