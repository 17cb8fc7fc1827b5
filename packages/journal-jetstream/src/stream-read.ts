/**
 * Reads a stretch of the stream and ends. What fails in the middle is thrown: a reader that wants to go on over an outage
 * follows instead.
 */
import { FOLLOW_BATCH_EVENTS, JournalError, type ReadOptions } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type { StreamInfo } from '@nats-io/jetstream';
import { TimeoutError } from '@nats-io/transport-node';
import { journalErrorOf } from './nats-failure.ts';
import { PullReader } from './pull-reader.ts';
import { recordedEventOf } from './recorded-message.ts';
import type { StreamAccess } from './stream-access.ts';

/** Each waits half a second for its answer. */
const OPEN_ATTEMPTS = 6;

/** In order, in batches of 1 to `FOLLOW_BATCH_EVENTS`. */
export async function* readStream(
  stream: StreamAccess,
  options: ReadOptions,
): AsyncGenerator<readonly RecordedEvent[], void> {
  const { state } = await stream.info();
  const upTo = Math.min(options.toRevision ?? Infinity, state.last_seq);
  const from = firstRevision(stream, options, { state });
  const since = options.fromTimeMs === undefined ? from : await revisionSince(stream, options.fromTimeMs, state);
  const start = since === null ? Infinity : Math.max(from, since);
  if (start > upTo) return;
  const reader = await openReader(stream, { start: { revision: start }, countMax: upTo - start + 1 });
  try {
    yield* batchesUpTo(reader, stream, { start, upTo });
  } finally {
    reader.close();
  }
}

function firstRevision(
  stream: StreamAccess,
  { fromRevision }: ReadOptions,
  { state }: Pick<StreamInfo, 'state'>,
): number {
  const first = Math.max(1, state.first_seq);
  const from = Math.max(1, fromRevision ?? first);
  if (from >= first || state.last_seq === 0) return from;
  const message = `the stream ${stream.name} begins at revision ${first}; ${from} was removed by retention`;
  throw new JournalError('compacted', message);
}

async function* batchesUpTo(
  reader: PullReader,
  stream: StreamAccess,
  { start, upTo }: { readonly start: number; readonly upTo: number },
): AsyncGenerator<readonly RecordedEvent[], void> {
  let isMoreComing = reader.pendingCount > 0;
  for (let cursor = start - 1; cursor < upTo;) {
    // The copy that is read may lag behind the leader, who said what is newest; or the newest events were removed by hand.
    if (!isMoreComing && !(await stream.hasEventAfter(cursor))) return;
    const batch = await reader.take(FOLLOW_BATCH_EVENTS);
    if (batch.length === 0) {
      throw new JournalError('failed', `reading the journal ${stream.name} was cut short: ${reader.endReason}`);
    }
    const events = batch
      .filter(({ delivery }) => delivery.revision > cursor && delivery.revision <= upTo)
      .map(({ message, delivery }) => recordedEventOf(message, delivery));
    await stream.expectWhole(cursor, events);
    if (events.length > 0) yield events;
    const { revision, pendingCount } = batch.at(-1)!.delivery;
    cursor = Math.max(cursor, revision);
    isMoreComing = pendingCount > 0 || reader.queuedCount > 0;
  }
}

/** The first revision at or after a time, or null where there is none. */
async function revisionSince(
  stream: StreamAccess,
  timeMs: number,
  { last_ts, messages }: StreamInfo['state'],
): Promise<number | null> {
  if (messages === 0 || timeMs > Date.parse(last_ts)) return null;
  const reader = await openReader(stream, { start: { timeMs: Math.max(0, timeMs) }, countMax: 1 });
  try {
    const [first] = await reader.take(1);
    if (first === undefined)
      throw new JournalError('failed', `the journal ${stream.name} did not answer: ${reader.endReason}`);
    return first.delivery.revision;
  } finally {
    reader.close();
  }
}

/** A cluster may give the consumer to a server that was just started and does not answer; the next try goes to another. */
async function openReader(
  stream: StreamAccess,
  options: Parameters<typeof PullReader.open>[1],
  attemptsLeft = OPEN_ATTEMPTS,
): Promise<PullReader> {
  try {
    return await PullReader.open(stream, options);
  } catch (error) {
    if (attemptsLeft > 1 && error instanceof TimeoutError) return openReader(stream, options, attemptsLeft - 1);
    throw journalErrorOf(error, `the journal ${stream.name} cannot be read`);
  }
}
