/**
 * What is proven of a journal before anybody reads or appends to it: that its beginning is there, that its end is the newest that this
 * machine knows of, and that every event behind the newest proven snapshot is the one that was recorded. So the state that a
 * node begins with is right, or the journal is refused, in words.
 *
 *     1 ─ ─ ─ ─ ─ ─ ─ snapshot ══════════ newest = or behind what PATH.head and others say
 *     read and checked later   proven here
 *
 * A file of an earlier version has rows without digests: all of them at first, and those at its end that such a version has appended
 * since. They are believed and given digests, once; 50,000 of them took 0.5 s on a busy machine.
 */
import type { StatementSync } from 'node:sqlite';
import { eventDigest } from './event-digest.ts';
import type { Place, ProvenRows } from './proven-rows.ts';
import type { JournalHead, KnownHead } from './head-file.ts';
import type { JournalFile } from './journal-file.ts';
import { damageError } from './sqlite-failure.ts';

/** Rows that are given digests in one transaction. */
const UPGRADE_EVENTS = 4_096;

export interface StartProof {
  readonly file: JournalFile;
  readonly rows: ProvenRows;
  readonly known: KnownHead | null;
  readonly onNote: (text: string) => void;
}

/** The newest event's place. Throws `JournalError`. */
export function proveStart(proof: StartProof): Place {
  const { file, rows, known } = proof;
  checkEnds(file, rows);
  const head = readHead(proof);
  for (const one of [head, known]) if (one !== null) checkKnown(file, rows, one);
  addMissingDigests(proof, head);
  if (head !== null && rows.digestAt(head.revision) !== head.digest) throw notRecorded(file.path, head);
  const newest = rows.newest();
  const snapshot = rows.snapshot(newest.revision, proof.onNote);
  // Each is checked as it comes.
  for (const _event of rows.proven((snapshot?.revision ?? 0) + 1, newest.revision));
  return newest;
}

/** Events that were cut off at either end leave traces: a first revision that is not 1, or mentions of later ones. */
function checkEnds({ database, path }: JournalFile, rows: ProvenRows): void {
  const { revision } = rows.newest();
  const { first, mentioned } = database
    .prepare(
      `SELECT (SELECT min(revision) FROM events) AS first,
         max((SELECT ifnull(max(newest_revision), 0) FROM subjects), (SELECT ifnull(max(revision), 0) FROM snapshots)) AS mentioned`,
    )
    .get() as { first: unknown; mentioned: unknown };
  if (revision > 0 && first !== 1) throw damageError(path, `its first event is ${String(first)} and not 1`);
  if (typeof mentioned === 'number' && mentioned > revision) throw missingEnd(path, revision, mentioned);
}

function missingEnd(path: string, revision: number, expected: number): Error {
  const which =
    expected === revision + 1 ? `its event ${expected} is` : `its events ${revision + 1} to ${expected} are`;
  return damageError(path, `${which} missing`);
}

function checkKnown({ path, epoch }: JournalFile, rows: ProvenRows, known: KnownHead): void {
  const { revision } = rows.newest();
  if (known.epoch !== epoch) {
    const what = `it is history ${epoch}, and this node had come to event ${known.revision} of history ${known.epoch} in it`;
    throw damageError(path, what);
  }
  if (known.revision > revision) throw missingEnd(path, revision, known.revision);
}

function readHead({ file, onNote }: StartProof): JournalHead | null {
  const read = file.head.read();
  if (read.outcome === 'read') return read.head;
  const what = 'is damaged, and is written anew: that the journal has its end is not proven by it this time';
  if (read.outcome === 'unusable') onNote(`${file.head.path} ${what}`);
  return null;
}

function notRecorded(path: string, { revision }: JournalHead): Error {
  return damageError(path, `event ${revision} is not the one that was recorded, or one before it`);
}

/** Nothing is written where the head tells that the rows are not what they were. */
function addMissingDigests({ file, rows, onNote }: StartProof, head: JournalHead | null): void {
  const { database } = file;
  const newest = rows.newest();
  if (newest.digest !== '') return;
  const before = database
    .prepare('SELECT revision FROM events WHERE digest IS NOT NULL ORDER BY revision DESC LIMIT 1')
    .get() as { revision: number } | undefined;
  const first = (before?.revision ?? 0) + 1;
  const update = database.prepare('UPDATE events SET digest = ? WHERE revision = ?');
  let digest = rows.digestAt(first - 1)!;
  if (head !== null && head.revision >= first) {
    const last = rows.unproven(first, head.revision - first + 1).reduce(eventDigest, digest);
    if (last !== head.digest) throw notRecorded(file.path, head);
  }
  for (let from = first; from <= newest.revision; from += UPGRADE_EVENTS) {
    digest = addDigestsFrom(file, { rows, update, from, digest });
  }
  onNote(`the journal ${file.path}: events ${first} to ${newest.revision}, of an earlier version, were given digests`);
}

interface Batch {
  readonly rows: ProvenRows;
  readonly update: StatementSync;
  readonly from: number;
  /** Of the event before. */
  readonly digest: string;
}

function addDigestsFrom({ database }: JournalFile, { rows, update, from, digest: before }: Batch): string {
  let digest = before;
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const event of rows.unproven(from, UPGRADE_EVENTS).toArray()) {
      digest = eventDigest(digest, event);
      update.run(digest, event.revision);
    }
    database.exec('COMMIT');
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
  return digest;
}
