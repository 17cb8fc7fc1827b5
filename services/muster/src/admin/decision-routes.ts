/** What was decided about the newest requests, asked of all workers at once. */
import type { AdminApp, AdminContext } from './admin-server.ts';
import { ApiError } from './api-error.ts';
import { decisionQuerySchema } from './request-checks.ts';

const DECISIONS_DEFAULT = 20;

export function addDecisionRoutes(app: AdminApp, { decisions }: AdminContext): void {
  const schema = { summary: 'The newest decisions of all workers', querystring: decisionQuerySchema };
  app.get('/v1/decisions', { schema }, async ({ query }) => {
    const { requestId = null, limit = DECISIONS_DEFAULT, candidates: withCandidates } = query;
    const answer = await decisions({ requestId, limit, withCandidates });
    if (answer.outcome === 'found') return { decisions: answer.decisions, silentWorkers: answer.silentWorkers };
    const message = 'sixteen questions about decisions are open already; try again in a second';
    throw new ApiError(503, { code: 'too-many-questions', message });
  });
}
