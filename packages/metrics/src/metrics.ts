/**
 * The node's metrics in the text format of Prometheus, read from the node at each scrape. Nothing is counted here.
 *
 * Labels are names from the roster, so the number of series follows it: about one per backend, twenty per listener, eighty for
 * each pool that an http listener leads to, and there one for each backend and class of statuses that it has answered with.
 */
import type { NodeHandle } from '@muster/actors';
import { isEligible, viewpointOf, withPendingFacts } from '@muster/membership';
import type { ObservationStore } from '@muster/observations';
import { CLUSTER_SERIES } from './cluster-series.ts';
import { MEMBERSHIP_SERIES } from './cluster-series.ts';
import { HTTP_SERIES } from './http-series.ts';
import type { Scrape, Series } from './metric-text.ts';
import { metricLines, METRICS_CONTENT_TYPE } from './metric-text.ts';
import { OBSERVATION_SERIES } from './process-series.ts';
import { NAME_SERIES } from './process-series.ts';
import { PROCESS_SERIES } from './process-series.ts';
import { TRAFFIC_SERIES } from './traffic-series.ts';
import type { TrafficTotals } from './traffic-totals.ts';

export interface Metrics {
  /** For the `content-type` header. */
  readonly contentType: string;
  /** One scrape, as parts of a text. Each sample is what it is when its part is made. */
  parts(): Promise<Iterable<string>>;
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
  return {
    contentType: METRICS_CONTENT_TYPE,
    async parts() {
      const status = node.status();
      await traffic.update(status.workers, node.roster());
      const { http, accessLog } = traffic;
      return metricLines(SERIES, {
        status,
        traffic: traffic.totals(),
        http: http.pools(),
        refusedHeads: http.refusedHeads,
        accessLog,
        pools: countPools(node),
        observations: observations?.status() ?? null,
      });
    },
  };
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
