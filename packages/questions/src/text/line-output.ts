/**
 * Lines on their way to a descriptor that other processes write to as well, whose reader may be slow: whole lines or nothing,
 * never waiting, never more in memory than `pendingBytesMax`.
 *
 *     write(line) ──► pending ──chunks of whole lines──► descriptor
 *        └─ no room: dropped and counted
 *
 * Lines of several processes do not mix: a write of at most 4 KiB into a pipe is atomic (POSIX, PIPE_BUF), and so is any write
 * into a file that the processes have inherited together. A pipe or a terminal is opened anew, because its own description is shared
 * and must stay as the others want it; on the new one a full pipe says so (EAGAIN) and the rest waits. A socket cannot be opened anew,
 * so its own description is made to say so, and looked after: every Node process that shares it undoes that when it starts and when it
 * ends. Files are written to on a thread of
 * libuv's pool, one write at a time. A thread that waits for a reader would keep the process from ending.
 *
 * It does not know what a line means. Lines are ASCII, other characters being written as JSON escapes; or they are UTF-8, with
 * escapes for what a terminal would obey.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  write as writeOnThread,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { printable } from './plain-text.ts';

/** A longer line is dropped. As much as a pipe takes whole: POSIX asks for 512, Linux has 4,096. */
export const LINE_BYTES_MAX = 4_096;
/** For what is no pipe: large enough that a disk is not busy with the number of writes. */
const LARGE_CHUNK_BYTES = 65_536;
/** Chunks in one go before traffic has its turn: about 50 µs. */
const CHUNKS_PER_TURN = 16;
/** A pipe of 64 KiB that is emptied in between takes 32 MiB/s. */
const FULL_PIPE_WAIT_MIN_MS = 2;
/** A pipe that stays full is looked at less and less often, down to this. */
const FULL_PIPE_WAIT_MAX_MS = 128;
const PENDING_BYTES_MAX = 4_194_304;
/** While a socket is not full, nothing waits for it; how soon after a process that shares it has ended it is looked at again. */
const SOCKET_LOOK_INTERVAL_MS = 50;

export interface LineOutputOptions {
  readonly fd: number;
  /** Default 4 MiB: a third of a second of 20,000 long lines a second. */
  readonly pendingBytesMax?: number;
  /** `ascii` (default) for JSON; `utf8` for people. */
  readonly characters?: 'ascii' | 'utf8';
}

export class LineOutput {
  /** Lines that had no room, were longer than 4 KiB, or could not be written. */
  droppedCount = 0;
  writtenCount = 0;
  readonly #pendingBytesMax: number;
  readonly #fd: number;
  /** Whether `#fd` says when it is full, in place of waiting. */
  readonly #saysWhenFull: boolean;
  /** Whether `#fd` is a description of this object's own. */
  readonly #isOwn: boolean;
  readonly #isSocket: boolean;
  /** When it was made sure that the socket says when it is full, by `performance.now()`. */
  #lookedAtMs = -Infinity;
  readonly #isUtf8: boolean;
  readonly #chunkBytesMax: number;
  #lines: string[] = [];
  /** Where in `#lines` what is not written begins. */
  #head = 0;
  #pendingBytes = 0;
  /** What is being written, and how many lines it holds. */
  #chunk: Buffer | null = null;
  #chunkLines = 0;
  #fullPipeWaitMs = FULL_PIPE_WAIT_MIN_MS;
  #isBusy = false;
  #isClosed = false;
  #onEmpty: (() => void) | null = null;

  constructor({ fd, pendingBytesMax = PENDING_BYTES_MAX, characters = 'ascii' }: LineOutputOptions) {
    this.#pendingBytesMax = pendingBytesMax;
    this.#isUtf8 = characters === 'utf8';
    const stat = fstatSync(fd);
    const anew = stat.isFIFO() || isatty(fd) ? openAnew(fd) : null;
    this.#fd = anew ?? fd;
    this.#isOwn = anew !== null;
    this.#isSocket = stat.isSocket() && existsSync(flagsFile(fd));
    this.#saysWhenFull = anew !== null || this.#isSocket;
    this.#chunkBytesMax = stat.isFile() ? LARGE_CHUNK_BYTES : LINE_BYTES_MAX;
  }

