/**
 * An incident file on a disk: opened, checked from its first byte to its last, and read part by part.
 *
 * Every way in which a file can be unfit has its own sentence: no incident at all, a newer format, cut off, changed on its way.
 */
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { constants, gunzip, inflateRawSync } from 'node:zlib';
import type { z } from 'zod';
import { ReplayError } from '../log/replay-error.ts';
import {
  END_BYTES,
  incidentEndSchema,
  incidentHeadSchema,
  incidentIndexSchema,
  INCIDENT_FORMAT,
  PART_BYTES_MAX,
  type IncidentEnd,
  type IncidentHead,
  type IncidentIndex,
  type IncidentPart,
} from './incident-format.ts';
import { breakReason } from './incident-break.ts';
import { digest, encodeEnd } from './part-encoder.ts';

const decompress = promisify(gunzip);

/** Enough for the head, whatever stands in it. */
const HEAD_BYTES = 4_096;
/** Of a member without optional fields (RFC 1952, 2.3). */
const GZIP_HEAD_BYTES = 10;
const CHUNK_BYTES = 1_048_576;
/** A larger index belongs to no file that this version writes. */
const INDEX_BYTES_MAX = 16_777_216;

export class IncidentParts {
  /** As it was opened, for messages. */
  readonly path: string;
  readonly head: IncidentHead;
  readonly index: IncidentIndex;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, { head, index }: { head: IncidentHead; index: IncidentIndex }) {
    this.path = path;
    this.#file = file;
    this.head = head;
    this.index = index;
  }

  /** Throws `ReplayError` `unreadable-file`. The file stays open until `close`. */
  static async open(path: string): Promise<IncidentParts> {
    const file = await openFile(path);
    try {
      const { size } = await file.stat();
      const head = await readHead(path, file, size);
      const end = await readEnd(path, file, size);
      const index = await readIndex(path, file, end);
      checkPlaces(path, index, end.indexOffset);
      await checkDigests(path, file, index.parts);
      return new IncidentParts(path, file, { head, index });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The lines of a part, parsed. */
  async lines(part: IncidentPart): Promise<unknown[]> {
    const bytes = await readBytes(this.#file, part.offset, part.bytes);
    const text = await this.#textOf(part, bytes);
    try {
      return text.split('\n').slice(0, -1).map(parseLine);
    } catch (error) {
      throw this.broken(part, (error as Error).message);
    }
  }

  async #textOf(part: IncidentPart, bytes: Buffer): Promise<string> {
    if (digest(bytes) !== part.sha256) throw this.broken(part, 'it changed since the file was opened');
    try {
      return (await decompress(bytes, { maxOutputLength: PART_BYTES_MAX })).toString('utf8');
    } catch (error) {
      throw this.broken(part, (error as Error).message);
    }
  }

  /** What a part's content is refused with. */
  broken(part: IncidentPart, what: string): ReplayError {
    return unreadable(this.path, `its ${describePart(part)} cannot be read: ${what.slice(0, 200)}`);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r');
    const isFile = await file.stat().then((found) => found.isFile());
    if (isFile) return file;
    await file.close();
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'there is no such file' : `it cannot be opened (${code})`;
    throw unreadable(path, what, '');
  }
  throw unreadable(path, 'it is not a file', '');
}

/** Looked at first of all: whatever else a newer version does otherwise, it says so here. */
async function readHead(path: string, file: FileHandle, size: number): Promise<IncidentHead> {
  const bytes = await readBytes(file, 0, Math.min(HEAD_BYTES, size));
  const isGzip = bytes.length > GZIP_HEAD_BYTES && bytes[0] === 0x1f && bytes[1] === 0x8b;
  const orDamaged = isGzip ? ', or its beginning is damaged' : '';
  const none = (): ReplayError => unreadable(path, `it is no incident file${orDamaged}; muster export writes one`, '');
  const head = parseQuietly(firstLine(bytes) ?? '');
  if (typeof head !== 'object' || head === null) throw none();
  const { kind, format } = head as { kind?: unknown; format?: unknown };
  if (kind !== 'incident') throw none();
  if (typeof format === 'number' && format > INCIDENT_FORMAT) {
    const what = `it has format ${format}, and this version of muster reads ${INCIDENT_FORMAT}`;
    throw unreadable(path, what, 'use the version that wrote it, or a newer one');
  }
  return parsed(incidentHeadSchema, head, { path, what: 'its head' });
}

/** The first line of what was compressed; null where there is none. What follows the first member does not matter here. */
function firstLine(bytes: Buffer): string | null {
  try {
    const inflated = inflateRawSync(bytes.subarray(GZIP_HEAD_BYTES), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: HEAD_BYTES * 16,
    });
    const end = inflated.indexOf('\n');
    return end === -1 ? null : inflated.toString('utf8', 0, end);
  } catch {
    // Anything may have been given as a file.
    return null;
  }
}

