/**
 * Reading the rows of events and snapshots, each with its proof: what is not the event that was recorded at its revision, or not the
 * snapshot that was stored after it, is never handed out.
 *
 * Revisions have no gaps in this journal, so one that is missing is a lost event, and nobody may fold past it. A snapshot that is not
 * proven costs no more than a longer fold, and is passed over.
 */
import type { StatementSync } from 'node:sqlite';
import type { StoredSnapshot } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import { beginningDigest, eventDigest, snapshotDigest } from './event-digest.ts';
import type { JournalFile } from './journal-file.ts';
import { damageError } from './sqlite-failure.ts';

/** In the order of the columns. Rows as arrays, because SQLite's row objects are slow to make and slower to send. */
type EventRow = readonly [
  revision: number,
  timeMs: number,
  id: string,
  subject: string,
  origin: string | null,
  payload: string,
  digest: string | null,
];

/** An event with the digest that stands in its row, which was checked. */
export interface ProvenEvent {
  readonly event: RecordedEvent;
  readonly digest: string;
}

/** Where an event stands in the chain of digests. */
export interface Place {
  readonly revision: number;
  readonly timeMs: number;
  readonly digest: string;
}

export class ProvenRows {
  readonly #file: Pick<JournalFile, 'database' | 'path' | 'epoch'>;
  readonly #range: StatementSync;
  readonly #digest: StatementSync;
  readonly #newest: StatementSync;
  readonly #snapshot: StatementSync;

  constructor(file: Pick<JournalFile, 'database' | 'path' | 'epoch'>) {
    const { database } = file;
    this.#file = file;
    this.#range = database.prepare(
      `SELECT revision, time_ms, id, subject, origin, payload, digest FROM events
       WHERE revision BETWEEN ? AND ? ORDER BY revision LIMIT ?`,
    );
    this.#range.setReturnArrays(true);
    this.#digest = database.prepare('SELECT digest FROM events WHERE revision = ?');
    this.#newest = database.prepare(
      'SELECT revision, time_ms AS timeMs, digest FROM events ORDER BY revision DESC LIMIT 1',
    );
    this.#snapshot = database.prepare(
      'SELECT revision, hash, data, digest FROM snapshots WHERE revision <= ? ORDER BY revision DESC LIMIT 1',
    );
  }

  /** As its row says, without proof; the beginning where there is no event. */
  newest(): Place {
    const newest = this.#newest.get() as (Omit<Place, 'digest'> & { digest: string | null }) | undefined;
    if (newest === undefined) return { revision: 0, timeMs: 0, digest: beginningDigest(this.#file.epoch) };
    if (!isTime(newest.timeMs)) throw this.#damage(`event ${newest.revision} has no time`);
    return { ...newest, digest: newest.digest ?? '' };
  }

  /** What stands in the row; null where there is no row or nothing in it. */
  digestAt(revision: number): string | null {
    if (revision === 0) return beginningDigest(this.#file.epoch);
    const row = this.#digest.get(revision) as { digest: string | null } | undefined;
    return row?.digest ?? null;
  }

  /** The events from one revision to another, inclusive, at most `countMax`. Throws `JournalError` at the first that is not proven. */
  *proven(fromRevision: number, toRevision: number, countMax = Number.MAX_SAFE_INTEGER): Generator<ProvenEvent, void> {
    if (fromRevision > toRevision) return;
    let expected = fromRevision;
    const before = this.digestAt(fromRevision - 1);
    if (before === null) throw this.#damage(`event ${fromRevision - 1} is missing`);
    let digest = before;
    for (const row of this.#range.iterate(fromRevision, toRevision, countMax)) {
      const event = eventOf(row as unknown as EventRow);
      const [revision] = row as unknown as EventRow;
      if (revision !== expected) break;
      if (event === null) throw this.#damage(`event ${revision} holds what no journal writes`);
      digest = eventDigest(digest, event);
      if (digest !== (row as unknown as EventRow)[6])
        throw this.#damage(`event ${revision} is not the one that was recorded`);
      expected += 1;
      yield { event, digest };
    }
    if (expected <= toRevision && expected - fromRevision < countMax)
      throw this.#damage(`event ${expected} is missing`);
  }

  /** Throws `JournalError` where it is not proven. */
  one(revision: number): RecordedEvent {
    for (const { event } of this.proven(revision, revision)) return event;
    throw this.#damage(`event ${revision} is missing`);
  }

  /** Events as their rows say, for those whose digests are not there yet. Throws where one is missing. */
  *unproven(fromRevision: number, countMax: number): Generator<RecordedEvent, void> {
    let expected = fromRevision;
    for (const row of this.#range.iterate(fromRevision, Number.MAX_SAFE_INTEGER, countMax)) {
      const event = eventOf(row as unknown as EventRow);
      if ((row as unknown as EventRow)[0] !== expected) throw this.#damage(`event ${expected} is missing`);
      if (event === null) throw this.#damage(`event ${expected} holds what no journal writes`);
      expected += 1;
      yield event;
    }
  }

  /** The newest proven snapshot at or before a revision; null where there is none. `onNote` is told of each that is passed over. */
  snapshot(atOrBefore: number, onNote: (text: string) => void): StoredSnapshot | null {
    const { path, epoch } = this.#file;
    for (let last = atOrBefore; ;) {
      const row = this.#snapshot.get(last) as (Omit<StoredSnapshot, 'epoch'> & { digest: string | null }) | undefined;
      if (row === undefined) return null;
      const { digest, ...stored } = row;
      const snapshot = { epoch, ...stored };
      if (this.#isProvenSnapshot(snapshot, digest)) return snapshot;
      const what = `its snapshot at revision ${snapshot.revision} is not the one that was stored, and is passed over`;
      onNote(`the journal ${path}: ${what}`);
      last = snapshot.revision - 1;
    }
  }

  /** One without a digest is of an earlier version; whoever reads it compares the roster's hash. */
  #isProvenSnapshot(snapshot: StoredSnapshot, digest: string | null): boolean {
    if (typeof snapshot.hash !== 'string' || typeof snapshot.data !== 'string') return false;
    return digest === null || digest === snapshotDigest(this.digestAt(snapshot.revision) ?? '', snapshot);
  }

  #damage(what: string): Error {
    return damageError(this.#file.path, what);
  }
}

/** The last moment that a date can have, ms since 1970 (ECMA-262, 21.4.1.1). */
const TIME_MS_MAX = 8.64e15;

function isTime(timeMs: unknown): boolean {
  return typeof timeMs === 'number' && timeMs >= 0 && timeMs <= TIME_MS_MAX;
}

/** Null where a row has not the types that its table gives it: a table of another program's making may give it others. */
function eventOf([revision, timeMs, id, subject, origin, payload]: EventRow): RecordedEvent | null {
  const areTexts = typeof id === 'string' && typeof subject === 'string' && typeof payload === 'string';
  if (!areTexts || !isTime(timeMs) || !(origin === null || typeof origin === 'string')) return null;
  return { revision, timeMs, id, subject, origin, payload };
}
