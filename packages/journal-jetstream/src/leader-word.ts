/**
 * Whether an answer about the stream is the word of who decides what is in it: its leader, backed by a majority of its copies.
 *
 * The leader alone answers for its stream. But one that is cut off from the others goes on answering as if nothing had happened, until
 * it steps down or is found again: for more than 13 s with 2.10.27 and 2.15.1. What gives it away is when it last heard each copy
 * (`active`, in ns). Copies answer its heartbeats, so this stays under 2 s on an idle stream (measured on both, at most 1.85 s), and
 * grows from the moment of the cut. Others are not elected before the old leader was silent for 4 s (`minElectionTimeout` of nats-server's
 * raft.go), so within `BACKED_WITHIN_MS` of a copy's word there is no second leader.
 *
 * A new leader says 0 of a copy that it has never heard. A server without a leader to name may answer, too, for all of JetStream.
 */
import type { StreamInfo } from '@nats-io/jetstream';

/** A majority that was last heard longer ago than this no longer backs the leader. */
export const BACKED_WITHIN_MS = 3_000;

const NS_PER_MS = 1_000_000;

export interface LeaderWord {
  readonly info: StreamInfo;
  /** How long before its answer the leader had last heard a majority, in ms; 0 where there is one copy. */
  readonly backedMsAgo: number;
}

/** Why an answer is not to be believed, for people: `nats-1 leads the stream, but …`; else the word that it is. */
export function leaderWord(info: StreamInfo): LeaderWord | string {
  const { config, cluster } = info;
  const copies = config.num_replicas;
  if (cluster === undefined) return { info, backedMsAgo: 0 };
  const { leader = '', replicas = [] } = cluster;
  if (leader === '') return 'the stream has no leader just now';
  const othersNeeded = Math.floor(copies / 2);
  if (othersNeeded === 0) return { info, backedMsAgo: 0 };
  const heardNs = replicas.flatMap(({ active, offline }) => (offline || active === 0 ? [] : [active]));
  const backedMsAgo = (heardNs.sort((a, b) => a - b)[othersNeeded - 1] ?? Infinity) / NS_PER_MS;
  if (backedMsAgo <= BACKED_WITHIN_MS) return { info, backedMsAgo };
  const since = backedMsAgo === Infinity ? 'yet' : `for ${(backedMsAgo / 1_000).toFixed(1)} s`;
  return `${leader} leads the stream, but has not heard from a majority of its ${copies} copies ${since}`;
}
