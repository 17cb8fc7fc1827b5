/**
 * What the data plane counts: cumulative totals as plain numbers, cheap enough to be counted on every read.
 *
 * Every accepted connection is counted exactly once more: it is open, or was refused, or was closed. So
 * accepted = open + Σ refused + Σ closed at any moment, which the tests hold it to.
 */
import type { PickFailure } from '../pool/pool-stats.ts';

/** Why a connection was closed without a byte having been relayed: the worker is at its limit, or nobody could be picked or reached. */
export type ConnectionRefusal = 'connection_limit' | PickFailure;

/** Why a relayed connection ended. */
export type CloseReason =
  /** Both sides had ended. */
  | 'finished'
  /** One side was reset, or takes no more bytes. */
  | 'reset'
  | 'idle'
  /** The backend left the pool, or has another target now. */
  | 'target_removed'
  /** The backend's drain timeout is over. */
  | 'drain_timeout'
  /** An answer broke off in the middle, and so did the connection. */
  | 'aborted'
  | 'listener_removed'
  /** The worker is shutting down. */
  | 'shutdown';

export interface ListenerStats {
  accepted: number;
  open: number;
  acceptFailures: number;
  bytesFromDownstream: number;
  bytesFromUpstream: number;
  readonly refused: Record<ConnectionRefusal, number>;
  readonly closed: Record<CloseReason, number>;
}

export function emptyListenerStats(): ListenerStats {
  return {
    accepted: 0,
    open: 0,
    acceptFailures: 0,
    bytesFromDownstream: 0,
    bytesFromUpstream: 0,
    refused: { connection_limit: 0, unknown_pool: 0, empty_set: 0, backends_full: 0, connect_failed: 0 },
    closed: {
      finished: 0,
      reset: 0,
      idle: 0,
      target_removed: 0,
      drain_timeout: 0,
      aborted: 0,
      listener_removed: 0,
      shutdown: 0,
    },
  };
}

/** The sum, in a new object. */
export function addListenerStats(a: ListenerStats, b: ListenerStats): ListenerStats {
  return {
    accepted: a.accepted + b.accepted,
    open: a.open + b.open,
    acceptFailures: a.acceptFailures + b.acceptFailures,
    bytesFromDownstream: a.bytesFromDownstream + b.bytesFromDownstream,
    bytesFromUpstream: a.bytesFromUpstream + b.bytesFromUpstream,
    refused: addCounts(a.refused, b.refused),
    closed: addCounts(a.closed, b.closed),
  };
}

function addCounts<Key extends string>(a: Record<Key, number>, b: Record<Key, number>): Record<Key, number> {
  const sum = { ...a };
  for (const key of Object.keys(sum) as Key[]) sum[key] += b[key];
  return sum;
}
