/**
 * The journal port: the ordered log that everything else is folded from.
 *
 * A journal does three things, and these three make the rest of the system simple:
 *
 *   1. It puts events into one total order. Each gets a revision; revisions only rise, and may have gaps.
 *   2. It keeps what it acknowledged. An append that was answered `appended` survives kill -9 of whoever holds the
 *      journal. An append whose answer was lost may have happened: append it again with the same id, and the answer
 *      is the revision it has, with `isDuplicate`. Another event under that id is not it, and is no acknowledgement.
 *   3. It tells followers everything after a revision, in order, without a gap and without a repeat, and says when
 *      they have caught up. Until then a follower knows only a part of the truth and must not act on it.
 *
 * Why a follower, and not a callback per event: a follower is read at the reader's pace. Reading it slowly costs the
 * journal nothing but the bounded batch that is under way; a reader that falls behind reads the log again from where
 * it is, and never makes a queue grow.
 *
 * Why an epoch: revisions are comparable only within one history. A journal that was deleted and made again starts
 * over at revision 1, and a reader at revision 500 would wait for ever, or worse, mix two histories. So a journal
 * has an identity, the epoch, made when it is created. A snapshot names the epoch it belongs to, and a follower is
 * told when the epoch it was following is gone; it then stops. Whether to adopt the new one is the node's decision.
 *
 * Why expectations are per subject: a command is decided against one entity. Two nodes that drain different backends
 * have nothing to settle between them, and two that retarget the same one must not both win.
 *
 * What a journal does not do: read payloads (they are text to it), decide, retry, or filter.
 */
import { MusterError, type RecordedEvent } from '@muster/membership';

/** An event on its way in. The journal gives it a revision and a time. */
export interface NewEvent {
  /** 1 to 128 printable ASCII characters, unique for this event; a UUID serves. */
  readonly id: string;
  /** For example `muster.demo.pool.spells`; 1 to 400 printable ASCII characters, without wildcards. */
  readonly subject: string;
  /** Who publishes, for example `cli:alice@host`; null to say nothing. 1 to 256 characters, none of control. */
  readonly origin: string | null;
  /** JSON text, stored as it is. At most `PAYLOAD_BYTES_MAX` in UTF-8. */
  readonly payload: string;
}

export interface AppendOptions {
  /**
   * Append only if the newest event on this very subject has this revision; 0: only if there is none.
   * Left out: append whatever is there.
   */
  readonly expectedRevision?: number;
  /**
   * True: said once, because what it rests on may not hold a moment later. Where no answer comes it is `unknown`, and nothing says it
   * again, not on another connection either. Default false: it is said again until its outcome is known, or `timeoutMs` is over.
   */
  readonly isOnce?: boolean;
  /** How long it may take at most, in ms; then it is `unknown` or `unavailable`. Default: as long as the journal's own patience lasts. */
  readonly timeoutMs?: number;
}

export type AppendOutcome =
  | {
      readonly outcome: 'appended';
      readonly revision: number;
      /** True when this very event was there already: the same id, subject and payload. The revision is that one's. */
      readonly isDuplicate: boolean;
    }
  /** The expectation was not met, and nothing was stored. `actualRevision`: what is newest on the subject, 0 for nothing. */
  | { readonly outcome: 'conflict'; readonly actualRevision: number }
  /** Nothing was stored, and trying the same again is pointless. */
  | {
      readonly outcome: 'refused';
      /** `id-taken`: another event has the id. Whoever foresaw it may have taken it: append under one that nobody can foresee. */
      readonly reason: 'too-large' | 'invalid' | 'not-permitted' | 'id-taken';
      readonly message: string;
    }
  /** Nothing was stored, now: the journal is away, closed, or has `APPENDS_IN_FLIGHT_MAX` appends waiting. */
  | { readonly outcome: 'unavailable'; readonly message: string }
  /** It may or may not be stored. Append again with the same id to find out. */
  | { readonly outcome: 'unknown'; readonly message: string };

export interface ReadOptions {
  /** The first revision wanted, inclusive. Default 1. */
  readonly fromRevision?: number;
  /** The first time wanted, inclusive, ms since 1970. With `fromRevision`, the later of both counts. */
  readonly fromTimeMs?: number;
  /** The last revision wanted, inclusive. Default: the newest when the read began. */
  readonly toRevision?: number;
}

/** What a follower is handed. */
export type FollowItem =
  /** One or more events, in order, each after everything handed over before. */
  | { readonly kind: 'events'; readonly events: readonly RecordedEvent[] }
  /** Everything up to `revision` has been handed over, and it was the newest a moment ago. Again after falling behind. */
  | { readonly kind: 'caught-up'; readonly revision: number }
  /**
   * The journal cannot be read now; `reason` for people. The follower goes on trying and resumes where it was: what comes next
   * is `events`, `caught-up` or `epoch-changed`. Said once each time. Only a journal that is reached over a network says it.
   */
  | { readonly kind: 'away'; readonly reason: string }
  /** The history that was followed is gone. Nothing comes after this. */
  | { readonly kind: 'epoch-changed'; readonly epoch: string };

