/**
 * The journal's events in batches, as the streams of the admin API read them: a range of history, or on and on.
 *
 * Between two batches the event loop has its turn, so that a long history keeps nobody waiting.
 */
import { setImmediate } from 'node:timers/promises';
import type { Journal } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';

/** Events in one batch of history, at most. */
const BATCH_EVENTS = 256;
/** Characters of payloads in one batch of history; the event that passes it is the batch's last. */
const BATCH_CHARACTERS_MAX = 1_048_576;

export interface EventRange {
  /** The first revision wanted. */
  readonly from: number;
  /** The last revision wanted; null for no end. */
  readonly to: number | null;
  /** Go on with what is appended from now on. */
  readonly isFollowing: boolean;
  readonly signal: AbortSignal;
}

/** Ends at the end of the range, with the signal, or when the journal becomes another history. */
export async function* eventBatches(
  journal: Pick<Journal, 'read' | 'follow'>,
  { from, to, isFollowing, signal }: EventRange,
): AsyncGenerator<readonly RecordedEvent[], void> {
  const last = to ?? Infinity;
  if (!isFollowing) return yield* historyBatches(journal, { from, to, signal });
  for await (const item of journal.follow({ afterRevision: Math.max(0, from - 1), signal })) {
    if (item.kind === 'epoch-changed') return;
    if (item.kind !== 'events') continue;
    yield item.events.filter(({ revision }) => revision <= last);
    if ((item.events.at(-1)?.revision ?? 0) >= last) return;
    await setImmediate();
  }
}

async function* historyBatches(
  journal: Pick<Journal, 'read'>,
  { from, to, signal }: Omit<EventRange, 'isFollowing'>,
): AsyncGenerator<readonly RecordedEvent[], void> {
  let batch: RecordedEvent[] = [];
  let characters = 0;
  for await (const event of journal.read({ fromRevision: from, ...(to !== null && { toRevision: to }) })) {
    if (signal.aborted) return;
    batch.push(event);
    characters += event.payload.length;
    if (batch.length < BATCH_EVENTS && characters < BATCH_CHARACTERS_MAX) continue;
    yield batch;
    batch = [];
    characters = 0;
    await setImmediate();
  }
  if (batch.length > 0) yield batch;
}
