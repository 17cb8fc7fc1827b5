/**
 * Events and snapshots in the journal's file. Synchronous: it runs in the journal's thread, and in tests.
 *
 * Group commit: a group of appends is one transaction and so one fsync, however many there are. Each append of a group
 * is decided against what the ones before it left, so a duplicate or an expectation within a group behaves as it
 * would alone.
 *
 * When a group fails before its commit, SQLite has rolled it back and nothing is stored: `unavailable`. When the commit
 * itself fails for another reason than room, the mark that makes it count may or may not have reached the disk, and a
 * crash at this very moment would decide: `unknown`. Either way the store goes on with the next group.
 *
 * A file may be damaged in ways that SQLite does not notice: rows that are gone, or that hold what nobody wrote. Each row therefore
 * carries a digest (`event-digest.ts`), and what is not proven by it is refused, by its revision. When the file is opened, what a reader
 * begins with is proven (`start-proof.ts`); each row once more when it is read; and all of them meanwhile (`row-check.ts`).
 */
import type { StatementSync } from 'node:sqlite';
import {
  answerToSameId,
  FOLLOW_BATCH_EVENTS,
  snapshotsToRemove,
  type Head,
  type JournalError,
  type NewEvent,
  type StoredSnapshot,
} from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import { eventDigest, snapshotDigest } from './event-digest.ts';
import { ProvenRows, type Place } from './proven-rows.ts';
import type { JournalFile } from './journal-file.ts';
import type { CommitOutcome, SubmittedAppend } from './messages.ts';
import { damageError, isFull, journalErrorOf } from './sqlite-failure.ts';
import type { KnownHead } from './head-file.ts';
import { proveStart } from './start-proof.ts';

/** A page ends after the event that passes this, so that pages of large payloads stay small messages. */
const PAGE_CHARACTERS_MAX = 2_097_152;

export interface EventStoreOptions {
  /** What other records of this machine say of the journal; null: there are none. */
  readonly known?: KnownHead | null;
  /** Told of what does not keep the journal from being used, in a sentence. */
  readonly onNote?: (text: string) => void;
}

export class EventStore {
  readonly #file: JournalFile;
  readonly #statements: ReturnType<typeof prepareStatements>;
  readonly #rows: ProvenRows;
  readonly #onNote: (text: string) => void;
  #newest: Place;

  /** Throws `JournalError` where what a reader would begin with is not proven. */
  constructor(file: JournalFile, { known = null, onNote = () => undefined }: EventStoreOptions = {}) {
    this.#file = file;
    this.#onNote = onNote;
    [this.#statements, this.#rows] = this.#guard(() => [prepareStatements(file), new ProvenRows(file)]);
    this.#newest = this.#guard(() => proveStart({ file, rows: this.#rows, known, onNote }));
    this.#keepHead();
  }

  /** Writes down how far the journal has come, for the next start. */
  #keepHead(): void {
    const { revision, digest } = this.#newest;
    const failure = this.#file.head.write({ epoch: this.#file.epoch, revision, digest });
    if (failure !== null) this.#onNote(failure);
  }

  #damage(what: string): JournalError {
    return damageError(this.#file.path, what);
  }

