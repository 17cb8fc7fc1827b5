/**
 * The port that every selection policy implements: given a pool's newest BackendSet, who takes the next one?
 *
 * A policy is a small state machine owned by one worker and one pool. It is told of a new set only by being handed it
 * with the next pick, so sets that nobody picked from cost nothing, and its state (whose turn it is) survives the
 * change because it is kept by backend id, not by position. A policy reads no clock and throws no dice: chance comes from
 * a generator whose state is part of its own. So the same sets and requests in the same order give the same picks.
 *
 * What is more, one pick can be had again alone: `inputs` is all that the last one was made from besides the set and the
 * request, and `repick` makes it again. That is what lets a recorded decision be explained.
 *
 * It does not dial, count connections or know why a backend is excluded.
 */
import type { BackendSet, Candidate } from '@muster/membership';

/** What a policy looks at of a set. */
export type PickSet = Pick<BackendSet, 'backends'>;

/** What is known about the connection or request that needs a backend. */
export interface PickRequest {
  /** True for a backend that must be passed over: it was tried already, or is at its limit. Null: none is. */
  readonly isExcluded: ((backend: Candidate) => boolean) | null;
  /** Hash of what the pool hashes on (`hashKey`), an unsigned 32-bit integer; 0 where the policy needs none. */
  readonly keyHash: number;
  /** Connections and requests that this worker has under way with a backend. */
  readonly inFlightOf: (backend: Candidate) => number;
  /** Those with all backends of the pool together: what `inFlightOf` adds up to. `consistent_hash` alone looks at it. */
  readonly inFlightTotal: number;
}

/** The request that takes whoever is next. */
export const ANY_BACKEND: PickRequest = { isExcluded: null, keyHash: 0, inFlightOf: () => 0, inFlightTotal: 0 };

/** A backend whose in-flight count was looked at, and the count. */
export interface Consultation {
  readonly id: string;
  readonly inFlight: number;
}

/**
 * What a pick was made from. Plain data, which survives JSON; owned by the policy until the next pick, so whoever keeps it
 * copies what it needs (`weights` is never changed after the pick and may be kept as it is).
 */
export interface PickInputs {
  /**
   * Before the pick: in `round_robin` with equal weights the position whose turn it was, in `random` and `least_requests` the
   * generator's state. An unsigned 32-bit integer; 0 elsewhere.
   */
  readonly cursor: number;
  /**
   * `round_robin` with different weights: the current weights by position before the pick. Null elsewhere, and above
   * `WEIGHTS_KEPT_MAX` backends, where keeping them would cost more than picking.
   */
  readonly weights: readonly number[] | null;
  /** In the order in which they were looked at, each backend once; empty where none was. */
  readonly consulted: readonly Consultation[];
  /** `consistent_hash`: the request's total, by which the load is bounded. 0 elsewhere. */
  readonly inFlightTotal: number;
}

export interface SelectionPolicy {
  /**
   * The backend whose turn it is, or null when the set is empty or everything in it is excluded. A backend that is
   * passed over keeps its weight, and the others keep their order.
   */
  pick(set: PickSet, request: PickRequest): Candidate | null;
  /** Of the last pick; the same object each time. */
  readonly inputs: PickInputs;
}
