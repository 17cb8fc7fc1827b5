/**
 * The SQLite file: taking its lock, finding out what it is, and making it when it is not there.
 *
 * One process at a time. `locking_mode=EXCLUSIVE` holds the lock from the first read to the close, and lets SQLite keep
 * the WAL's index on the heap instead of in a shared file. The lock is a POSIX one: it falls when *any* descriptor of
 * the file is closed in this process, so nothing here may open the file by other means than SQLite.
 *
 * What the file is stands in its header: `application_id` says that it is a journal of this program, `user_version`
 * which format. Both are looked at before anything is written, so a database of someone else's stays as it was.
 *
 * `synchronous=FULL` in WAL mode is one fsync a commit: what is acknowledged survives a power cut. It does not notice
 * a file that somebody deletes under a running node; such a journal is gone with its process, as any open file is.
 */
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '@muster/membership';
import { JournalError } from '@muster/journal';
import { HeadFile } from './head-file.ts';
import type { KnownHead } from './head-file.ts';
import { damageError, isLocked, journalErrorOf } from './sqlite-failure.ts';

/** "MUST" in ASCII. */
const APPLICATION_ID = 0x4d_55_53_54;
/** Raised whenever an older program could misread the file. */
const FORMAT_VERSION = 1;
/** How long a start waits for the lock: enough for a predecessor that is just closing, too short to look like hanging. */
const LOCK_WAIT_MS = 250;
const PAGE_CACHE_KIB = 16_384;
/**
 * Pages in the WAL (16 MiB) before they are moved into the file. Random ids dirty many pages; at SQLite's 1,000 the same
 * ones are moved so often that a group of 128 appends took 5.5 ms instead of 3.6. Reading a full WAL back takes about 5 ms.
 */
const CHECKPOINT_PAGES = 4_000;

const SCHEMA = `
  CREATE TABLE history (epoch TEXT NOT NULL) STRICT;
  CREATE TABLE events (
    revision INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    origin TEXT,
    payload TEXT NOT NULL,
    -- Over the digest of the event before and all of this row; null where an earlier version appended it.
    digest TEXT
  ) STRICT;
  -- What expectations are checked against. An index over all events would answer the same, and dirties more pages.
  CREATE TABLE subjects (subject TEXT PRIMARY KEY, newest_revision INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE snapshots (revision INTEGER PRIMARY KEY, hash TEXT NOT NULL, data TEXT NOT NULL, digest TEXT) STRICT;
`;

export interface JournalFileOptions {
  readonly path: string;
  /** The size that the file may grow to; null for no limit but the disk. */
  readonly fileBytesMax: number | null;
  /** The history and the newest revision that other records of this machine know of; null (default): there are none. */
  readonly known?: KnownHead | null;
}

export interface JournalFile extends Disposable {
  readonly database: DatabaseSync;
  readonly path: string;
  readonly epoch: string;
  readonly head: HeadFile;
}

/** Opens or makes the file and holds its lock. Throws `JournalError`: `locked`, `unreadable` or `failed`. */
export function openJournalFile({ path, fileBytesMax, known = null }: JournalFileOptions): JournalFile {
  const head = new HeadFile(path);
  const expected = expectedHead(head, known);
  // SQLite takes an empty file for a new one, and removes what lies beside it.
  if (expected !== null && isEmpty(path)) throw emptiedError(path, expected);
  const database = openDatabase(path);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    if (isNew(database, path)) {
      if (expected !== null) throw emptiedError(path, expected);
      create(database);
    }
    // The first access in WAL mode takes the lock for good. Only then is the file ours to sign.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY');
    database.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    addDigests(database);
    const epoch = epochOf(database, path);
    if (fileBytesMax !== null) limitFileSize(database, fileBytesMax);
    claimOwnership(path);
    return {
      database,
      path,
      epoch,
      head,
      [Symbol.dispose]: () => {
        head.close();
        // Release first: once the lock is free, the owner file may be a successor's.
        rmSync(ownerPath(path), { force: true });
        database.close();
      },
    };
  } catch (error) {
    database.close();
    throw isLocked(error) ? lockedError(path, error) : journalErrorOf(error, path);
  }
}

/** The one that had come furthest; null where nothing says that there was an event. */
function expectedHead(head: HeadFile, known: KnownHead | null): KnownHead | null {
  const read = head.read();
  const heads = [read.outcome === 'read' ? read.head : null, known].filter((one) => one !== null && one.revision > 0);
  return heads.toSorted((one, other) => other!.revision - one!.revision)[0] ?? null;
}

function isEmpty(path: string): boolean {
  return !existsSync(path) || statSync(path).size === 0;
}

function emptiedError(path: string, { epoch, revision }: KnownHead): JournalError {
  const what = existsSync(path) ? 'it is empty' : 'it is gone';
  return damageError(path, `${what}, and held ${revision} events of history ${epoch}`);
}

