/**
 * The store's folder: `00000001.observations`, `00000002.observations`, … Every process that writes begins a file of its own, and
 * never goes on with another's: what a killed one has left half written stays at an end.
 */
import { open, readdir, readFile, stat, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { framesIn } from './frame.ts';

const NAME = /^(\d{8,15})\.observations$/;
const FILE_MODE = 0o600;
/** Enough for a usual first frame, that of the names. */
const START_BYTES = 1_048_576;

export interface SegmentFile {
  readonly path: string;
  readonly number: number;
  readonly bytes: number;
  /** When it was last written to, ms since 1970. */
  readonly writtenMs: number;
}

/** What is there, the oldest first; empty where the folder is not there. Rejects where it cannot be read. */
export async function listSegments(folder: string): Promise<SegmentFile[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const segments: SegmentFile[] = [];
  for (const name of names) {
    const number = NAME.exec(name)?.[1];
    if (number === undefined) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(unlessGone);
    if (found) segments.push({ path, number: Number(number), bytes: found.size, writtenMs: found.mtimeMs });
  }
  return segments.sort((left, right) => left.number - right.number);
}

/** A new file after `number`, or after those that another process made meanwhile. */
export async function createSegment(
  folder: string,
  number: number,
): Promise<{ readonly path: string; readonly number: number; readonly file: FileHandle }> {
  for (let next = number; ; next++) {
    const path = join(folder, `${String(next).padStart(8, '0')}.observations`);
    try {
      return { path, number: next, file: await open(path, 'ax', FILE_MODE) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/**
 * From when on a segment speaks, ms since 1970, read off its first whole frame, and without reading all of the file where that is there at
 * once; null where the file is gone or holds no whole frame.
 */
export async function segmentSinceMs(path: string): Promise<number | null> {
  const start = await readStart(path);
  if (start === null) return null;
  const first = framesIn(start).next().value;
  if (first?.kind === 'frame') return first.frame.fromMs;
  const whole = start.length < START_BYTES ? start : await readFile(path).catch(unlessGone);
  for (const part of framesIn(whole ?? start)) if (part.kind === 'frame') return part.frame.fromMs;
  return null;
}

async function readStart(path: string): Promise<Buffer | null> {
  const file = await open(path).catch(unlessGone);
  if (file === null) return null;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(START_BYTES), 0, START_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

export async function removeSegment(path: string): Promise<void> {
  await unlink(path).catch(unlessGone);
}

/** For what another process may have removed meanwhile: null then; any other error is thrown on. */
export function unlessGone(error: NodeJS.ErrnoException): null {
  if (error.code !== 'ENOENT') throw error;
  return null;
}
