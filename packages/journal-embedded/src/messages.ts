/**
 * What the journal and its thread say to each other.
 *
 *     journal ── appends, requests, close ──► thread
 *     journal ◄── opened | refused, committed, answers, noted, checked, closed ── thread
 *
 * Appends are numbered among themselves, and so are requests. Every answer names the number of what it answers; nothing is
 * answered by its place in a group, so it does not matter what else was sent in between. An outcome carries no payload back:
 * the journal still has the event, and hands it to its followers without another copy.
 */
import type { AppendOutcome, Head, JournalErrorCode, NewEvent, StoredSnapshot } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type { KnownHead } from './head-file.ts';

/** What the thread is started with. */
export interface ThreadData {
  readonly path: string;
  /** The size that the file may grow to; null for no limit but the disk. */
  readonly fileBytesMax: number | null;
  readonly known: KnownHead | null;
}

export interface SubmittedAppend {
  /** The number of this append; no other append of this journal has it. */
  readonly append: number;
  readonly event: NewEvent;
  /** Null: append whatever is there. */
  readonly expectedRevision: number | null;
  /** What the journal's clock said. */
  readonly nowMs: number;
}

/** As the journal's answer, with the time of what is stored: followers are handed the event with it. */
export type CommitOutcome =
  | (Extract<AppendOutcome, { outcome: 'appended' }> & {
      /** ms since 1970. */
      readonly timeMs: number;
    })
  | Exclude<AppendOutcome, { outcome: 'appended' }>;

/** What became of one append. */
export interface AnsweredAppend {
  /** The number of the append that this answers. */
  readonly append: number;
  readonly outcome: CommitOutcome;
}

/** Each request that is answered on its own: what is asked, and what is answered. */
export interface RequestKinds {
  /** At most one page of events; empty only when there are none in the range. */
  page: { ask: { readonly fromRevision: number; readonly toRevision: number }; answer: RecordedEvent[] };
  /** The first revision at or after a time; one past the newest when there is none. */
  'revision-since': { ask: { readonly timeMs: number }; answer: number };
  'save-snapshot': { ask: { readonly snapshot: StoredSnapshot }; answer: null };
  'load-snapshot': { ask: { readonly atOrBefore: number }; answer: StoredSnapshot | null };
}

export type RequestKind = keyof RequestKinds;
export type Request = {
  [Kind in RequestKind]: { readonly kind: Kind; readonly request: number } & RequestKinds[Kind]['ask'];
}[RequestKind];
export type Answer = RequestKinds[RequestKind]['answer'];

export type ToThread =
  { readonly kind: 'append'; readonly appends: readonly SubmittedAppend[] } | Request | { readonly kind: 'close' };

export interface ReportedFailure {
  readonly code: JournalErrorCode;
  readonly message: string;
}

export type FromThread =
  | { readonly kind: 'opened'; readonly head: Head }
  /** The journal could not be opened, or the thread met what it cannot go on after; the thread ends. */
  | ({ readonly kind: 'refused' } & ReportedFailure)
  | { readonly kind: 'committed'; readonly answers: readonly AnsweredAppend[] }
  | { readonly kind: 'answer'; readonly request: number; readonly answer: Answer }
  | ({ readonly kind: 'request-failed'; readonly request: number } & ReportedFailure)
  /** Something that a person should know, and that keeps nobody from using the journal. */
  | { readonly kind: 'noted'; readonly text: string }
  /** All rows have been looked at; `damage` as `RowCheck` says it. */
  | { readonly kind: 'checked'; readonly damage: string | null }
  /** The file is closed and the lock is free; the thread ends. */
  | { readonly kind: 'closed' };