/** Files of earlier versions have no digests. The version of the format stays: such a version goes on with the file as it did. */
function addDigests(database: DatabaseSync): void {
  for (const table of ['events', 'snapshots']) {
    const columns = database.prepare(`SELECT name FROM pragma_table_info('${table}')`).all();
    if (!columns.some(({ name }) => name === 'digest')) database.exec(`ALTER TABLE ${table} ADD COLUMN digest TEXT`);
  }
}

function openDatabase(path: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    keepPrivate(path);
    return new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
  } catch (error) {
    const reason = messageOf(error);
    const remedy = 'check that its directory exists and may be written, or name another path';
    throw new JournalError('failed', `the journal ${path} cannot be opened: ${reason}; ${remedy}`, error);
  }
}

/** Of the journal and, as SQLite makes them, of the files beside it. */
const FILE_MODE = 0o600;

/**
 * The journal says where traffic goes, so only this user may read it, whatever the umask is; one that was open to others is closed. Its
 * `-wal` file too: SQLite gives a new one the mode of the main file. No file that is there is opened for it, which would drop its lock.
 */
function keepPrivate(path: string): void {
  if (!existsSync(path)) makeEmpty(path);
  for (const file of [path, `${path}-wal`]) {
    if (existsSync(file) && isOpenToOthers(file)) chmodSync(file, FILE_MODE);
  }
}

function makeEmpty(path: string): void {
  try {
    closeSync(openSync(path, 'wx', FILE_MODE));
  } catch (error) {
    // Another process was faster; the lock decides between them.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** A file of somebody else's is left to that one. */
function isOpenToOthers(file: string): boolean {
  const { mode, uid } = statSync(file);
  return (mode & 0o077) !== 0 && uid === process.getuid?.();
}

/** True for an empty file. Throws `unreadable` for anything that is not a journal of this format. */
function isNew(database: DatabaseSync, path: string): boolean {
  const applicationId = headerField(database, 'application_id');
  const version = headerField(database, 'user_version');
  const { count } = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get() as { count: number };
  if (count === 0 && applicationId === 0 && version === 0) return true;
  if (applicationId !== APPLICATION_ID) {
    const message = `${path} is a SQLite database, but not a journal; name another path, or move that file away`;
    throw new JournalError('unreadable', message);
  }
  if (version !== FORMAT_VERSION) {
    const message = `the journal ${path} has format ${version}; this program reads format ${FORMAT_VERSION}: use a newer one`;
    throw new JournalError('unreadable', message);
  }
  return false;
}

export function epochOf(database: DatabaseSync, path: string): string {
  const row = database.prepare('SELECT epoch FROM history').get() as { epoch: unknown } | undefined;
  if (typeof row?.epoch === 'string' && row.epoch !== '') return row.epoch;
  throw damageError(path, 'it does not say which history it holds');
}

function headerField(database: DatabaseSync, name: 'application_id' | 'user_version'): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
  return row[name]!;
}

/** All or nothing: a process killed in here leaves an empty file, which the next start makes again. */
function create(database: DatabaseSync): void {
  database.exec('BEGIN EXCLUSIVE');
  database.exec(SCHEMA);
  database.prepare('INSERT INTO history (epoch) VALUES (?)').run(randomUUID());
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT_VERSION}`);
  database.exec('COMMIT');
}

function limitFileSize(database: DatabaseSync, fileBytesMax: number): void {
  const { page_size: pageBytes } = database.prepare('PRAGMA page_size').get() as { page_size: number };
  database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(fileBytesMax / pageBytes))}`);
}

/**
 * A small file beside the journal names the process that holds it, for the message that refuses a second one. It is no lock: SQLite's is
 * the truth, and the kernel frees that with the process. After kill -9 this file names a process that is gone, which hurts nobody,
 * because it is read only when the lock is taken, and then whoever took it has written it or is about to.
 */
function ownerPath(path: string): string {
  return `${path}.owner`;
}

function claimOwnership(path: string): void {
  // The mode counts for a new file only, and one may have been left by a process that was killed.
  rmSync(ownerPath(path), { force: true });
  writeFileSync(ownerPath(path), `${process.pid}\n`, { mode: FILE_MODE });
}

/** The process that holds the journal, or null when that cannot be told. */
function ownerOf(path: string): number | null {
  try {
    const pid = Number(readFileSync(ownerPath(path), 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    // There is no file, or one that this user may not read. The refusal is then made without a pid.
    return null;
  }
}

function lockedError(path: string, cause: unknown): JournalError {
  const ownerPid = ownerOf(path);
  const holder = ownerPid === null ? 'another process' : `process ${ownerPid}`;
  const remedy = 'stop that process, or give this node a journal of its own';
  return new JournalError('locked', `the journal ${path} is held by ${holder}; ${remedy}`, cause);
}
