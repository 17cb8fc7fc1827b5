/**
 * What SQLite's result codes mean for a journal, mapped in this one place. See https://sqlite.org/rescode.html.
 *
 * Anything that is not SQLite's own error is a defect of ours and is passed on as it is.
 */
import { JournalError } from '@muster/journal';

/** SQL that does not fit the tables: they are not the ones that this program makes. */
const SQLITE_ERROR = 1;
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CONSTRAINT = 19;
const SQLITE_MISMATCH = 20;
const SQLITE_NOTADB = 26;
/** Extended result codes keep the primary one in the low byte. */
const PRIMARY_CODE_MASK = 0xff;

interface SqliteError extends Error {
  readonly code: 'ERR_SQLITE_ERROR';
  readonly errcode: number;
  readonly errstr: string;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR' && 'errcode' in error;
}

function primaryCode(error: unknown): number | null {
  return isSqliteError(error) ? error.errcode & PRIMARY_CODE_MASK : null;
}

/** True when somebody else holds the file. */
export function isLocked(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}

/** True when there was no room. SQLite finds that before it writes the mark that makes a group count. */
export function isFull(error: unknown): boolean {
  return primaryCode(error) === SQLITE_FULL;
}

/** The refusal of a file that cannot be believed; `what` is the rest of "the journal PATH is damaged: …". */
export function damageError(path: string, what: string, cause?: unknown): JournalError {
  const remedy = `stop the node, then restore the file from a copy, or keep what is proven of it: muster journal mend ${path}`;
  return new JournalError('unreadable', `the journal ${path} is damaged: ${what}; ${remedy}`, cause);
}

/** A number in a row that JavaScript has no room for; nothing of ours writes one. */
function isOutOfRange(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_OUT_OF_RANGE';
}

/** The error as a reader of the journal at `path` shall see it. Throws what is not SQLite's. */
export function journalErrorOf(error: unknown, path: string): JournalError {
  if (error instanceof JournalError) return error;
  if (isOutOfRange(error)) return damageError(path, error.message, error);
  if (!isSqliteError(error)) throw error;
  switch (primaryCode(error)) {
    case SQLITE_NOTADB:
      return new JournalError(
        'unreadable',
        `${path} is not a journal; name another path, or move that file away`,
        error,
      );
    case SQLITE_ERROR:
    case SQLITE_CORRUPT:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return damageError(path, error.message, error);
    case SQLITE_FULL: {
      const remedy = 'free some space or raise the size limit';
      return new JournalError('failed', `the journal ${path} has no room left (${error.message}); ${remedy}`, error);
    }
    default: {
      const remedy = 'check the disk and the permissions of the file and its directory';
      return new JournalError(
        'failed',
        `the journal ${path} failed: ${error.message} (${error.errstr}); ${remedy}`,
        error,
      );
    }
  }
}