export interface FollowOptions {
  /** The newest revision that the reader has; 0 for none. Beyond the journal's newest: the first item is `epoch-changed`. */
  readonly afterRevision: number;
  /** The history that `afterRevision` belongs to. Where the journal has another one, the first item is `epoch-changed`. Default: any. */
  readonly epoch?: string;
  /** Ends the follower; the iteration then finishes without an error. */
  readonly signal: AbortSignal;
}

export interface Head {
  readonly epoch: string;
  /** The newest revision; 0 while the journal is empty. */
  readonly revision: number;
  /** The oldest revision still held; 1 unless retention has removed events. */
  readonly firstRevision: number;
  /** For people: why nothing is appended although it is there, and what mends it; left out while it is fit. */
  readonly unfit?: string;
  /** Where this was asked; left out by a journal that is not reached over a network. */
  readonly place?: JournalPlace;
  /**
   * How long before its answer the leader had last heard a majority of the copies, in ms: the answer is no newer than that. 0 or
   * left out where there is one copy.
   */
  readonly backedMsAgo?: number;
}

/** Names of servers, for people. */
export interface JournalPlace {
  /** The server that this process is connected to. */
  readonly connectedTo: string;
  /** The server that leads the journal's copies; equal to `connectedTo` where there is one copy. */
  readonly leader: string;
}

/** A roster at a revision, as `encodeSnapshot` wrote it. The journal keeps it and does not read it. */
export interface StoredSnapshot {
  readonly epoch: string;
  readonly revision: number;
  /** The roster's hash at that revision. */
  readonly hash: string;
  /** Text; about 200 bytes a backend. */
  readonly data: string;
}

/** Bytes of UTF-8 that a payload may have. The fold has a lower limit of its own; this one protects the store. */
export const PAYLOAD_BYTES_MAX = 1_048_576;
/** Appends that may wait for their answer at once; a further one is answered `unavailable`. */
export const APPENDS_IN_FLIGHT_MAX = 65_536;
/** Within so many ms `Journal.head` has answered or thrown. */
export const HEAD_TIMEOUT_MS = 2_000;
/** Events in one item of a follower, at most. */
export const FOLLOW_BATCH_EVENTS = 1_000;

export interface Journal {
  /** Stores one event. Never throws for what the journal or the world does; see `AppendOutcome`. */
  append(event: NewEvent, options?: AppendOptions): Promise<AppendOutcome>;

  /**
   * Events in order. Ends at the end of what was asked for; it does not wait for more. Without `fromRevision` it begins with
   * the oldest that is held; one that retention has removed throws `compacted`.
   */
  read(options?: ReadOptions): AsyncIterable<RecordedEvent>;

  /**
   * Events in order, for ever. Any number of followers may run side by side. Throws `JournalError` when it cannot go on:
   * `compacted` where retention has removed what comes next.
   */
  follow(options: FollowOptions): AsyncIterable<FollowItem>;

  /**
   * The word of whoever decides what is in the journal: the leader of its copies, backed by a majority of them a moment ago. A
   * copy that is cut off from the others never answers it. Throws `failed` within `HEAD_TIMEOUT_MS` where nobody may say it.
   */
  head(): Promise<Head>;

  /**
   * Keeps a snapshot; a second one at the same revision takes the place of the first. One of another epoch is passed
   * over. Older ones are thinned out, see `snapshotsToRemove`.
   */
  saveSnapshot(snapshot: StoredSnapshot): Promise<void>;

  /** The newest snapshot of the present epoch at or before a revision (default: the newest of all), or null. */
  loadSnapshot(atOrBefore?: number): Promise<StoredSnapshot | null>;

  /**
   * Makes the store anew where it is gone, with another epoch; does nothing where it is there. Only a person's word may
   * lead here: what was in the store is not in the new one. Throws `JournalError` when it cannot.
   */
  renew(): Promise<void>;

  /** Answers what is under way, ends the followers, and lets go of everything. Further calls are `unavailable` or throw. */
  close(): Promise<void>;
}

export type JournalErrorCode =
  /** Another process holds the journal. */
  | 'locked'
  /** The journal is closed. */
  | 'closed'
  /** The store cannot be read: not a journal, damaged, or of a newer format. */
  | 'unreadable'
  /** What was asked for has been removed by retention: begin with a snapshot. */
  | 'compacted'
  /** The store is there and must not be used as it is, because it would lose events or break their order. */
  | 'refused'
  /** The store is not there, and making it anew is for a person. */
  | 'gone'
  /** The store failed: disk full, I/O error, server away. */
  | 'failed';

/** What a journal throws. `message` says what happened, to which journal, and what to do. */
export class JournalError extends MusterError<JournalErrorCode> {
  constructor(code: JournalErrorCode, message: string, cause?: unknown) {
    super({ code, message, source: 'internal', isRetryable: code === 'failed' || code === 'gone', cause });
  }
}
