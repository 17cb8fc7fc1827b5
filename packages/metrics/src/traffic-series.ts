/** Metrics of the traffic, summed over all workers. */
import type { ReadSamples, Sample, Scrape, Series } from './metric-text.ts';
import type { Traffic } from '@muster/questions';

function byListener(read: (stats: Traffic['listeners'][string]) => number): ReadSamples {
  return ({ traffic }) =>
    Object.entries(traffic.listeners).map(([listener, stats]) => ({ labels: { listener }, value: read(stats) }));
}

function byListenerAndReason(axis: 'refused' | 'closed'): ReadSamples {
  return ({ traffic }) =>
    Object.entries(traffic.listeners).flatMap(([listener, stats]) =>
      Object.entries(stats[axis]).map(([reason, value]) => ({ labels: { listener, reason }, value })),
    );
}

function byPool(read: (stats: Traffic['pools'][string]) => number): ReadSamples {
  return ({ traffic }) =>
    Object.entries(traffic.pools).map(([pool, stats]) => ({ labels: { pool }, value: read(stats) }));
}

function* pickSamples({ traffic }: Scrape): Generator<Sample, void> {
  for (const [pool, { picksByBackend }] of Object.entries(traffic.pools)) {
    for (const backend in picksByBackend) yield { labels: { pool, backend }, value: picksByBackend[backend]! };
  }
}

export const TRAFFIC_SERIES: readonly Series[] = [
  {
    kind: 'gauge',
    name: 'muster_connections_open',
    help: 'Downstream connections that are open now.',
    read: byListener(({ open }) => open),
  },
  {
    kind: 'counter',
    name: 'muster_connections_total',
    help: 'Downstream connections accepted.',
    read: byListener(({ accepted }) => accepted),
  },
  {
    kind: 'counter',
    name: 'muster_accept_failures_total',
    help: 'Accepts that failed.',
    read: byListener(({ acceptFailures }) => acceptFailures),
  },
  {
    kind: 'counter',
    name: 'muster_connections_refused_total',
    help: 'Connections closed without a byte relayed, by reason.',
    read: byListenerAndReason('refused'),
  },
  {
    kind: 'counter',
    name: 'muster_connections_closed_total',
    help: 'Relayed connections that ended, by reason.',
    read: byListenerAndReason('closed'),
  },
  {
    kind: 'counter',
    name: 'muster_bytes_total',
    help: 'Bytes relayed, by where they came from.',
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
    read: byPool(({ connectFailures }) => connectFailures),
  },
  {
    kind: 'counter',
    name: 'muster_connect_retries_total',
    help: 'Connections and requests that were tried again, after a dial had failed or a kept-alive connection had ended.',
    read: byPool(({ retries }) => retries),
  },
  {
    kind: 'counter',
    name: 'muster_picks_total',
    help: 'How often each backend was picked.',
    read: pickSamples,
  },
];
