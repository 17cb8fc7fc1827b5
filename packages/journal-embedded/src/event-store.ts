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
 * A file may be damaged in ways that SQLite does not notice: rows that are gone, or that hold what nobody wrote. Revisions have no
 * gaps in this journal, so one that is missing is a lost event, and nobody may fold past it. The ends of the log are compared with
 * what else the file says about them when it is opened, and each row when it is read; what does not fit is refused, by its revision.
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
import type { JournalFile } from './journal-file.ts';
import type { CommitOutcome, SubmittedAppend } from './messages.ts';
import { damageError, isFull, journalErrorOf } from './sqlite-failure.ts';

/** A page ends after the event that passes this, so that pages of large payloads stay small messages. */
const PAGE_CHARACTERS_MAX = 2_097_152;

/** In the order of the columns. Rows as arrays, because SQLite's row objects are slow to make and slower to send. */
type EventRow = [revision: number, timeMs: number, id: string, subject: string, origin: string | null, payload: string];

interface Place {
  readonly revision: number;
  readonly timeMs: number;
}

export class EventStore {
  readonly #file: JournalFile;
  readonly #statements: ReturnType<typeof prepareStatements>;
  #newest: Place;

  constructor(file: JournalFile) {
    this.#file = file;
    this.#statements = this.#guard(() => prepareStatements(file));
    this.#newest = this.#guard(() => this.#readNewest());
    this.#guard(() => this.#checkEnds());
  }

  /** Events that were cut off at either end leave traces: a first revision that is not 1, or mentions of later ones. */
  #checkEnds(): void {
    const { first, mentioned } = this.#statements.ends.get() as { first: unknown; mentioned: unknown };
    const { revision } = this.#newest;
    if (revision > 0 && first !== 1) throw this.#damage(`its first event is ${String(first)} and not 1`);
    if (typeof mentioned === 'number' && mentioned > revision) {
      throw this.#damage(`its events ${revision + 1} to ${mentioned} are missing`);
    }
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
      this.#newest = this.#readNewest();
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
      const newest = this.#statements.newestOnSubject.get(event.subject) as { revision: number } | undefined;
      const actualRevision = newest?.revision ?? 0;
      if (actualRevision !== expectedRevision) return { outcome: 'conflict', actualRevision };
    }
    const place = { revision: this.#newest.revision + 1, timeMs: Math.max(Math.floor(nowMs), this.#newest.timeMs) };
    const { id, subject, origin, payload } = event;
    const { changes } = this.#statements.insert.run(place.revision, place.timeMs, id, subject, origin, payload);
    // The unique id kept it out: it is there already.
    if (changes === 0)
      return this.#findDuplicate(event) ?? this.#throwDamage(`its index of ids and its events differ on ${id}`);
    this.#statements.setNewestOnSubject.run(subject, place.revision);
    this.#newest = place;
    return { outcome: 'appended', ...place, isDuplicate: false };
  }

  #throwDamage(what: string): never {
    throw this.#damage(what);
  }

  #findDuplicate(event: NewEvent): CommitOutcome | null {
    const present = this.#statements.eventOfId.get(event.id) as unknown as
      (Place & Pick<RecordedEvent, 'subject' | 'payload'>) | undefined;
    if (present === undefined) return null;
    const answer = answerToSameId(event, present);
    return answer.outcome === 'appended' ? { ...answer, timeMs: present.timeMs } : answer;
  }

  /** Events from one revision to another, inclusive: at most `FOLLOW_BATCH_EVENTS`, and bounded in size. */
  page(fromRevision: number, toRevision: number): RecordedEvent[] {
    return this.#guard(() => {
      const events: RecordedEvent[] = [];
      let characters = 0;
      let expected = fromRevision;
      for (const row of this.#statements.page.iterate(fromRevision, toRevision, FOLLOW_BATCH_EVENTS)) {
        const [revision, timeMs, id, subject, origin, payload] = row as unknown as EventRow;
        if (revision !== expected) throw this.#damage(`event ${expected} is missing`);
        if (!isSound(row as unknown as EventRow)) throw this.#damage(`event ${revision} holds what no journal writes`);
        expected += 1;
        events.push({ revision, timeMs, id, subject, origin, payload });
        characters += payload.length;
        if (characters > PAGE_CHARACTERS_MAX) break;
      }
      const isCut = events.length === 0 && fromRevision <= Math.min(toRevision, this.#newest.revision);
      if (isCut) throw this.#damage(`event ${fromRevision} is missing`);
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
        const place = this.#statements.timeOfRevision.get(middle) as { timeMs: number } | undefined;
        if (place === undefined) throw this.#damage(`event ${middle} is missing`);
        if (place.timeMs >= timeMs) high = middle;
        else low = middle + 1;
      }
      return low;
    });
  }

  saveSnapshot({ epoch, revision, hash, data }: StoredSnapshot): void {
    if (epoch !== this.#file.epoch) return;
    const { database } = this.#file;
    this.#guard(() => {
      database.exec('BEGIN IMMEDIATE');
      try {
        this.#statements.saveSnapshot.run(revision, hash, data);
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

  loadSnapshot(atOrBefore: number): StoredSnapshot | null {
    const row = this.#guard(() => this.#statements.snapshot.get(atOrBefore));
    if (row === undefined) return null;
    const { revision, hash, data } = row;
    if (typeof hash !== 'string' || typeof data !== 'string')
      throw this.#damage(`its snapshot ${String(revision)} is no text`);
    return { ...(row as unknown as StoredSnapshot), epoch: this.#file.epoch };
  }

  #readNewest(): Place {
    const newest = this.#statements.newest.get() as Place | undefined;
    if (newest === undefined) return { revision: 0, timeMs: 0 };
    if (!isTime(newest.timeMs)) throw this.#damage(`event ${newest.revision} has no time`);
    return newest;
  }

  #guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw journalErrorOf(error, this.#file.path);
    }
  }
}

