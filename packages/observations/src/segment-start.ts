/** From when on a segment speaks: read off its first whole frame, without reading all of it where that is there at once. */
import { open, readFile } from 'node:fs/promises';
import { framesIn } from './frame.ts';
import { unlessGone } from './segment-files.ts';

/** Enough for a usual first frame, that of the names. */
const START_BYTES = 1_048_576;

/** Ms since 1970; null where the file is gone or holds no whole frame. */
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
