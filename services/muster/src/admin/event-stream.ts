/**
 * The journal's events as a stream of text: one JSON object a line, or server-sent events.
 *
 * It is read at the client's pace. A client that stops reading holds one chunk here and one follower at the journal,
 * whatever is appended meanwhile; one that is gone ends both.
 */
import type { NodeHandle } from '@muster/actors';
import { decodeEvent, type RecordedEvent, type Rejection } from '@muster/membership';

/** Characters per chunk, about; one event of any size fits. */
const CHUNK_CHARACTERS = 65_536;

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
  /** The payload as JSON; as the text that was published where it is not JSON. */
  readonly payload: unknown;
  /** Why every reader passes the event over, where that can be told from the event alone; null otherwise. */
  readonly rejection: Pick<Rejection, 'reason' | 'message'> | null;
}

export interface EventQuery {
  /** The first revision wanted. */
  readonly from: number;
  /** The last revision wanted; null for no end. */
  readonly to: number | null;
  /** Events at most; null for no limit. */
  readonly limit: number | null;
  /** Go on with what is appended from now on. */
  readonly isFollowing: boolean;
  readonly format: 'ndjson' | 'sse';
  readonly signal: AbortSignal;
}

type Source = Pick<NodeHandle, 'journal' | 'roster'>;

export async function* eventChunks(node: Source, query: EventQuery): AsyncGenerator<string, void> {
  let chunk = '';
  let leftCount = query.limit ?? Infinity;
  if (leftCount <= 0) return;
  const { cluster } = node.roster();
  for await (const events of batches(node, query)) {
    for (const event of events) {
      if (event.revision > (query.to ?? Infinity)) return yield* nonEmpty(chunk);
      chunk += format(eventView(event, cluster), query.format);
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

function eventView({ revision, timeMs, id, subject, origin, payload }: RecordedEvent, cluster: string): EventView {
  const decoded = decodeEvent({ revision, timeMs, id, subject, origin, payload }, cluster);
  const isRejected = 'reason' in decoded;
  const body = isRejected ? parseLoosely(payload) : (JSON.parse(payload) as unknown);
  const type = (body as { type?: unknown } | null)?.type;
  return {
    revision,
    time: new Date(timeMs).toISOString(),
    id,
    subject,
    origin,
    type: typeof type === 'string' ? type : null,
    payload: body,
    rejection: isRejected ? { reason: decoded.reason, message: decoded.message } : null,
  };
}

async function* batches({ journal }: Source, query: EventQuery): AsyncGenerator<readonly RecordedEvent[], void> {
  const { from, to, isFollowing, signal } = query;
  if (!isFollowing) {
    for await (const event of journal.read({ fromRevision: from, ...(to !== null && { toRevision: to }) })) {
      if (signal.aborted) return;
      yield [event];
    }
    return;
  }
  for await (const item of journal.follow({ afterRevision: Math.max(0, from - 1), signal })) {
    if (item.kind === 'epoch-changed') return;
    if (item.kind === 'events') yield item.events;
  }
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
