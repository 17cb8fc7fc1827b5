/**
 * What is known of one request when it is over: its way, every attempt with the inputs of its pick, and how it ended. The access
 * log, the metrics, the kept decisions and the filters read it; nobody changes it.
 *
 * It is the exchange itself, not a copy: whoever keeps one keeps everything that it refers to (its BackendSet among it, which
 * is shared by all requests that were picked from it).
 */
import type { BackendSet } from '@muster/membership';
import type { PickInputs } from '@muster/selection';
import type { PickFailure } from '../../pool/pool-stats.ts';
import type { Termination } from './termination.ts';

/** How an attempt ended. */
export type AttemptOutcome =
  /** Under way. */
  | 'pending'
  /** The head of an answer came; how the rest went is the exchange's termination. */
  | 'answered'
  | 'connect_failed'
  | 'connect_timeout'
  /** A kept-alive connection had ended before a byte of an answer. */
  | 'stale'
  /** A new connection ended before the head of an answer. */
  | 'no_answer'
  | 'bad_answer'
  | 'answer_timeout'
  | 'target_removed'
  /** The client left, or the request broke off. */
  | 'cancelled';

export interface Attempt {
  readonly backend: string;
  readonly target: string;
  /** What it was picked from: revision, policy and candidates, and what they were made of. */
  readonly set: BackendSet;
  /** What the policy made the pick from besides. */
  readonly inputs: PickInputs;
  readonly keyHash: number;
  /** Backends that were passed over because they had been tried. */
  readonly triedIds: readonly string[];
  /** The ids left out because they were at their limit of connections, as far as the policy came across them; at most 65. */
  readonly fullIds: readonly string[];
  /** The ids left out because this node does not dial their targets; at most 65. */
  readonly undialledIds: readonly string[];
  /** In panic, whether those that are not eligible were passed over. */
  readonly isStrict: boolean;
  /** The ids that filters allowed; null when no filter narrowed the set. */
  readonly onlyIds: readonly string[] | null;
  readonly isReused: boolean;
  /** Milliseconds since the exchange began, with fractions. */
  readonly startedAtMs: number;
  /** When the head of the answer came, in ms since the request began; -1 if it never came. */
  readonly answeredAtMs: number;
  readonly outcome: AttemptOutcome;
  /** In words where it failed; null otherwise. */
  readonly detail: string | null;
}

/** A pick that found nobody. */
export interface RefusedPick extends Pick<
  Attempt,
  'set' | 'triedIds' | 'fullIds' | 'undialledIds' | 'isStrict' | 'onlyIds'
> {
  readonly reason: PickFailure;
}

export interface ExchangeRecord {
  /** What `X-Request-Id` says, to the backend and to the client. */
  readonly requestId: string;
  readonly listener: string;
  /** The peer's address, and the client's where a trusted proxy named it; '' for a Unix socket. */
  readonly clientAddress: string;
  readonly method: string;
  readonly authority: string;
  /** The request target as it was sent. */
  readonly target: string;
  /**
   * Path and query as they were matched with the routes, before a prefix was stripped: the target's in normal form, or what a filter
   * made of it; '*' for OPTIONS of the server as a whole.
   */
  readonly path: string;
  /** Null where no route led anywhere. */
  readonly pool: string | null;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  /** Milliseconds, with fractions. */
  readonly durationMs: number;
  /** What the client was told; 0 where it was told nothing. */
  readonly status: number;
  /** Bytes of the bodies, as they were framed. */
  readonly requestBodyBytes: number;
  readonly answerBodyBytes: number;
  readonly attempts: readonly Attempt[];
  /** The last pick where it found nobody; null where it found somebody, or there was nothing to pick from. */
  readonly refused: RefusedPick | null;
  readonly termination: Termination;
  /** More about the termination, in words; null where there is nothing to add. */
  readonly detail: string | null;
}

/**
 * What of a request's path and query is kept and shown: the path. A query may hold a token, a password or somebody's name, and logs
 * are read by more people than requests are, so only its length is told.
 */
export interface ShownPath {
  readonly path: string;
  /** The query's length in bytes without its `?`; 0 where there is none, or an empty one. */
  readonly queryBytes: number;
}

/** `/reset?token=s3cret` is `{ path: '/reset', queryBytes: 12 }`. */
export function shownPath(pathAndQuery: string): ShownPath {
  const question = pathAndQuery.indexOf('?');
  if (question < 0) return { path: pathAndQuery, queryBytes: 0 };
  return { path: pathAndQuery.slice(0, question), queryBytes: pathAndQuery.length - question - 1 };
}
