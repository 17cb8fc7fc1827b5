/** Metrics of HTTP requests, summed over all workers, and of the log that they are written to. */
import { STATUS_CLASSES, type PoolGauges } from '@muster/proxy';
import type { HttpPoolTotals } from './http-totals.ts';
import type { LatencySample, ReadSamples, Sample, Scrape, Series } from './metric-text.ts';

function byPool(read: (totals: HttpPoolTotals) => number): ReadSamples {
  return ({ http }) =>
    http.map((totals) => ({ labels: { listener: totals.listener, pool: totals.pool }, value: read(totals) }));
}

function latencies(axis: 'duration' | 'answer'): (scrape: Scrape) => LatencySample[] {
  return ({ http }) =>
    http.map((totals) => ({ labels: { listener: totals.listener, pool: totals.pool }, latency: totals[axis] }));
}

function gauge(read: (now: PoolGauges) => number): ReadSamples {
  return ({ traffic }) =>
    Object.entries(traffic.pools).map(([pool, { now }]) => ({ labels: { pool }, value: read(now) }));
}

/** What a backend never answered with has no series. */
function* requestSamples({ http }: Scrape): Generator<Sample, void> {
  for (const { listener, pool, requestsByBackend } of http) {
    for (const [backend, counts] of requestsByBackend) {
      for (const [index, value] of counts.entries()) {
        if (value > 0) yield { labels: { listener, pool, backend, code: STATUS_CLASSES[index]! }, value };
      }
    }
  }
}

export const HTTP_SERIES: readonly Series[] = [
  {
    kind: 'counter',
    name: 'muster_http_requests_total',
    help: 'Requests, by the backend of the last attempt and the class of the status that the client was told.',
    read: requestSamples,
  },
  {
    kind: 'counter',
    name: 'muster_http_terminations_total',
    help: 'Requests, by how they ended.',
    read: ({ http }) =>
      http.flatMap(({ listener, pool, terminations }) =>
        [...terminations].map(([reason, value]) => ({ labels: { listener, pool, reason }, value })),
      ),
  },
  {
    kind: 'latency',
    name: 'muster_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer; tunnels are left out.',
    read: latencies('duration'),
  },
  {
    kind: 'latency',
    name: 'muster_http_upstream_answer_seconds',
    help: 'From the beginning of the last attempt, dial included, to the head of the answer.',
    read: latencies('answer'),
  },
  {
    kind: 'counter',
    name: 'muster_http_retries_total',
    help: 'Attempts after the first of a request.',
    read: byPool(({ retries }) => retries),
  },
  {
    kind: 'counter',
    name: 'muster_http_stale_connections_total',
    help: 'Attempts on a kept-alive connection that had ended.',
    read: byPool(({ staleConnections }) => staleConnections),
  },
  {
    kind: 'counter',
    name: 'muster_http_refused_heads_total',
    help: 'Requests that were refused before they were any, by the rule that they broke.',
    read: ({ refusedHeads }) =>
      [...refusedHeads].flatMap(([listener, byReason]) =>
        [...byReason].map(([reason, value]) => ({ labels: { listener, reason }, value })),
      ),
  },
  {
    kind: 'gauge',
    name: 'muster_http_requests_in_flight',
    help: 'Requests that a pool has taken and that are not over, waiting ones and tunnels included.',
    read: gauge(({ requestsInFlight }) => requestsInFlight),
  },
  {
    kind: 'gauge',
    name: 'muster_http_requests_waiting',
    help: 'Of these, who wait for a connection or for their turn to be tried again.',
    read: gauge(({ requestsWaiting }) => requestsWaiting),
  },
  {
    kind: 'gauge',
    name: 'muster_upstream_connections',
    help: 'Connections to backends: in use (dials included), or idle, kept alive for a request to come.',
    read: ({ traffic }) =>
      Object.entries(traffic.pools).flatMap(([pool, { now }]) => [
        { labels: { pool, state: 'used' }, value: now.connectionsOpen - now.connectionsIdle },
        { labels: { pool, state: 'idle' }, value: now.connectionsIdle },
      ]),
  },
  {
    kind: 'counter',
    name: 'muster_access_log_lines_total',
    help: 'Lines of the access log, by what became of them: written, or dropped because nobody read fast enough.',
    read: ({ accessLog: { written, dropped } }) => [
      { labels: { outcome: 'written' }, value: written },
      { labels: { outcome: 'dropped' }, value: dropped },
    ],
  },
];
