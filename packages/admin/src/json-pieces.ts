/**
 * Answers that may be large, made and sent in pieces at the reader's pace: between two pieces whatever else waits has its turn, so that
 * nobody who asks about ten thousand backends stops the node, and nothing holds the whole text.
 *
 *     sendInPieces(reply, jsonParts(view))
 */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';

const JSON_TYPE = 'application/json; charset=utf-8';
/** How long a client may take nothing of an answer, in ms. */
const STALLED_MS = 30_000;
/** Characters that are made in one turn: about 1 ms. */
const PIECE_CHARACTERS = 65_536;
/** Lists and objects are taken apart down to this depth; what lies deeper is small, as one backend of one pool is. */
const DEPTH_MAX = 4;

/**
 * Sends parts of a text as one answer. What was made for a client that takes nothing of it for `STALLED_MS` is let go of, and its
 * connection is closed. Gives the stream, which is closed when the answer is sent or its client is gone.
 */
export function sendInPieces(reply: FastifyReply, parts: Iterable<string>, contentType = JSON_TYPE): Readable {
  const pieces = inPieces(parts);
  reply.raw.setTimeout(STALLED_MS, () => reply.raw.destroy());
  reply.raw.once('close', () => pieces.destroy());
  void reply.type(contentType).send(pieces);
  return pieces;
}

/** Pieces of text as a stream at the reader's pace, with a turn for whatever else waits between them. */
export function inPieces(parts: Iterable<string>): Readable {
  return Readable.from(gathered(parts), { objectMode: false });
}

/** Few large pieces rather than many small ones: each costs a turn and a write. */
async function* gathered(parts: Iterable<string>): AsyncGenerator<string, void> {
  let piece = '';
  for (const part of parts) {
    piece += part;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
    await setImmediate();
  }
  if (piece !== '') yield piece;
}

/** What `JSON.stringify` makes of plain data, part by part. */
export function* jsonParts(value: unknown, depth = 0): Generator<string, void> {
  if (typeof value !== 'object' || value === null || depth === DEPTH_MAX) {
    yield JSON.stringify(value) ?? 'null';
  } else if (Array.isArray(value)) {
    let opening = '[';
    for (const item of value) {
      yield opening;
      yield* jsonParts(item, depth + 1);
      opening = ',';
    }
    yield opening === '[' ? '[]' : ']';
  } else {
    let opening = '{';
    for (const [key, field] of Object.entries(value)) {
      if (field === undefined) continue;
      yield `${opening}${JSON.stringify(key)}:`;
      yield* jsonParts(field, depth + 1);
      opening = ',';
    }
    yield opening === '{' ? '{}' : '}';
  }
}
