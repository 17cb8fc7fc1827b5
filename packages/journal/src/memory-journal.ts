/**
 * The journal in memory: for tests, and as the shortest reading of what the port means.
 *
 * An array is the log, a revision is an index plus one, two maps answer "is this id there" and "what is newest on this
 * subject". Followers pull from the array (`pull-follower.ts`). Time comes from the given clock and never goes back.
 *
 * It does not outlive the process, and it keeps every event, so its size is bounded only by what is appended to it.
 */
import { answerToSameId } from './append-check.ts';
import { randomUUID } from 'node:crypto';
import type { RecordedEvent } from '@muster/membership';
import { refuseAppend } from './append-check.ts';
import {
  FOLLOW_BATCH_EVENTS,
  JournalError,
  type AppendOptions,
  type AppendOutcome,
  type FollowItem,
  type FollowOptions,
  type Head,
  type Journal,
  type NewEvent,
  type ReadOptions,
  type StoredSnapshot,
} from './journal.ts';
import { pullFollower, WakeUp, type PullSource } from './pull-follower.ts';
import { snapshotsToRemove } from './snapshot-retention.ts';

export interface MemoryJournalOptions {
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
  /** The identity of this history. Default: a new UUID. */
  readonly epoch?: string;
}

/** An empty journal that lives as long as the process. */
export function createMemoryJournal(options: MemoryJournalOptions = {}): Journal {
  return new MemoryJournal(options);
}

class MemoryJournal implements Journal, PullSource {
  readonly epoch: string;
  readonly changed = new WakeUp();
  readonly #now: () => number;
  readonly #events: RecordedEvent[] = [];
  readonly #eventsById = new Map<string, RecordedEvent>();
  readonly #newestBySubject = new Map<string, number>();
  readonly #snapshots = new Map<number, StoredSnapshot>();
  #isClosed = false;

  constructor({ now = Date.now, epoch = randomUUID() }: MemoryJournalOptions) {
    this.#now = now;
    this.epoch = epoch;
  }

  append(event: NewEvent, options: AppendOptions = {}): Promise<AppendOutcome> {
    return Promise.resolve(this.#append(event, options));
  }

  #append(event: NewEvent, options: AppendOptions): AppendOutcome {
    if (this.#isClosed) return { outcome: 'unavailable', message: closedMessage };
    const refusal = refuseAppend(event, options);
    if (refusal !== null) return refusal;
    const present = this.#eventsById.get(event.id);
    if (present !== undefined) return answerToSameId(event, present);
    const actualRevision = this.#newestBySubject.get(event.subject) ?? 0;
    if (options.expectedRevision !== undefined && options.expectedRevision !== actualRevision) {
      return { outcome: 'conflict', actualRevision };
    }
    const { revision } = this.#record(event);
    return { outcome: 'appended', revision, isDuplicate: false };
  }

  #record({ id, subject, origin, payload }: NewEvent): RecordedEvent {
    const timeMs = Math.max(this.#now(), this.#events.at(-1)?.timeMs ?? 0);
    const recorded = { revision: this.#events.length + 1, timeMs, id, subject, origin, payload };
    this.#events.push(recorded);
    this.#eventsById.set(id, recorded);
    this.#newestBySubject.set(subject, recorded.revision);
    this.changed.wake();
    return recorded;
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<RecordedEvent, void> {
    const toRevision = Math.min(options.toRevision ?? Infinity, this.newestRevision());
    const from = Math.max(options.fromRevision ?? 1, this.#firstRevisionSince(options.fromTimeMs ?? 0));
    for await (const events of this.batches(from - 1, toRevision)) yield* events;
  }

  #firstRevisionSince(timeMs: number): number {
    const index = this.#events.findIndex((event) => event.timeMs >= timeMs);
    return index === -1 ? this.#events.length + 1 : index + 1;
  }

  follow(options: FollowOptions): AsyncIterable<FollowItem> {
    return pullFollower(this, options);
  }

  newestRevision(): number {
    this.#throwIfClosed();
    return this.#events.length;
  }

  async *batches(after: number, upTo: number): AsyncGenerator<readonly RecordedEvent[], void> {
    for (let from = Math.max(after, 0); from < upTo; from += FOLLOW_BATCH_EVENTS) {
      this.#throwIfClosed();
      yield this.#events.slice(from, Math.min(from + FOLLOW_BATCH_EVENTS, upTo));
    }
  }

  async head(): Promise<Head> {
    return { epoch: this.epoch, revision: this.newestRevision(), firstRevision: 1 };
  }

  async saveSnapshot(snapshot: StoredSnapshot): Promise<void> {
    this.#throwIfClosed();
    if (snapshot.epoch !== this.epoch) return;
    this.#snapshots.set(snapshot.revision, snapshot);
    for (const revision of snapshotsToRemove(this.#snapshotRevisions())) this.#snapshots.delete(revision);
  }

  async loadSnapshot(atOrBefore = Infinity): Promise<StoredSnapshot | null> {
    this.#throwIfClosed();
    const revision = this.#snapshotRevisions().findLast((candidate) => candidate <= atOrBefore);
    return revision === undefined ? null : this.#snapshots.get(revision)!;
  }

  #snapshotRevisions(): number[] {
    return [...this.#snapshots.keys()].sort((a, b) => a - b);
  }

  async renew(): Promise<void> {
    this.#throwIfClosed();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.changed.wake();
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw new JournalError('closed', closedMessage);
  }
}

const closedMessage = 'the in-memory journal is closed; create another one';