async function readEnd(path: string, file: FileHandle, size: number): Promise<IncidentEnd> {
  const cut = (): ReplayError =>
    unreadable(path, `it is cut off: what it should end with is not there (${size} bytes)`);
  if (size < END_BYTES) throw cut();
  const bytes = await readBytes(file, size - END_BYTES, END_BYTES);
  const reason = breakReason(bytes);
  if (reason !== null) throw unreadable(path, `it broke off while it was written: ${reason}`);
  let line: unknown;
  try {
    line = parseLine((await decompress(bytes, { maxOutputLength: END_BYTES })).toString('utf8'));
  } catch {
    throw cut();
  }
  const end = parsed(incidentEndSchema, line, { path, what: 'its end' });
  if (!encodeEnd(end).equals(bytes)) throw damaged(path, 'its end is not what was written');
  if (end.indexOffset + end.indexBytes + END_BYTES !== size) throw damaged(path, 'its index is not where it should be');
  return end;
}

async function readIndex(path: string, file: FileHandle, end: IncidentEnd): Promise<IncidentIndex> {
  if (end.indexBytes > INDEX_BYTES_MAX) throw damaged(path, 'its index is larger than any');
  const bytes = await readBytes(file, end.indexOffset, end.indexBytes);
  if (digest(bytes) !== end.sha256) throw damaged(path, 'its index is not what was written');
  let line: unknown;
  try {
    line = parseLine((await decompress(bytes, { maxOutputLength: PART_BYTES_MAX })).toString('utf8'));
  } catch (error) {
    throw damaged(path, `its index cannot be read: ${(error as Error).message}`);
  }
  return parsed(incidentIndexSchema, line, { path, what: 'its index' });
}

/** One part behind the other, from the first byte to the index: so no byte is without a digest. */
function checkPlaces(path: string, { parts }: IncidentIndex, indexOffset: number): void {
  let offset = 0;
  for (const part of parts) {
    if (part.offset !== offset) throw damaged(path, `its ${describePart(part)} is not where it should be`);
    offset += part.bytes;
  }
  if (offset !== indexOffset) throw damaged(path, 'its parts do not fill it');
}

async function checkDigests(path: string, file: FileHandle, parts: readonly IncidentPart[]): Promise<void> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (const part of parts) {
    const hash = createHash('sha256');
    for (let at = 0; at < part.bytes;) {
      const wanted = Math.min(CHUNK_BYTES, part.bytes - at);
      const { bytesRead } = await file.read(chunk, 0, wanted, part.offset + at);
      if (bytesRead === 0) break;
      hash.update(chunk.subarray(0, bytesRead));
      at += bytesRead;
    }
    if (hash.digest('hex') !== part.sha256) throw damaged(path, `its ${describePart(part)} is not what was written`);
  }
}

async function readBytes(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(bytes, 0, length, offset);
  return bytes.subarray(0, bytesRead);
}

function parseLine(line: string): unknown {
  return JSON.parse(line);
}

function parseQuietly(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Whoever asked refuses it as it refuses any other value that is none.
    return undefined;
  }
}

function parsed<Schema extends z.ZodType>(
  schema: Schema,
  line: unknown,
  { path, what }: { readonly path: string; readonly what: string },
): z.output<Schema> {
  const result = schema.safeParse(line);
  if (result.success) return result.data;
  const { path: field, message } = result.error.issues[0]!;
  throw damaged(path, `${what} makes no sense: ${field.join('.')}: ${message}`);
}

/** `part with the events 1201 to 2200`. */
function describePart({ kind, first, last, count }: IncidentPart): string {
  if (kind === 'events') return `part with the events ${first} to ${last}`;
  if (kind === 'observations') return `part with ${count} observations from ${new Date(first).toISOString()} on`;
  return kind === 'head' ? 'head' : 'snapshot';
}

function damaged(path: string, what: string): ReplayError {
  return unreadable(path, `it is damaged: ${what}`);
}

function unreadable(path: string, what: string, advice = 'export it, or copy it, again'): ReplayError {
  return new ReplayError('unreadable-file', `${path}: ${what}${advice === '' ? '' : `; ${advice}`}`);
}