/** The last moment that a date can have, ms since 1970 (ECMA-262, 21.4.1.1). */
const TIME_MS_MAX = 8.64e15;

function isTime(timeMs: unknown): boolean {
  return typeof timeMs === 'number' && timeMs >= 0 && timeMs <= TIME_MS_MAX;
}

/** Whether a row has the types that its table gives it: a table of another program's making may give it others. */
function isSound([, timeMs, id, subject, origin, payload]: EventRow): boolean {
  const areTexts = typeof id === 'string' && typeof subject === 'string' && typeof payload === 'string';
  return areTexts && isTime(timeMs) && (origin === null || typeof origin === 'string');
}

function prepareStatements({ database }: JournalFile) {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  const page = prepare(
    `SELECT revision, time_ms, id, subject, origin, payload FROM events WHERE revision BETWEEN ? AND ? ORDER BY revision LIMIT ?`,
  );
  page.setReturnArrays(true);
  return {
    ends: prepare(
      `SELECT (SELECT min(revision) FROM events) AS first,
         max((SELECT ifnull(max(newest_revision), 0) FROM subjects), (SELECT ifnull(max(revision), 0) FROM snapshots)) AS mentioned`,
    ),
    insert: prepare(
      `INSERT INTO events (revision, time_ms, id, subject, origin, payload) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    ),
    newest: prepare('SELECT revision, time_ms AS timeMs FROM events ORDER BY revision DESC LIMIT 1'),
    newestOnSubject: prepare('SELECT newest_revision AS revision FROM subjects WHERE subject = ?'),
    page,
    eventOfId: prepare('SELECT revision, time_ms AS timeMs, subject, payload FROM events WHERE id = ?'),
    removeSnapshot: prepare('DELETE FROM snapshots WHERE revision = ?'),
    saveSnapshot: prepare('INSERT OR REPLACE INTO snapshots (revision, hash, data) VALUES (?, ?, ?)'),
    setNewestOnSubject: prepare(
      `INSERT INTO subjects (subject, newest_revision) VALUES (?, ?)
       ON CONFLICT (subject) DO UPDATE SET newest_revision = excluded.newest_revision`,
    ),
    snapshot: prepare('SELECT revision, hash, data FROM snapshots WHERE revision <= ? ORDER BY revision DESC LIMIT 1'),
    snapshotRevisions: prepare('SELECT revision FROM snapshots ORDER BY revision'),
    timeOfRevision: prepare('SELECT time_ms AS timeMs FROM events WHERE revision = ?'),
  };
}
