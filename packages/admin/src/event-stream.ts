/**
 * The journal's events as a stream of text: one JSON object a line, or server-sent events.
 *
 * It is read at the client's pace. A client that stops reading holds one chunk here and one follower at the journal,
 * whatever is appended meanwhile; one that is gone ends both.
 */
import type { NodeHandle } from '@muster/actors';
import { decodeEvent, type Roster } from '@muster/membership';
import type { EventPredicate } from '@muster/replay';
import {
  errorBody,
  eventBatches,
  type EventRange,
  eventView,
  type EventView,
  type JudgedEvent,
  rejectedEvents,
} from '@muster/questions';
import { toApiError } from './api-error.ts';

/** Characters per chunk, about; one event of any size fits. */
const CHUNK_CHARACTERS = 65_536;
/** How long a followed event waits for this node's own verdict on it; without one it is shown as taken. */
const VERDICT_TIMEOUT_MS = 500;

export interface EventQuery extends EventRange {
  /** Events at most; null for no limit. */
  readonly limit: number | null;
  /**
   * With a roster (`rosterBefore`): only what every reader passes over, judged from there; the limit then counts those.
   * Null: all events.
   */
  readonly rejectedSince: Roster | null;
  /** Only the events that it is true of; the limit then counts those. Null: all. */
  readonly filter: EventPredicate | null;
  readonly format: 'ndjson' | 'sse';
}

/**
 * As `eventChunks`, and where it breaks off after it began, which its status can no longer tell, with a last line that says why: the
 * object that the API refuses with, `{"error": {"code", "message"}}`, as a line or as an event of the type `error`. `onBreak` is told.
 */
export async function* eventChunksToTheEnd(
  node: Source,
  query: EventQuery,
  onBreak: (error: unknown) => void,
): AsyncGenerator<string, void> {
  let hasBegun = false;
  try {
    for await (const chunk of eventChunks(node, query)) {
      yield chunk;
      hasBegun = true;
    }
  } catch (error) {
    if (!hasBegun) throw error;
    onBreak(error);
    const json = JSON.stringify(errorBody(toApiError(error)));
    yield query.format === 'ndjson' ? `${json}\n` : `event: error\ndata: ${json}\n\n`;
  }
}

type Source = Pick<NodeHandle, 'journal' | 'roster' | 'rejectionAt' | 'onRosterChanged'>;

async function* eventChunks(node: Source, query: EventQuery): AsyncGenerator<string, void> {
  let chunk = '';
  let leftCount = query.limit ?? Infinity;
  if (leftCount <= 0) return;
  const { rejectedSince: before } = query;
  // The answer's head goes out with the first chunk, and the first event may be long in coming.
  if (query.isFollowing) yield '';
  const batches = before === null ? judgedEvents(node, query) : rejectedEvents(node.journal, before, query);
  for await (const judged of batches) {
    for (const one of judged) {
      if (query.filter?.(one.event) === false) continue;
      chunk += format(eventView(one, before !== null), query.format);
      leftCount -= 1;
      if (leftCount === 0) return yield* nonEmpty(chunk);
      if (chunk.length < CHUNK_CHARACTERS) continue;
      yield chunk;
      chunk = '';
    }
    if (!query.isFollowing) continue;
    yield* nonEmpty(chunk);
    chunk = '';
  }
  yield* nonEmpty(chunk);
}

/** All events, each with what it says of itself and what this node remembers of it. */
async function* judgedEvents(node: Source, query: EventQuery): AsyncGenerator<readonly JudgedEvent[], void> {
  const { cluster } = node.roster();
  for await (const events of eventBatches(node.journal, query)) {
    if (query.isFollowing) await folded(node, events.at(-1)?.revision ?? 0, query.signal);
    yield events.map((event) => {
      const decoded = decodeEvent(event, cluster);
      return { event, rejection: 'reason' in decoded ? decoded : node.rejectionAt(event.revision) };
    });
  }
}

/** Resolves when this node has folded a revision, after `VERDICT_TIMEOUT_MS`, or with the signal. */
async function folded(node: Source, revision: number, signal: AbortSignal): Promise<void> {
  if (node.roster().revision >= revision) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, VERDICT_TIMEOUT_MS);
  const done = (): void => resolve();
  signal.addEventListener('abort', done);
  const forget = node.onRosterChanged((_before, after) => {
    if (after.revision >= revision) resolve();
  });
  await promise;
  forget();
  signal.removeEventListener('abort', done);
  clearTimeout(timer);
}

function format(view: EventView, as: EventQuery['format']): string {
  const json = JSON.stringify(view);
  return as === 'ndjson' ? `${json}\n` : `id: ${view.revision}\nevent: ${view.type ?? 'unknown'}\ndata: ${json}\n\n`;
}

function* nonEmpty(chunk: string): Generator<string, void> {
  if (chunk !== '') yield chunk;
}
