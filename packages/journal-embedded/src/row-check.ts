/**
 * Reads all rows once after a start, a few at a time, and proves each: what lies behind the snapshot that a node began with is otherwise
 * looked at only when somebody asks about the past, and that may be in a year.
 *
 * What is found in old rows makes no present state wrong, so the journal goes on: it is told, and whoever asks for those rows is
 * refused. The two indexes beside the events follow from them, and are made anew where they are wrong, because appends are decided by them.
 */
import type { StatementSync } from 'node:sqlite';
import { ProvenRows } from './proven-rows.ts';
import type { JournalFile } from './journal-file.ts';
import { journalErrorOf } from './sqlite-failure.ts';

/** About 2 ms. */
const CHECK_STEP_EVENTS = 256;

export class RowCheck {
  /** What is wrong with the rows, for people; null as long as nothing was found. */
  damage: string | null = null;
  readonly #file: JournalFile;
  readonly #rows: ProvenRows;
  readonly #revisionOfId: StatementSync;
  readonly #newestBySubject = new Map<string, number>();
  #isIndexWrong = false;
  #next = 1;

  constructor(file: JournalFile, rows = new ProvenRows(file)) {
    this.#file = file;
    this.#rows = rows;
    this.#revisionOfId = file.database.prepare('SELECT revision FROM events WHERE id = ?');
  }

  /** Checks the next rows. True when that were the last; there may then be a note on what was repaired. */
  step(onNote: (text: string) => void): boolean {
    try {
      const { revision: newest } = this.#rows.newest();
      const last = Math.min(newest, this.#next + CHECK_STEP_EVENTS - 1);
      for (const { event } of this.#rows.proven(this.#next, last)) {
        this.#newestBySubject.set(event.subject, event.revision);
        const found = this.#revisionOfId.get(event.id) as { revision: number } | undefined;
        this.#isIndexWrong ||= found?.revision !== event.revision;
      }
      this.#next = last + 1;
      if (last < newest) return false;
      this.#mendIndexes(onNote);
    } catch (error) {
      this.damage = journalErrorOf(error, this.#file.path).message;
    }
    return true;
  }

  #mendIndexes(onNote: (text: string) => void): void {
    const { database, path } = this.#file;
    if (this.#isIndexWrong) {
      database.exec('REINDEX events');
      onNote(`the journal ${path}: its index of ids was wrong, and was made anew from its events`);
    }
    const stored = database.prepare('SELECT subject, newest_revision AS revision FROM subjects').all();
    const isRight =
      stored.length === this.#newestBySubject.size &&
      stored.every(({ subject, revision }) => this.#newestBySubject.get(String(subject)) === revision);
    if (isRight) return;
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec('DELETE FROM subjects');
      const insert = database.prepare('INSERT INTO subjects (subject, newest_revision) VALUES (?, ?)');
      for (const [subject, revision] of this.#newestBySubject) insert.run(subject, revision);
      database.exec('COMMIT');
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK');
    }
    onNote(`the journal ${path}: its newest events by subject were wrong, and were made anew from its events`);
  }
}

/** All at once. What is wrong, or null. */
export function checkAllRows(file: JournalFile, onNote: (text: string) => void): string | null {
  const check = new RowCheck(file);
  while (!check.step(onNote));
  return check.damage;
}
