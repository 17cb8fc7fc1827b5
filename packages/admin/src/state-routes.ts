/** Routes that only read: health of the process, status, roster, metrics, and the journal's events as a stream. */
import { Readable } from 'node:stream';
import type { Head, Journal } from '@muster/journal';
import { messageOf, nearestName } from '@muster/membership';
import { eventFilter, parseEventFilter } from '@muster/replay/event-filter';
import type { AdminApp, AdminContext } from './admin-server.ts';
import { ApiError } from './api-error.ts';
import { eventChunksToTheEnd } from './event-stream.ts';
import {
  failingNames,
  journalStanding,
  poolParts,
  REJECTED_RANGE_EVENTS,
  rosterBefore,
  rosterParts,
  statusView,
  unreadyReasons,
} from '@muster/questions';
import { jsonParts, sendInPieces } from './json-pieces.ts';
import { eventQuerySchema, poolParamsSchema, shownName, type EventRequest } from './request-checks.ts';

/** Clients that may follow events at once; a further one is answered 503. */
export const FOLLOWERS_MAX = 64;

export function addStateRoutes(app: AdminApp, context: AdminContext): void {
  const { node, traffic, metrics, observations, settings = null } = context;
  const { refusalOf = () => null, probedNames = () => [], journalDamage = () => null } = context;

  const seen = {
    roster: () => node.roster(),
    pending: () => node.pending(),
    status: () => node.status(),
    refusalOf,
  };

  app.get('/healthz', { schema: { summary: 'The process lives' } }, () => ({ status: 'ok' }));

  addReadiness(app, context);

  app.get(
    '/v1/status',
    { schema: { summary: 'The node: revision, hash, journal, other nodes, leases, listeners, workers, traffic' } },
    async (_request, reply) => {
      const status = node.status();
      await traffic.update(status.workers, node.roster());
      const shown = {
        traffic: traffic.totals(),
        failingNames: failingNames(status.workers, probedNames()),
        observations: observations?.status() ?? null,
        settings,
        journalDamage: journalDamage(),
      };
      sendInPieces(reply, jsonParts(statusView(status, shown)));
      return reply;
    },
  );

  app.get(
    '/v1/roster',
    { schema: { summary: 'Pools with their backends, listeners and nodes' } },
    (_request, reply) => {
      sendInPieces(reply, rosterParts(seen));
    },
  );

  app.get(
    '/v1/pools/:pool',
    { schema: { summary: 'One pool with its backends', params: poolParamsSchema } },
    ({ params }, reply) => {
      const parts = poolParts(seen, params.pool);
      if (parts !== null) return void sendInPieces(reply, parts);
      const { pools } = node.roster();
      const suggestion = nearestName(params.pool, pools.keys());
      const others = pools.size === 0 ? 'none exists yet' : 'muster pool list and GET /v1/roster list all';
      const hint = suggestion === null ? others : `did you mean "${suggestion}"?`;
      const message = `there is no pool ${shownName(params.pool)}; ${hint}`;
      throw new ApiError(404, { code: 'unknown-pool', message, suggestion });
    },
  );

  app.get('/metrics', { schema: { summary: 'Metrics for Prometheus' } }, async (_request, reply) => {
    sendInPieces(reply, await metrics.parts(), metrics.contentType);
    return reply;
  });

  addEventStream(app, context);
}

function addReadiness(app: AdminApp, { node, isConfigApplied = () => true }: AdminContext): void {
  app.get(
    '/readyz',
    { schema: { summary: 'The node serves, with all its workers; and how it stands to its journal' } },
    () => {
      const status = node.status();
      const isWaiting = !isConfigApplied() && status.name.state !== 'standing-back';
      const reasons = isWaiting
        ? ['the config is not applied yet', status.name.reason ?? []].flat()
        : unreadyReasons(status);
      if (reasons.length > 0) throw new ApiError(503, { code: 'not-ready', message: reasons.join('; ') });
      return { status: 'ready', journal: journalStanding(status) };
    },
  );
}

function addEventStream(app: AdminApp, { node, closing, log }: AdminContext): void {
  let followersCount = 0;
  const schema = {
    summary: 'Events as NDJSON, or as server-sent events with Accept: text/event-stream',
    querystring: eventQuerySchema,
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
