/** Routes that only read: health of the process, status, roster, metrics, and the journal's events as a stream. */
import { nearestName } from '@muster/membership';
import type { AdminApp, AdminContext } from './admin-server.ts';
import { ApiError } from './api-error.ts';
import { addEventRoute } from './event-stream.ts';
import { failingNames } from '@muster/questions/failing-names';
import { poolParts, poolShape, rosterParts, rosterShape } from '@muster/questions/roster';
import { journalStanding, statusView, unreadyReasons } from '@muster/questions/status';
import { jsonParts, sendInPieces } from './json-pieces.ts';
import { poolParamsSchema, shownName } from './request-checks.ts';
import * as shapes from '@muster/questions/shapes';

export function addStateRoutes(app: AdminApp, context: AdminContext): void {
  const { node, traffic, metrics, observations, settings = null } = context;
  const { probedNames = () => [], journalDamage = () => null } = context;

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

  addRosterRoutes(app, context);

  app.get('/metrics', { schema: { summary: 'Metrics for Prometheus' } }, async (_request, reply) => {
    sendInPieces(reply, await metrics.parts(), metrics.contentType);
    return reply;
  });

  addEventRoute(app, context);
}

function addRosterRoutes(app: AdminApp, { node, refusalOf = () => null }: AdminContext): void {
  const seen = {
    roster: () => node.roster(),
    pending: () => node.pending(),
    status: () => node.status(),
    refusalOf,
  };

  app.get(
    '/v1/roster',
    {
      schema: {
        summary: 'Pools with their backends, listeners and nodes',
        response: shapes.answers(rosterShape(shapes)),
      },
    },
    (_request, reply) => {
      sendInPieces(reply, rosterParts(seen));
    },
  );

  app.get(
    '/v1/pools/:pool',
    {
      schema: {
        summary: 'One pool with its backends',
        params: poolParamsSchema,
        response: shapes.answers(poolShape(shapes)),
      },
    },
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
