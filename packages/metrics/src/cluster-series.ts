/** Metrics of the roster and of the journal that it comes from, and of the node among others: what it follows, who agrees with it, whose leases it keeps. */
import type { PeerStatus } from '@muster/actors';
import { flag, one, type Series } from './metric-text.ts';

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

const AGREEMENTS: readonly PeerStatus['agreement'][] = ['equal', 'differs', 'unknown', 'other-epoch'];

export const CLUSTER_SERIES: readonly Series[] = [
  {
    kind: 'gauge',
    name: 'muster_node_stale',
    help: '1 while the node serves what it has and cannot know what is new: the journal is away, its leader is not heard, or it is another history.',
    read: ({ status }) =>
      flag(status.journalAwaySinceMs !== null || status.epochChange !== null || status.confirmation?.isFresh === false),
  },
  {
    kind: 'gauge',
    name: 'muster_journal_confirmed',
    help: "1 while the journal's leader, backed by a majority, has said within the last 4 s what is newest; always 1 for an embedded one.",
    read: ({ status }) => flag(status.confirmation?.isFresh !== false),
  },
  {
    kind: 'gauge',
    name: 'muster_journal_confirmed_timestamp_seconds',
    help: "Of when the newest word of the journal's leader is, in seconds since 1970; 0 before the first; none for an embedded one.",
    read: ({ status: { confirmation } }) => (confirmation === null ? [] : one((confirmation.atMs ?? 0) / 1_000)),
  },
  {
    kind: 'gauge',
    name: 'muster_journal_server_info',
    help: 'Always 1: the server that this node is connected to, and the one that led the journal when it was heard last.',
    read: ({ status: { confirmation } }) =>
      confirmation === null
        ? []
        : [{ labels: { server: confirmation.server ?? '', leader: confirmation.place?.leader ?? '' }, value: 1 }],
  },
  {
    kind: 'gauge',
    name: 'muster_silent_together',
    help: 'Members and nodes that fell silent together, so many of all that it may be this node that is alone; else 0.',
    read: ({ status }) => one(status.massSilence?.silentCount ?? 0),
  },
  {
    kind: 'gauge',
    name: 'muster_leases_ended_together',
    help: 'Leases that ended together the last time that many did, by any node; 0 for never since this node began to serve.',
    read: ({ status }) => one(status.bulkEnd?.count ?? 0),
  },
  {
    kind: 'gauge',
    name: 'muster_leases_ended_together_timestamp_seconds',
    help: 'When the newest of them ended, in seconds since 1970; 0 for never.',
    read: ({ status }) => one((status.bulkEnd?.lastMs ?? 0) / 1_000),
  },
  {
    kind: 'gauge',
    name: 'muster_node_from_local_snapshot',
    help: '1 from a start on the local snapshot until the journal has been read.',
    read: ({ status }) => flag(status.isFromLocalSnapshot),
  },
  {
    kind: 'gauge',
    name: 'muster_journal_epoch_changed',
    help: '1 while the journal is another history than the one that is served.',
    read: ({ status }) => flag(status.epochChange !== null),
  },
  {
    kind: 'gauge',
    name: 'muster_journal_gone',
    help: "1 while the journal's stream is not there.",
    read: ({ status }) => flag(status.confirmation?.isGone ?? false),
  },
  {
    kind: 'gauge',
    name: 'muster_journal_unfit',
    help: '1 while nothing is appended because of a setting of the stream.',
    read: ({ status }) => flag((status.confirmation?.unfit ?? null) !== null),
  },
  {
    kind: 'gauge',
    name: 'muster_history_missing',
    help: 'Pools, backends, modes and listeners that the other history lacks of those served; 0 while there is no other.',
    read: ({ status }) => one(status.epochChange?.missingCount ?? 0),
  },
  {
    kind: 'gauge',
    name: 'muster_history_adopted_timestamp_seconds',
    help: 'When this node adopted another history last, before a restart too; 0 for never.',
    read: ({ status }) => one((status.adoption?.atMs ?? 0) / 1_000),
  },
  {
    kind: 'gauge',
    name: 'muster_peers',
    help: 'Other nodes that are heard, by whether their hash is the same.',
    read: ({ status }) =>
      AGREEMENTS.map((agreement) => ({
        labels: { agreement },
        value: status.peers.filter((peer) => peer.isHeard && peer.agreement === agreement).length,
      })),
  },
  {
    kind: 'gauge',
    name: 'muster_peer_lag_events',
    help: 'Events that another node says it has not folded.',
    read: ({ status }) => status.peers.map(({ node, lag }) => ({ labels: { peer: node }, value: lag })),
  },
  {
    kind: 'gauge',
    name: 'muster_node_name_taken',
    help: "1 while another process announces itself under this node's name.",
    read: ({ status }) => flag(status.isNameTaken),
  },
  {
    kind: 'gauge',
    name: 'muster_node_stands_back',
    help: '1 while this process appends nothing, because another one is the node that it is called after.',
    read: ({ status }) => flag(status.name.state === 'standing-back'),
  },
  {
    kind: 'counter',
    name: 'muster_rebuilds_total',
    help: 'How often the node built its roster anew beside the one it served.',
    read: ({ status }) => one(status.rebuilds.count),
  },
  {
    kind: 'gauge',
    name: 'muster_leases',
    help: 'Members with a lease.',
    read: ({ status }) => one(status.leases.count),
  },
  {
    kind: 'counter',
    name: 'muster_leases_expired_total',
    help: 'Leases that this node has ended.',
    read: ({ status }) => one(status.leases.expiredCount),
  },
];
