/** Metrics of the roster and of the journal that it comes from. */
import { flag, one, type Series } from './metric-series.ts';

export const MEMBERSHIP_SERIES: readonly Series[] = [
  {
    kind: 'gauge',
    name: 'muster_backends',
    help: 'Backends registered.',
    read: ({ pools }) => pools.map(({ id, size }) => ({ labels: { pool: id }, value: size })),
  },
  {
    kind: 'gauge',
    name: 'muster_backends_eligible',
    help: 'Backends that may get new connections on this node.',
    read: ({ pools }) => pools.map(({ id, eligibleCount }) => ({ labels: { pool: id }, value: eligibleCount })),
  },
  {
    kind: 'counter',
    name: 'muster_probes_total',
    help: 'Probes of backends, by result.',
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
    help: '1 while the journal answers, and its leader among those who do.',
    read: ({ status }) => flag(status.journalAwaySinceMs === null && status.confirmation?.isFresh !== false),
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
