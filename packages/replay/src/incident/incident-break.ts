/**
 * The end of an incident file that could not be written to its end. The reason travels in the file itself: an answer that has begun
 * has no other place for it, and who opens the file later asks nobody.
 */
import { gunzipSync } from 'node:zlib';
import { messageOf } from '@muster/membership';
import { END_BYTES, END_LINE_BYTES, incidentBreakSchema } from './incident-format.ts';
import { encodeEnd } from './part-encoder.ts';

/** So much of a message has room in the last line, however its characters are written in JSON. */
const MESSAGE_BYTES_MAX = END_LINE_BYTES - 40;

/** The bytes as they come; where they break off in the middle, a last member that says why. What breaks before the first is thrown. */
export async function* endingInWords(
  bytes: AsyncIterable<Uint8Array>,
  onBreak: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void> {
  let hasBegun = false;
  try {
    for await (const part of bytes) {
      yield part;
      hasBegun = true;
    }
  } catch (error) {
    if (!hasBegun) throw error;
    onBreak(error);
    yield encodeEnd({ kind: 'broken', message: fitting(messageOf(error)) });
  }
}

/** Why a file broke off, from its last `END_BYTES` bytes or more; null where it did not. */
export function breakReason(tail: Uint8Array): string | null {
  try {
    const line = gunzipSync(tail.subarray(-END_BYTES), { maxOutputLength: END_BYTES }).toString('utf8');
    const parsed = incidentBreakSchema.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data.message : null;
  } catch {
    // Whatever else stands there is for whoever opens the file to judge.
    return null;
  }
}

function fitting(message: string): string {
  let text = message;
  while (Buffer.byteLength(JSON.stringify(text)) > MESSAGE_BYTES_MAX) text = `${text.slice(0, -8)}…`;
  return text;
}
