/** What was decided about the newest requests, asked of all workers at once, and the order to keep what they decide from now on. */
import { decisionsQuery, decisionsShape, recordingShape } from '@muster/questions/decisions';
import * as shapes from '@muster/questions/shapes';
import type { AdminApp, AdminContext } from './admin-server.ts';
import { ApiError } from './api-error.ts';
import { originOf, recordingSchema } from './request-checks.ts';

const DECISIONS_DEFAULT = 20;

export function addDecisionRoutes(app: AdminApp, { decisions, recording, log }: AdminContext): void {
  const schema = {
    summary: 'The newest decisions of all workers',
    querystring: decisionsQuery(shapes),
    response: shapes.answers(decisionsShape(shapes)),
  };
  const response = shapes.answers(recordingShape(shapes));
  app.get('/v1/decisions', { schema }, async ({ query }) => {
    const { requestId = null, limit = DECISIONS_DEFAULT, candidates: withCandidates } = query;
    const answer = await decisions({ requestId, limit, withCandidates });
    if (answer.outcome === 'found') return { decisions: answer.decisions, silentWorkers: answer.silentWorkers };
    const message = 'sixteen questions about decisions are open already; try again in a second';
    throw new ApiError(503, { code: 'too-many-questions', message });
  });

  app.get(
    '/v1/decisions/recording',
    { schema: { summary: 'Whether decisions are recorded, and how many were', response } },
    () => recording.status(),
  );

  app.post(
    '/v1/decisions/recording',
    {
      schema: {
        summary: "Keep every decision for a while, with the node's observations",
        body: recordingSchema,
        response,
      },
    },
    ({ body: { seconds }, headers, ip }) => {
      const origin = originOf(headers['muster-origin'], ip);
      const answer = recording.record(seconds);
      if (answer.outcome === 'no-observations') {
        const message =
          'this node keeps no observations, where decisions are recorded; set enabled = true under [observations] and start it again';
        throw new ApiError(409, { code: 'no-observations', message });
      }
      const what = seconds === 0 ? 'not to record decisions any more' : `to record decisions for ${seconds} s`;
      log.info({ origin, seconds }, `${origin} asked ${what}`);
      return answer.recording;
    },
  );
}
