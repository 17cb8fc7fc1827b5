/** Metrics of the node among others: what it follows, who agrees with it, whose leases it keeps. */
import type { PeerStatus } from '@muster/actors';
import { flag, one, type Series } from './metric-series.ts';

const AGREEMENTS: readonly PeerStatus['agreement'][] = ['equal', 'differs', 'unknown', 'other-epoch'];

export const CLUSTER_SERIES: readonly Series[] = [
  {
    kind: 'gauge',
    name: 'muster_node_stale',
    help: '1 while the node serves what it has and does not follow the journal: it is away, or another history.',
    read: ({ status }) => flag(status.journalAwaySinceMs !== null || status.epochChange !== null),
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
