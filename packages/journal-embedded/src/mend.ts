/**
 * What a person does with a damaged journal while no node holds it: look at all of it, and keep what is proven.
 *
 *     PATH, PATH-wal, PATH.head  ──► PATH.damaged-1, …          moved, never changed
 *     events 1 to n, proven      ──► PATH, as another history
 *
 * The kept events are another history, because others than those that were lost may take their revisions, and whoever remembers the lost
 * ones must be able to tell. Everything here is synchronous, and made for a command of its own.
 */
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { JournalError } from '@muster/journal';
import { ProvenRows, type ProvenEvent } from './proven-rows.ts';
import { EventStore } from './event-store.ts';
import { epochOf, openJournalFile } from './journal-file.ts';
import { checkAllRows } from './row-check.ts';
import type { KnownHead } from './head-file.ts';
import { journalErrorOf } from './sqlite-failure.ts';

const GROUP_EVENTS = 1_000;

export interface SurveyOptions {
  /** What is known of the journal from elsewhere, as `openEmbeddedJournal` takes it. */
  readonly known?: KnownHead | null;
}

interface Surveyed {
  /** Null where the file does not say it. */
  readonly epoch: string | null;
  /** Events 1 to this one are proven, each and in their order. */
  readonly provenRevision: number;
  /** What was repaired on the way, and what proves less than it could, in sentences. */
  readonly notes: readonly string[];
}

export type Survey =
  | (Surveyed & { readonly outcome: 'sound' })
  /** What a node begins with is proven, and some row before it is not: `reason`. */
  | (Surveyed & { readonly outcome: 'past-damaged'; readonly reason: string })
  /** No node opens it, for this reason. */
  | (Surveyed & { readonly outcome: 'damaged'; readonly reason: string });

/** Looks at every row. Throws `JournalError`: `locked` while a node holds it, `unreadable` where there is none, `failed`. */
export function surveyJournal(path: string, { known = null }: SurveyOptions = {}): Survey {
  if (!existsSync(path) && !existsSync(`${path}.head`)) {
    throw new JournalError('unreadable', `there is no journal ${path}; name its file, as [journal] path has it`);
  }
  const notes: string[] = [];
  try {
    using file = openJournalFile({ path, fileBytesMax: null, known });
    const store = new EventStore(file, { known, onNote: (text) => notes.push(text) });
    const { epoch, revision } = store.head();
    const reason = checkAllRows(file, (text) => notes.push(text));
    if (reason === null) return { outcome: 'sound', epoch, provenRevision: revision, notes };
    return { outcome: 'past-damaged', epoch, provenRevision: provenRevisionOf(new ProvenRows(file)), notes, reason };
  } catch (error) {
    if (!(error instanceof JournalError) || error.code !== 'unreadable') throw error;
    return { outcome: 'damaged', ...surveyDamaged(path), notes, reason: error.message };
  }
}

function surveyDamaged(path: string): Pick<Survey, 'epoch' | 'provenRevision'> {
  try {
    using opened = openDamaged(path);
    return { epoch: opened.epoch, provenRevision: provenRevisionOf(opened.rows) };
  } catch (error) {
    // Not even a database of ours: nothing of it is proven.
    journalErrorOf(error, path);
    return { epoch: null, provenRevision: 0 };
  }
}

function provenRevisionOf(rows: ProvenRows): number {
  let revision = 0;
  for (const { event } of provenBeginning(rows)) ({ revision } = event);
  return revision;
}

/** Up to the first that is not proven. */
function* provenBeginning(rows: ProvenRows): Generator<ProvenEvent, void> {
  const { revision } = rows.newest();
  try {
    yield* rows.proven(1, revision);
  } catch (error) {
    if (!(error instanceof JournalError)) journalErrorOf(error, '');
  }
}

interface DamagedFile extends Disposable {
  readonly epoch: string;
  readonly rows: ProvenRows;
}

/** Opens the file as it is: nothing in it is made or changed. */
function openDamaged(path: string): DamagedFile {
  if (!existsSync(path)) throw new JournalError('unreadable', `there is no ${path}`);
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = 1');
    const epoch = epochOf(database, path);
    return { epoch, rows: new ProvenRows({ database, path, epoch }), [Symbol.dispose]: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

export interface MendOptions extends SurveyOptions {
  /** Files that belong to the journal as it was, and are moved with it where they are there; each begins with its path. */
  readonly besides?: readonly string[];
}

export interface Mended {
  /** Events 1 to this one were kept. */
  readonly keptRevision: number;
  /** The new history. */
  readonly epoch: string;
  /** Where the damaged file is now; null where it was gone. */
  readonly movedTo: string | null;
}

/** Of a journal that `surveyJournal` found damaged. A process that is killed in here leaves a journal that is refused as before. */
export function mendJournal(path: string, { besides = [] }: MendOptions = {}): Mended {
  const mended = `${path}.mended`;
  for (const left of [mended, `${mended}-wal`, `${mended}.head`]) rmSync(left, { force: true });
  const kept = keepProven(path, mended);
  const damaged = freeName(path);
  const isThere = existsSync(path);
  for (const file of [path, `${path}-wal`, ...besides]) {
    if (existsSync(file)) renameSync(file, damaged + file.slice(path.length));
  }
  // The head stays until another takes its place: without one, a missing journal is taken for a new one.
  if (existsSync(`${path}.head`)) copyFileSync(`${path}.head`, `${damaged}.head`);
  renameSync(mended, path);
  renameSync(`${mended}.head`, `${path}.head`);
  return { ...kept, movedTo: isThere ? damaged : null };
}

function freeName(path: string): string {
  for (let number = 1; ; number++) {
    const name = `${path}.damaged-${number}`;
    if (!existsSync(name) && !existsSync(`${name}.head`)) return name;
  }
}

function keepProven(from: string, to: string): Omit<Mended, 'movedTo'> {
  using file = openJournalFile({ path: to, fileBytesMax: null });
  const store = new EventStore(file);
  try {
    using opened = openDamaged(from);
    let group: ProvenEvent[] = [];
    for (const proven of provenBeginning(opened.rows)) {
      group.push(proven);
      if (group.length < GROUP_EVENTS) continue;
      appendAll(store, group);
      group = [];
    }
    appendAll(store, group);
  } catch (error) {
    // Not even a database of ours: there is nothing to keep.
    if (journalErrorOf(error, from).code !== 'unreadable') throw error;
  }
  const { epoch, revision } = store.head();
  return { keptRevision: revision, epoch };
}

function appendAll(store: EventStore, events: readonly ProvenEvent[]): void {
  const group = events.map(({ event: { timeMs: nowMs, ...event } }, append) => {
    return { append, event, nowMs, expectedRevision: null };
  });
  for (const [index, outcome] of store.appendGroup(group).entries()) {
    if (outcome.outcome === 'appended' && outcome.revision === events[index]!.event.revision) continue;
    const message = 'message' in outcome ? outcome.message : outcome.outcome;
    throw new JournalError('failed', `event ${events[index]!.event.revision} could not be kept: ${message}`);
  }
}
