/**
 * The journal's events as a stream of text: one JSON object a line, or server-sent events.
 *
 * It is read at the client's pace. A client that stops reading holds one chunk here and one follower at the journal,
 * whatever is appended meanwhile; one that is gone ends both.
 */
import type { NodeHandle } from '@muster/actors';
import { decodeEvent, type Rejection, type Roster } from '@muster/membership';
import { eventBatches, type EventRange } from './event-batches.ts';
import { rejectedEvents, type JudgedEvent } from './rejected-events.ts';

/** Characters per chunk, about; one event of any size fits. */
const CHUNK_CHARACTERS = 65_536;
/** Of a payload where only rejected events are asked for: anybody may have published anything. */
const REJECTED_PAYLOAD_CHARACTERS = 500;
/** How long a followed event waits for this node's own verdict on it; without one it is shown as taken. */
const VERDICT_TIMEOUT_MS = 500;

/** One line of the stream. */
export interface EventView {
  readonly revision: number;
  /** ISO 8601, the journal's clock. */
  readonly time: string;
  readonly id: string;
  readonly subject: string;
  readonly origin: string | null;
  /** Null where the payload has none. */
  readonly type: string | null;
  /**
   * The payload as JSON; as the text that was published where it is not JSON. With `rejectedSince`, of one that is longer
   * than 500 characters, the beginning of the text, ending in `…`.
   */
  readonly payload: unknown;
  /**
   * Why every reader passes the event over. Null where it was taken, and, without `rejectedSince`, where that depends on
   * earlier events and this node folded it long ago.
   */
  readonly rejection: Pick<Rejection, 'reason' | 'message'> | null;
}

export interface EventQuery extends EventRange {
  /** Events at most; null for no limit. */
  readonly limit: number | null;
  /**
   * With a roster (`rosterBefore`): only what every reader passes over, judged from there; the limit then counts those.
   * Null: all events.
   */
  readonly rejectedSince: Roster | null;
  readonly format: 'ndjson' | 'sse';
}

type Source = Pick<NodeHandle, 'journal' | 'roster' | 'rejectionAt' | 'onRosterChanged'>;

export async function* eventChunks(node: Source, query: EventQuery): AsyncGenerator<string, void> {
  let chunk = '';
  let leftCount = query.limit ?? Infinity;
  if (leftCount <= 0) return;
  const { rejectedSince: before } = query;
  // The answer's head goes out with the first chunk, and the first event may be long in coming.
  if (query.isFollowing) yield '';
  const batches = before === null ? judgedEvents(node, query) : rejectedEvents(node.journal, before, query);
  for await (const judged of batches) {
    for (const one of judged) {
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

function eventView({ event, rejection }: JudgedEvent, isCut: boolean): EventView {
  const { revision, timeMs, id, subject, origin, payload } = event;
  const isShort = !isCut || payload.length <= REJECTED_PAYLOAD_CHARACTERS;
  const body = isShort ? parseLoosely(payload) : `${payload.slice(0, REJECTED_PAYLOAD_CHARACTERS)}…`;
  const type = (body as { type?: unknown } | null)?.type;
  return {
    revision,
    time: new Date(timeMs).toISOString(),
    id,
    subject,
    origin,
    type: typeof type === 'string' ? type : null,
    payload: body,
    rejection: rejection === null ? null : { reason: rejection.reason, message: rejection.message },
  };
}

function format(view: EventView, as: EventQuery['format']): string {
  const json = JSON.stringify(view);
  return as === 'ndjson' ? `${json}\n` : `id: ${view.revision}\nevent: ${view.type ?? 'unknown'}\ndata: ${json}\n\n`;
}

function parseLoosely(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    // What is not JSON is shown as it was published.
    return payload;
  }
}

function* nonEmpty(chunk: string): Generator<string, void> {
  if (chunk !== '') yield chunk;
}