  head(): Head {
    return { epoch: this.#file.epoch, revision: this.#newest.revision, firstRevision: 1 };
  }

  /** Stores a group and answers one outcome for each, in order. */
  appendGroup(group: readonly SubmittedAppend[]): CommitOutcome[] {
    const { database } = this.#file;
    const before = this.#newest;
    let isCommitting = false;
    try {
      database.exec('BEGIN IMMEDIATE');
      const outcomes = group.map((append) => this.#appendOne(append));
      isCommitting = true;
      database.exec('COMMIT');
      if (this.#newest !== before) this.#keepHead();
      return outcomes;
    } catch (error) {
      const { message } = journalErrorOf(error, this.#file.path);
      this.#newest = before;
      if (!this.#rollBack()) return group.map(() => ({ outcome: 'unknown', message }));
      const outcome = isCommitting && !isFull(error) ? 'unknown' : 'unavailable';
      return group.map(() => ({ outcome, message }));
    }
  }

  /** False where the file does not even say what its newest event is; the next group then tries what `before` says. */
  #rollBack(): boolean {
    const { database } = this.#file;
    try {
      // SQLite rolls back by itself for most failures; a second rollback would be a failure of its own.
      if (database.isTransaction) database.exec('ROLLBACK');
      this.#newest = this.#rows.newest();
      return true;
    } catch (error) {
      // Throws again where it is not the file's fault.
      journalErrorOf(error, this.#file.path);
      return false;
    }
  }

  #appendOne({ event, expectedRevision, nowMs }: SubmittedAppend): CommitOutcome {
    if (expectedRevision !== null) {
      const duplicate = this.#findDuplicate(event);
      if (duplicate !== null) return duplicate;
      const actualRevision = this.#newestOnSubject(event.subject);
      if (actualRevision !== expectedRevision) return { outcome: 'conflict', actualRevision };
    }
    const place = { revision: this.#newest.revision + 1, timeMs: Math.max(Math.floor(nowMs), this.#newest.timeMs) };
    const { id, subject, origin, payload } = event;
    const digest = eventDigest(this.#newest.digest, { ...place, id, subject, origin, payload });
    const { changes } = this.#statements.insert.run(place.revision, place.timeMs, id, subject, origin, payload, digest);
    // The unique id kept it out: it is there already.
    if (changes === 0) {
      const duplicate = this.#findDuplicate(event);
      if (duplicate === null) throw this.#damage(`its index of ids and its events differ on ${id}`);
      return duplicate;
    }
    this.#statements.setNewestOnSubject.run(subject, place.revision);
    this.#newest = { ...place, digest };
    return { outcome: 'appended', ...place, isDuplicate: false };
  }

  /** 0 where there is none. What the table says is not believed where the event that it names is on another subject. */
  #newestOnSubject(subject: string): number {
    const found = this.#statements.newestOnSubject.get(subject) as
      { revision: number; named: string | null } | undefined;
    if (found === undefined) return 0;
    if (found.named !== null && found.named !== subject)
      throw this.#damage(`its newest event on ${subject} is not event ${found.revision}`);
    return found.revision;
  }

  #findDuplicate(event: NewEvent): CommitOutcome | null {
    const present = this.#statements.eventOfId.get(event.id) as unknown as
      Pick<RecordedEvent, 'revision' | 'timeMs' | 'subject' | 'payload'> | undefined;
    if (present === undefined) return null;
    const answer = answerToSameId(event, present);
    return answer.outcome === 'appended' ? { ...answer, timeMs: present.timeMs } : answer;
  }

  /** Events from one revision to another, inclusive: at most `FOLLOW_BATCH_EVENTS`, and bounded in size. */
  page(fromRevision: number, toRevision: number): RecordedEvent[] {
    return this.#guard(() => {
      const events: RecordedEvent[] = [];
      let characters = 0;
      const last = Math.min(toRevision, this.#newest.revision);
      for (const { event } of this.#rows.proven(fromRevision, last, FOLLOW_BATCH_EVENTS)) {
        events.push(event);
        characters += event.payload.length;
        if (characters > PAGE_CHARACTERS_MAX) break;
      }
      return events;
    });
  }

  /** The first revision at or after a time, by bisection: times never go back. One past the newest when there is none. */
  revisionSince(timeMs: number): number {
    return this.#guard(() => {
      let low = 1;
      let high = this.#newest.revision + 1;
      while (low < high) {
        const middle = Math.floor((low + high) / 2);
        if (this.#rows.one(middle).timeMs >= timeMs) high = middle;
        else low = middle + 1;
      }
      return low;
    });
  }

  saveSnapshot(snapshot: StoredSnapshot): void {
    const { epoch, revision, hash, data } = snapshot;
    if (epoch !== this.#file.epoch) return;
    const { database } = this.#file;
    this.#guard(() => {
      database.exec('BEGIN IMMEDIATE');
      try {
        const digest = snapshotDigest(this.#rows.digestAt(revision) ?? '', snapshot);
        this.#statements.saveSnapshot.run(revision, hash, data, digest);
        const kept = this.#statements.snapshotRevisions.all() as unknown as { revision: number }[];
        for (const removed of snapshotsToRemove(kept.map((row) => row.revision))) {
          this.#statements.removeSnapshot.run(removed);
        }
        database.exec('COMMIT');
      } finally {
        if (database.isTransaction) database.exec('ROLLBACK');
      }
    });
  }

  /** The newest that is proven; one that is not is passed over, for an older one, or for the first event. */
  loadSnapshot(atOrBefore: number): StoredSnapshot | null {
    return this.#guard(() => this.#rows.snapshot(atOrBefore, this.#onNote));
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw journalErrorOf(error, this.#file.path);
    }
  }
}

function prepareStatements({ database }: JournalFile) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    insert: prepare(
      `INSERT INTO events (revision, time_ms, id, subject, origin, payload, digest) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    ),
    newestOnSubject: prepare(
      `SELECT newest_revision AS revision, events.subject AS named
       FROM subjects LEFT JOIN events ON events.revision = newest_revision WHERE subjects.subject = ?`,
    ),
    eventOfId: prepare('SELECT revision, time_ms AS timeMs, subject, payload FROM events WHERE id = ?'),
    removeSnapshot: prepare('DELETE FROM snapshots WHERE revision = ?'),
    saveSnapshot: prepare('INSERT OR REPLACE INTO snapshots (revision, hash, data, digest) VALUES (?, ?, ?, ?)'),
    setNewestOnSubject: prepare(
      `INSERT INTO subjects (subject, newest_revision) VALUES (?, ?)
       ON CONFLICT (subject) DO UPDATE SET newest_revision = excluded.newest_revision`,
    ),
    snapshotRevisions: prepare('SELECT revision FROM snapshots ORDER BY revision'),
  };
}
