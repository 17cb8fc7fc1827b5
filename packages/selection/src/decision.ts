/**
 * A decision: one recorded pick, with all that it was made from, as plain data that survives JSON.
 *
 * It names the roster that the picked-from set was made of, and whatever else that set depends on: this node's facts that the
 * journal had not taken yet, and the moment at which it was made (weights grow by time while a backend starts slowly). So the set
 * can be made again from the journal, whatever its size, and `repick` can pick from it again.
 *
 * How the attempts went is told in words here; which words there are is the data plane's business.
 */
import type { Candidate, PendingFact, PoolSpec } from '@muster/membership';
import type { PickInputs } from './selection-policy.ts';

/** What may be too much to be kept of one pick. */
export type UnkeptInput = 'pendingFacts' | 'fullIds' | 'undialledIds' | 'onlyIds';

/** What a pick was made from, save what its policy looked at besides. */
export interface DecidedPick {
  /** The newest event that the set rests on. */
  readonly revision: number;
  /** The roster that the set was made of; nothing that it has to say of the pool changed between `revision` and this one. */
  readonly rosterRevision: number;
  /** When the set was made, ms since 1970 by the worker's clock. */
  readonly setMadeMs: number;
  /** What the node saw of this pool and the journal had not taken yet, laid over the roster for this set; see `notKept`. */
  readonly pendingFacts: readonly PendingFact[];
  readonly policy: PoolSpec['policy'];
  readonly isPanic: boolean;
  /** How many backends there were to pick from, those that were passed over included. */
  readonly candidatesCount: number;
  /** In the order that the policy sees; null where they were not asked for, or are more than 64. */
  readonly candidates: readonly Candidate[] | null;
  /** Passed over because they had been tried; among them one whose kept-alive connection had ended, while there were others. */
  readonly triedIds: readonly string[];
  /** Passed over because they had as many connections as the pool allows, as far as the policy came across them; see `notKept`. */
  readonly fullIds: readonly string[];
  /** Passed over because the node does not dial their targets: its own addresses, or what its config forbids; see `notKept`. */
  readonly undialledIds: readonly string[];
  /** In panic, whether those that are not eligible were passed over: a further attempt prefers the others. */
  readonly isStrict: boolean;
  /** The ids that filters allowed; null when no filter narrowed the set. See `notKept`. */
  readonly onlyIds: readonly string[] | null;
  /** What of the above was more than 64, and is therefore empty here. Without it the pick cannot be made again. */
  readonly notKept: readonly UnkeptInput[];
}

/** One pick and what became of it. */
export interface DecidedAttempt extends DecidedPick {
  readonly backend: string;
  readonly target: string;
  /** What the policy looked at besides. */
  readonly inputs: PickInputs;
  /** 0 where the policy does not hash. */
  readonly keyHash: number;
  readonly isReused: boolean;
  /** Milliseconds since the request began. */
  readonly startedAtMs: number;
  /** When the head of the answer came, in ms since the request began; null if it never came. */
  readonly answeredAtMs: number | null;
  readonly outcome: string;
  readonly detail: string | null;
}

/** A pick that found nobody, for example `empty_set`, `backends_full` (the request then waits) or `connect_failed` (all were tried). */
export interface RefusedPick extends DecidedPick {
  readonly reason: string;
}

/** What was decided about one request. */
export interface Decision {
  readonly requestId: string;
  /** When it began, ms since 1970. */
  readonly timeMs: number;
  readonly durationMs: number;
  readonly listener: string;
  readonly method: string;
  readonly authority: string;
  /** Without the query. */
  readonly path: string;
  readonly queryBytes: number;
  /** Null where no route led anywhere. */
  readonly pool: string | null;
  /** What the client was told; 0: nothing. */
  readonly status: number;
  readonly termination: string;
  /** The termination in words, and what is known besides: `no backend could be reached: connection refused`. */
  readonly result: string;
  readonly attemptsCount: number;
  /** In order; the first eight. */
  readonly attempts: readonly DecidedAttempt[];
  /** The last pick where it found nobody; null where it found somebody, or there was nothing to pick from. */
  readonly refused: RefusedPick | null;
}
