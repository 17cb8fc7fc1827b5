/**
 * The port that every selection policy implements: given a pool's newest BackendSet, who takes the next one?
 *
 * A policy is a small state machine owned by one worker and one pool. It is told of a new set only by being handed it
 * with the next pick, so sets that nobody picked from cost nothing, and its state (whose turn it is) survives the
 * change because it is kept by backend id, not by position. A policy reads no clock and throws no dice: the same sets
 * and requests in the same order give the same picks, which is what lets a recorded decision be replayed.
 *
 * It does not dial, count connections or know why a backend is excluded.
 */
import type { BackendSet, EligibleBackend } from '@muster/membership';

/** What is known about the connection or request that needs a backend. A hash key will join it here. */
export interface PickRequest {
  /** True for a backend that must be passed over: it was tried already, or is at its limit. Null: none is. */
  readonly isExcluded: ((backend: EligibleBackend) => boolean) | null;
}

/** The request that takes whoever is next. */
export const ANY_BACKEND: PickRequest = { isExcluded: null };

export interface SelectionPolicy {
  /**
   * The backend whose turn it is, or null when the set is empty or everything in it is excluded. A backend that is
   * passed over keeps its weight, and the others keep their order.
   */
  pick(set: BackendSet, request: PickRequest): EligibleBackend | null;
}
