/**
 * The journal's events as a stream of text: one JSON object a line, or server-sent events.
 *
 * It is read at the client's pace. A client that stops reading holds one chunk here and one follower at the journal,
 * whatever is appended meanwhile; one that is gone ends both.
 */
import { Readable } from 'node:stream';
import type { NodeHandle } from '@muster/actors';
import { startingRoster, type Head, type Journal } from '@muster/journal';
import { decodeEvent, messageOf, type RecordedEvent, type Roster } from '@muster/membership';
import { errorBody } from '@muster/questions/answers';
import {
  eventBatches,
  eventQuery,
  eventShape,
  eventView,
  foldingJudge,
  type EventRange,
  type EventRequest,
  type EventView,
  type Verdict,
} from '@muster/questions/events';
import * as shapes from '@muster/questions/shapes';
import type { EventPredicate } from '@muster/replay';
import { eventFilter, parseEventFilter } from '@muster/replay/event-filter';
import type { z } from 'zod';
import type { AdminApp, AdminContext } from './admin-server.ts';
import { ApiError, toApiError } from './api-error.ts';

/** Clients that may follow events at once; a further one is answered 503. */
export const FOLLOWERS_MAX = 64;
/** Where no first revision is asked for, so many of the newest events are looked through for rejected ones. */
export const REJECTED_RANGE_EVENTS = 100_000;
/** Characters per chunk, about; one event of any size fits. */
const CHUNK_CHARACTERS = 65_536;
/** How long a followed event waits for this node's own verdict on it; without one it is shown as taken. */
const VERDICT_TIMEOUT_MS = 500;

export function addEventRoute(app: AdminApp, { node, closing, log }: AdminContext): void {
  let followersCount = 0;
  const view: z.ZodType = eventShape(shapes);
  const schema = {
    summary: 'Events as NDJSON, or as server-sent events with Accept: text/event-stream',
    querystring: eventQuery(shapes),
    response: {
      ...shapes.answers(shapes.text),
      200: {
        description: 'one event a line, or an event of the stream',
        content: { 'application/x-ndjson': { schema: view }, 'text/event-stream': { schema: view } },
      },
    },
  };
  app.get('/v1/events', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const {
      from: _from,
      last: _last,
      to = null,
      limit = null,
      follow: isFollowing,
      rejected: isRejectedOnly,
      ...fields
    } = request.query;
    const wanted = parseEventFilter(fields);
    const filter = Object.keys(wanted).length === 0 ? null : eventFilter(wanted);
    const head = await node.journal.head();
    const from = await firstWanted(node.journal, head, { ...request.query, fromMs: wanted.fromMs });
    if (isFollowing && from > head.revision + 1) {
      const message = `from is ${from}, and the newest event is ${head.revision}; follow from ${head.revision + 1} or earlier`;
      throw new ApiError(400, { code: 'invalid', message });
    }
    const rejectedSince = isRejectedOnly ? await rosterBefore(node.journal, from, node.roster().cluster) : null;
    if (followersCount >= FOLLOWERS_MAX) {
      const message = `${FOLLOWERS_MAX} clients read events already; end one of them or try again later`;
      throw new ApiError(503, { code: 'too-many-followers', message });
    }
    const gone = new AbortController();
    const signal = AbortSignal.any([closing, gone.signal]);
    const format = request.headers.accept?.includes('text/event-stream') === true ? 'sse' : 'ndjson';
    const query = { from, to, limit, isFollowing, rejectedSince, filter, format, signal } as const;
    const noteBreak = (err: unknown): void => log.warn({ err }, `a stream of events broke off: ${messageOf(err)}`);
    const stream = Readable.from(eventChunksToTheEnd(node, query, noteBreak), { objectMode: true, highWaterMark: 1 });
    followersCount += 1;
    stream.once('close', () => (followersCount -= 1));
    stream.on('error', (err) => log.warn({ err }, 'a stream of events ended early'));
    reply.raw.once('close', () => {
      gone.abort();
      stream.destroy();
    });
    return reply.type(format === 'sse' ? 'text/event-stream' : 'application/x-ndjson').send(stream);
  });
}

interface Beginning extends Pick<EventRequest, 'from' | 'last' | 'rejected'> {
  readonly fromMs: number | undefined;
}

/** The revision to begin with. Throws `ApiError`: where that one was removed by retention, with the oldest that is held. */
async function firstWanted(
  journal: Pick<Journal, 'read'>,
  { firstRevision, revision }: Head,
  { from, last, rejected, fromMs }: Beginning,
): Promise<number> {
  if (from === undefined && last === undefined && fromMs !== undefined) {
    for await (const event of journal.read({ fromTimeMs: fromMs })) return event.revision;
    return revision + 1;
  }
  if (from === undefined) {
    const newest = last ?? (rejected ? REJECTED_RANGE_EVENTS : Infinity);
    return Math.max(1, firstRevision, revision - newest + 1);
  }
  if (last !== undefined) {
    throw new ApiError(400, { code: 'invalid', message: 'from and last are two ways to say where to begin; give one' });
  }
  // Rejected events are judged from what came before the range, which has a refusal of its own.
  if (from >= firstRevision || rejected) return from;
  const message = `event ${from} was removed by retention: the journal holds ${firstRevision} to ${revision}; begin with ${firstRevision}`;
  throw new ApiError(410, { code: 'compacted', message });
}

/**
 * A roster at some revision before `from`, from which on the journal has every event. Throws `ApiError` where there is none
 * any more, and `JournalError`.
 */
async function rosterBefore(journal: Journal, from: number, cluster: string): Promise<Roster> {
  const head = await journal.head();
  const query = { epoch: head.epoch, cluster, atOrBefore: from - 1 };
  const roster = await startingRoster(journal, head, query);
  if (roster !== null) return roster;
  const { firstRevision, revision } = head;
  const message = `what came before event ${from} is gone: the journal holds ${firstRevision} to ${revision}, and no snapshot before ${from}; choose a later one`;
  throw new ApiError(410, { code: 'compacted', message });
}

interface EventQuery extends EventRange {
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
async function* eventChunksToTheEnd(
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
  const { rejectedSince: before, isFollowing } = query;
  // The answer's head goes out with the first chunk, and the first event may be long in coming.
  if (isFollowing) yield '';
  const judge = before === null ? rememberingJudge(node) : foldingJudge(before);
  const from = before === null ? query.from : before.revision + 1;
  for await (const events of eventBatches(node.journal, { ...query, from })) {
    if (before === null && isFollowing) await folded(node, events.at(-1)?.revision ?? 0, query.signal);
    for (const event of events) {
      const rejection = judge(event);
      if (before !== null && (rejection === null || event.revision < query.from)) continue;
      if (query.filter?.(event) === false) continue;
      chunk += format(eventView(event, rejection, before !== null), query.format);
      leftCount -= 1;
      if (leftCount === 0) return yield* nonEmpty(chunk);
      if (chunk.length < CHUNK_CHARACTERS) continue;
      yield chunk;
      chunk = '';
    }
    if (!isFollowing) continue;
    yield* nonEmpty(chunk);
    chunk = '';
  }
  yield* nonEmpty(chunk);
}

/** What an event says of itself, and what this node remembers of it. */
function rememberingJudge(node: Source): (event: RecordedEvent) => Verdict {
  const { cluster } = node.roster();
  return (event) => {
    const decoded = decodeEvent(event, cluster);
    return 'reason' in decoded ? decoded : node.rejectionAt(event.revision);
  };
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
