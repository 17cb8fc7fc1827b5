/** Routes that carry a person's word on the journal's history: take the present one, restore the served one in it, store a snapshot. */
import type { NodeHandle } from '@muster/actors';
import { restoringEvent } from '@muster/membership';
import { z } from 'zod';
import type { AdminApp, AdminContext } from './admin-server.ts';
import type { Adopted, MissingView, SnapshotSaved } from '@muster/questions/answers';
import { ApiError } from './api-error.ts';
import { originOf } from './request-checks.ts';

type AdoptAnswer = Awaited<ReturnType<NodeHandle['adoptEpoch']>>;

const restoreSchema = z.strictObject({
  dryRun: z.boolean().default(false).describe('only say what would be written'),
});

export function addHistoryRoutes(app: AdminApp, { node, log }: AdminContext): void {
  app.post(
    '/v1/adopt-epoch',
    { schema: { summary: "Take the journal's present history in place of the one that is served" } },
    async ({ headers, ip }) => {
      const origin = originOf(headers['muster-origin'], ip);
      const outcome = await node.adoptEpoch(origin);
      log.warn({ origin, ...outcome }, `${origin} asked to adopt the journal's present history: ${outcome.outcome}`);
      return adoptedOrThrow(outcome);
    },
  );

  app.post(
    '/v1/restore-history',
    {
      schema: {
        summary: "Write what is served into the journal's present history, and adopt that",
        body: restoreSchema,
      },
    },
    async ({ body, headers, ip }) => {
      if (body.dryRun) return missingView(node);
      const origin = originOf(headers['muster-origin'], ip);
      const outcome = await node.restoreHistory(origin);
      log.warn({ origin, ...outcome }, `${origin} asked to restore what is served: ${outcome.outcome}`);
      return adoptedOrThrow(outcome);
    },
  );

  app.post(
    '/v1/snapshot',
    { schema: { summary: 'Store a snapshot of what is served, in the journal and on this machine' } },
    async ({ headers, ip }): Promise<SnapshotSaved> => {
      const origin = originOf(headers['muster-origin'], ip);
      const outcome = await node.saveSnapshot();
      log.info({ origin, ...outcome }, `${origin} asked for a snapshot: ${outcome.outcome}`);
      if (outcome.outcome === 'saved') return outcome;
      throw new ApiError(503, { code: 'unavailable', message: outcome.message });
    },
  );
}

async function missingView(node: NodeHandle): Promise<MissingView> {
  const missing = await node.missingHistory();
  if (missing.outcome !== 'shown') throw notAdopted(missing);
  const { cluster } = node.roster();
  return { outcome: 'shown', epoch: missing.epoch, events: missing.steps.map((step) => restoringEvent(cluster, step)) };
}

function adoptedOrThrow(outcome: AdoptAnswer): Adopted {
  if (outcome.outcome === 'adopted') return outcome;
  throw notAdopted(outcome);
}

function notAdopted({ outcome, message }: { readonly outcome: 'refused' | 'unavailable'; readonly message: string }) {
  return outcome === 'refused'
    ? new ApiError(409, { code: 'not-adopted', message })
    : new ApiError(503, { code: 'unavailable', message });
}