  /** One line with its line feed. */
  write(line: string): void {
    const text = NOT_ASCII.test(line) ? this.#bytesOf(line) : line;
    if (this.#isClosed || text.length > LINE_BYTES_MAX || this.#pendingBytes + text.length > this.#pendingBytesMax) {
      this.droppedCount++;
      return;
    }
    this.#lines.push(text);
    this.#pendingBytes += text.length;
    if (this.#isBusy) return;
    this.#isBusy = true;
    setImmediate(() => this.#pump());
  }

  /** Resolves when everything is written, or given up after `timeoutMs`. What is written from then on is dropped. */
  async close(timeoutMs: number): Promise<void> {
    if (this.#isBusy) {
      const empty = Promise.withResolvers<void>();
      this.#onEmpty = empty.resolve;
      const timer = setTimeout(empty.resolve, timeoutMs);
      await empty.promise;
      clearTimeout(timer);
    }
    this.#isClosed = true;
    if (this.#isOwn) closeSync(this.#fd);
  }

  /** Every character stands for one byte. */
  #bytesOf(line: string): string {
    if (!this.#isUtf8) return line.replaceAll(ALL_NOT_ASCII, escaped);
    return Buffer.from(`${printable(line.replace(/\n$/, ''))}\n`).toString('latin1');
  }

  #pump(): void {
    if (this.#isClosed) return;
    for (let turns = 0; turns < CHUNKS_PER_TURN; turns++) {
      const chunk = (this.#chunk ??= this.#nextChunk());
      if (chunk === null) return this.#emptied();
      if (!this.#saysWhenFull) return writeOnThread(this.#fd, chunk, (error, bytes) => this.#written(error, bytes));
      if (this.#isSocket && performance.now() - this.#lookedAtMs > SOCKET_LOOK_INTERVAL_MS) this.#lookAtSocket();
      if (!this.#writeNow(chunk)) return;
    }
    setImmediate(() => this.#pump());
  }

  /** False: the rest follows later. */
  #writeNow(chunk: Buffer): boolean {
    try {
      this.#advance(chunk, writeSync(this.#fd, chunk));
      return true;
    } catch (error) {
      return this.#hasGivenUp(error as NodeJS.ErrnoException);
    }
  }

  #written(error: NodeJS.ErrnoException | null, bytes: number): void {
    if (error === null) this.#advance(this.#chunk!, bytes);
    else if (!this.#hasGivenUp(error)) return;
    this.#pump();
  }

  #advance(chunk: Buffer, bytes: number): void {
    this.#fullPipeWaitMs = FULL_PIPE_WAIT_MIN_MS;
    if (bytes < chunk.length) {
      this.#chunk = chunk.subarray(bytes);
      return;
    }
    this.writtenCount += this.#chunkLines;
    this.#chunk = null;
  }

  /** The reader is gone, or the disk is full: the chunk is lost, and counted. A pipe that is full is tried again. */
  #hasGivenUp({ code }: NodeJS.ErrnoException): boolean {
    if (code === 'EAGAIN') {
      // A full one is looked at each time: a write that waits would stop everything.
      this.#lookedAtMs = -Infinity;
      setTimeout(() => this.#pump(), this.#fullPipeWaitMs);
      this.#fullPipeWaitMs = Math.min(2 * this.#fullPipeWaitMs, FULL_PIPE_WAIT_MAX_MS);
      return false;
    }
    this.droppedCount += this.#chunkLines;
    this.#chunk = null;
    return true;
  }

  #lookAtSocket(): void {
    this.#lookedAtMs = performance.now();
    makeNotWait(this.#fd);
  }

  #nextChunk(): Buffer | null {
    const first = this.#head;
    let bytes = 0;
    while (this.#head < this.#lines.length) {
      const { length } = this.#lines[this.#head]!;
      if (bytes > 0 && bytes + length > this.#chunkBytesMax) break;
      bytes += length;
      this.#head++;
    }
    if (bytes === 0) return null;
    const text = this.#lines.slice(first, this.#head).join('');
    this.#chunkLines = this.#head - first;
    this.#pendingBytes -= bytes;
    this.#forgetTaken();
    return Buffer.from(text, 'latin1');
  }

  /** A reader that is never quite done must not keep what it has had. Half at a time, so that moving the rest costs little. */
  #forgetTaken(): void {
    if (2 * this.#head < this.#lines.length) return;
    this.#lines = this.#lines.slice(this.#head);
    this.#head = 0;
  }

  #emptied(): void {
    this.#isBusy = false;
    this.#onEmpty?.();
  }
}

const NOT_ASCII = /[^\x20-\x7e\n]/;
const ALL_NOT_ASCII = /[^\x20-\x7e\n]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A description of its own for the same pipe or terminal; null where the system has no such thing. */
function openAnew(fd: number): number | null {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return null;
  }
}

/** Linux tells there how a description was opened. */
const flagsFile = (fd: number): string => `/proc/self/fdinfo/${fd}`;

/** Sockets that were told not to wait. They are kept, because a socket that is collected closes its descriptor. */
const told: Socket[] = [];

/** Makes a socket say when it is full (O_NONBLOCK) where it does not: Node does that to whatever it takes over. */
function makeNotWait(fd: number): void {
  const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(readFileSync(flagsFile(fd), 'utf8'))?.[1] ?? '0', 8);
  if ((flags & constants.O_NONBLOCK) === 0) told.push(new Socket({ fd, readable: false, writable: true }).unref());
}
