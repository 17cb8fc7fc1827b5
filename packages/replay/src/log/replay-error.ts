/**
 * What a question about the past fails with: where an answer would be a guess, there is none.
 *
 * `message` says what happened, to which revision of which source, and what to do.
 */

import { MusterError } from '@muster/membership';

export type ReplayErrorCode =
  /** The text names no moment, or one that is not in the log (yet). */
  | 'unknown-instant'
  /** Retention has removed what the answer would be made of. */
  | 'compacted'
  /** What the log folds to is not what nodes recorded. `difference` has both hashes. */
  | 'hash-differs'
  /** Revisions are missing, and nothing recorded later shows that nothing is missing. */
  | 'gap'
  /** One event stands in the log twice. */
  | 'doubled-event'
  /** A revision came after a later one. */
  | 'out-of-order'
  | 'unknown-pool'
  | 'unknown-backend'
  /** Nothing is known of a request with that id. */
  | 'unknown-request'
  /** A question that makes no sense: a filter with a misspelt type, an end before its beginning. */
  | 'invalid-question'
  /** The settings that were in force do not give what happened, so that nothing is said of others. */
  | 'not-identical'
  /** A file that holds no incident, is damaged, or was written by a newer version. */
  | 'unreadable-file';

/** Where the log and a recorded hash part. */
export interface HashDifference {
  /** Where they were compared. */
  readonly revision: number;
  /** What the log folds to. */
  readonly foldedHash: string;
  readonly recordedHash: string;
  /** For example `node lb-1` or `the snapshot at revision 1000`. */
  readonly recordedBy: string;
  /** The newest revision before at which they were equal; null where they never were. */
  readonly agreedRevision: number | null;
  /** The first event that may be another than it was; it is the only one where this equals `revision`. */
  readonly firstSuspectRevision: number;
}

export interface ReplayErrorOptions {
  /** The revision that it is about. */
  readonly revision?: number;
  readonly difference?: HashDifference;
  readonly cause?: unknown;
}

export class ReplayError extends MusterError<ReplayErrorCode> {
  /** Null where no single revision is meant. */
  readonly revision: number | null;
  /** Of `hash-differs` alone. */
  readonly difference: HashDifference | null;

  constructor(code: ReplayErrorCode, message: string, options: ReplayErrorOptions = {}) {
    super({ code, message, source: 'internal', isRetryable: false, cause: options.cause });
    this.revision = options.revision ?? null;
    this.difference = options.difference ?? null;
  }
}
