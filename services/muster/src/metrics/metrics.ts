/**
 * The node's metrics in the text format of Prometheus, read from the node at each scrape. Nothing is counted here.
 *
 * Labels are names from the roster, so the number of series follows it: about one per backend, and twenty per listener.
 */
import type { NodeHandle, NodeStatus } from '@muster/actors';
import { isEligible, viewpointOf, withPendingFacts } from '@muster/membership';
import { Counter, Gauge, Registry } from 'prom-client';
import type { Traffic, TrafficTotals } from './traffic-totals.ts';

export interface Metrics {
  /** For the `content-type` header. */
  readonly contentType: string;
  /** One scrape. */
  text(): Promise<string>;
}

export interface MetricsOptions {
  readonly node: Pick<NodeHandle, 'roster' | 'pending' | 'status'>;
  readonly traffic: TrafficTotals;
}

/** What one scrape reads. */
interface Scrape {
  readonly status: NodeStatus;
  readonly traffic: Traffic;
  readonly pools: readonly { readonly id: string; readonly size: number; readonly eligibleCount: number }[];
}

interface Sample {
  readonly labels: Record<string, string>;
  readonly value: number;
}

interface Series {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (scrape: Scrape) => readonly Sample[];
}

export function createMetrics({ node, traffic }: MetricsOptions): Metrics {
  const registry = new Registry();
  let scrape: Scrape | null = null;
  for (const { kind, name, help, labels = [], read } of SERIES) {
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (kind === 'gauge') {
      const gauge = new Gauge({
        ...options,
        collect() {
          gauge.reset();
          for (const sample of read(scrape!)) gauge.set(sample.labels, sample.value);
        },
      });
    } else {
      const counter = new Counter({
        ...options,
        collect() {
          counter.reset();
          for (const sample of read(scrape!)) counter.inc(sample.labels, sample.value);
        },
      });
    }
  }
  return {
    contentType: registry.contentType,
    text() {
      const status = node.status();
      traffic.update(status.workers, node.roster());
      scrape = { status, traffic: traffic.totals(), pools: countPools(node) };
      return registry.metrics();
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

const one = (value: number): Sample[] => [{ labels: {}, value }];

function byListener(read: (stats: Traffic['listeners'][string]) => number): Series['read'] {
  return ({ traffic }) =>
    Object.entries(traffic.listeners).map(([listener, stats]) => ({ labels: { listener }, value: read(stats) }));
}

function byListenerAndReason(axis: 'refused' | 'closed'): Series['read'] {
  return ({ traffic }) =>
    Object.entries(traffic.listeners).flatMap(([listener, stats]) =>
      Object.entries(stats[axis]).map(([reason, value]) => ({ labels: { listener, reason }, value })),
    );
}

function byPool(read: (stats: Traffic['pools'][string]) => number): Series['read'] {
  return ({ traffic }) =>
    Object.entries(traffic.pools).map(([pool, stats]) => ({ labels: { pool }, value: read(stats) }));
}

function byWorker(read: (worker: NodeStatus['workers'][number]) => number): Series['read'] {
  return ({ status }) =>
    status.workers.map((worker) => ({ labels: { worker: String(worker.index) }, value: read(worker) }));
}

const TRAFFIC_SERIES: readonly Series[] = [
  {
    kind: 'gauge',
    name: 'muster_connections_open',
    help: 'Downstream connections that are open now.',
    labels: ['listener'],
    read: byListener(({ open }) => open),
  },
  {
    kind: 'counter',
    name: 'muster_connections_total',
    help: 'Downstream connections accepted.',
    labels: ['listener'],
    read: byListener(({ accepted }) => accepted),
  },
  {
    kind: 'counter',
    name: 'muster_accept_failures_total',
    help: 'Accepts that failed.',
    labels: ['listener'],
    read: byListener(({ acceptFailures }) => acceptFailures),
  },
  {
    kind: 'counter',
    name: 'muster_connections_refused_total',
    help: 'Connections closed without a byte relayed, by reason.',
    labels: ['listener', 'reason'],
    read: byListenerAndReason('refused'),
  },
  {
    kind: 'counter',
    name: 'muster_connections_closed_total',
    help: 'Relayed connections that ended, by reason.',
    labels: ['listener', 'reason'],
    read: byListenerAndReason('closed'),
  },
  {
    kind: 'counter',
    name: 'muster_bytes_total',
    help: 'Bytes relayed, by where they came from.',
    labels: ['listener', 'from'],
    read: ({ traffic }) =>
      Object.entries(traffic.listeners).flatMap(([listener, stats]) => [
        { labels: { listener, from: 'downstream' }, value: stats.bytesFromDownstream },
        { labels: { listener, from: 'upstream' }, value: stats.bytesFromUpstream },
      ]),
  },
  {
    kind: 'counter',
    name: 'muster_connect_failures_total',
    help: 'Dials to backends that failed or timed out.',
    labels: ['pool'],
    read: byPool(({ connectFailures }) => connectFailures),
  },
  {
    kind: 'counter',
    name: 'muster_connect_retries_total',
    help: 'Dials to another backend after the first had failed.',
    labels: ['pool'],
    read: byPool(({ retries }) => retries),
  },
  {
    kind: 'counter',
    name: 'muster_picks_total',
    help: 'How often each backend was picked.',
    labels: ['pool', 'backend'],
    read: ({ traffic }) =>
      Object.entries(traffic.pools).flatMap(([pool, { picksByBackend }]) =>
        Object.entries(picksByBackend).map(([backend, value]) => ({ labels: { pool, backend }, value })),
      ),
  },
];

const MEMBERSHIP_SERIES: readonly Series[] = [
  {
    kind: 'gauge',
    name: 'muster_backends',
    help: 'Backends registered.',
    labels: ['pool'],
    read: ({ pools }) => pools.map(({ id, size }) => ({ labels: { pool: id }, value: size })),
  },
  {
    kind: 'gauge',
    name: 'muster_backends_eligible',
    help: 'Backends that may get new connections on this node.',
    labels: ['pool'],
    read: ({ pools }) => pools.map(({ id, eligibleCount }) => ({ labels: { pool: id }, value: eligibleCount })),
  },
  {
    kind: 'counter',
    name: 'muster_probes_total',
    help: 'Probes of backends, by result.',
    labels: ['result'],
    read: ({ status: { probes } }) => [
      { labels: { result: 'passed' }, value: probes.passedCount },
      { labels: { result: 'failed' }, value: probes.failedCount },
    ],
  },
  {
    kind: 'gauge',
    name: 'muster_revision',
    help: 'The newest event that the node has folded.',
    read: ({ status }) => one(status.revision),
  },
  {
    kind: 'gauge',
    name: 'muster_journal_head_revision',
    help: 'The newest event of the journal that the node has heard of.',
    read: ({ status }) => one(status.headRevision),
  },
  {
    kind: 'gauge',
    name: 'muster_fold_lag_events',
    help: 'Events between the head of the journal and what the node has folded.',
    read: ({ status }) => one(Math.max(0, status.headRevision - status.revision)),
  },
  {
    kind: 'gauge',
    name: 'muster_journal_up',
    help: '1 while the journal answers.',
    read: ({ status }) => one(status.journalAwaySinceMs === null ? 1 : 0),
  },
  {
    kind: 'gauge',
    name: 'muster_events_rejected',
    help: 'Events in the journal that the fold passed over.',
    read: ({ status }) => one(status.rejectedCount),
  },
  {
    kind: 'gauge',
    name: 'muster_pending_facts',
    help: 'Facts that this node saw and the journal has not taken yet.',
    read: ({ status }) => one(status.pendingFactsCount),
  },
];

const PROCESS_SERIES: readonly Series[] = [
  {
    kind: 'gauge',
    name: 'muster_worker_up',
    help: '1 while the worker serves.',
    labels: ['worker'],
    read: byWorker(({ state }) => (state === 'serving' ? 1 : 0)),
  },
  {
    kind: 'gauge',
    name: 'muster_worker_revision',
    help: 'The newest event that the worker has folded.',
    labels: ['worker'],
    read: byWorker(({ revision }) => revision),
  },
  {
    kind: 'counter',
    name: 'muster_worker_restarts_total',
    help: 'How often the worker was started again.',
    labels: ['worker'],
    read: byWorker(({ restartsCount }) => restartsCount),
  },
  {
    kind: 'counter',
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the control process, user and system.',
    read: () => {
      const { user, system } = process.cpuUsage();
      return one((user + system) / 1e6);
    },
  },
  {
    kind: 'gauge',
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the control process.',
    read: () => one(process.memoryUsage.rss()),
  },
  {
    kind: 'gauge',
    name: 'process_start_time_seconds',
    help: 'When the node started, seconds since 1970.',
    read: ({ status }) => one(status.startedMs / 1000),
  },
];

const SERIES = [...TRAFFIC_SERIES, ...MEMBERSHIP_SERIES, ...PROCESS_SERIES];
