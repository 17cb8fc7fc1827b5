/**
 * A small file beside the journal, `PATH.head`, that says how far the journal had come: what reveals a journal that lost its end.
 *
 *     {"format":1,"epoch":"…","revision":12,"digest":"…","check":"…"}     one line of 255 characters, written over the one before
 *
 * A `-wal` file that is deleted, or a copy of yesterday's main file, is a sound database without a trace of what is missing. This file
 * is written after each commit and without a sync of its own, so it never claims what the journal does not hold, and after a loss of power it may
 * be older than the journal, which proves less and says nothing wrong. One that cannot be read or written costs that proof alone.
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { messageOf } from '@muster/membership';
import { digestOf } from './event-digest.ts';

const FILE_MODE = 0o600;
const RECORD_BYTES = 256;

/** How far a journal had come, by what is kept elsewhere than in it. */
export interface KnownHead {
  readonly epoch: string;
  /** Of the newest event that was committed; 0 before the first. */
  readonly revision: number;
}

export interface JournalHead extends KnownHead {
  readonly digest: string;
}

type ReadHead = { readonly outcome: 'read'; readonly head: JournalHead } | { readonly outcome: 'missing' | 'unusable' };

export class HeadFile {
  readonly path: string;
  #file: number | null = null;
  #hasFailed = false;

  constructor(journalPath: string) {
    this.path = `${journalPath}.head`;
  }

  read(): ReadHead {
    if (!existsSync(this.path)) return { outcome: 'missing' };
    try {
      return parseHead(readFileSync(this.path, 'utf8'));
    } catch {
      // What cannot be read proves nothing.
      return { outcome: 'unusable' };
    }
  }

  /** Why it cannot be written, said once; null where it was, or where that was said. */
  write(head: JournalHead): string | null {
    if (this.#hasFailed) return null;
    try {
      this.#file ??= this.#replace(head);
      writeSync(this.#file, recordOf(head), 0, 'utf8');
      return null;
    } catch (error) {
      this.#hasFailed = true;
      return `${this.path} cannot be written (${messageOf(error)}): a journal that loses its end from now on is not noticed by it`;
    }
  }

  /** Puts a new file in the place of what is there, so that a whole one is there at every moment. It is left open. */
  #replace(head: JournalHead): number {
    const besides = `${this.path}.new`;
    rmSync(besides, { force: true });
    const file = openSync(besides, 'wx', FILE_MODE);
    try {
      writeSync(file, recordOf(head), 0, 'utf8');
      renameSync(besides, this.path);
      return file;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

function recordOf({ epoch, revision, digest }: JournalHead): string {
  const text = JSON.stringify({ format: 1, epoch, revision, digest, check: checkOf({ epoch, revision, digest }) });
  return `${text.padEnd(RECORD_BYTES - 1)}\n`;
}

function parseHead(text: string): ReadHead {
  const { epoch, revision, digest, check } = JSON.parse(text) as Record<string, unknown>;
  if (typeof epoch !== 'string' || typeof revision !== 'number' || typeof digest !== 'string') return UNUSABLE;
  const head = { epoch, revision, digest };
  return checkOf(head) === check ? { outcome: 'read', head } : UNUSABLE;
}

const UNUSABLE = { outcome: 'unusable' } as const;

function checkOf({ epoch, revision, digest }: JournalHead): string {
  return digestOf(`head\n${epoch}\n${revision}\n${digest}`);
}
