/**
 * Routes that answer questions about the past.
 *
 * A question costs up to seconds of work and some ten MB of memory, in the process that also watches leases and feeds workers.
 * It works in turns, `QUESTIONS_MAX` of them at a time; a further one is told to try again, and waits nowhere.
 */
import { Readable } from 'node:stream';
import { messageOf } from '@muster/membership';
import type { FastifyReply } from 'fastify';
import type { AdminApp, AdminContext } from './admin-server.ts';
import { ApiError } from './api-error.ts';
import { jsonParts, sendInPieces } from './json-pieces.ts';
import {
  backendQuerySchema,
  diffQuerySchema,
  type ExplainedHere,
  exportQuerySchema,
  NodePast,
  refusalOfTarget,
  requestLineSchema,
  requestQuerySchema,
  stateQuerySchema,
  whatIfQuerySchema,
} from '@muster/questions';
import type { BackendExplanation } from '@muster/replay';

/** Questions about the past that are answered at once; a further one is answered 503. */
export const QUESTIONS_MAX = 3;
const INCIDENT_TYPE = 'application/vnd.muster.incident+gzip';

export function addPastRoutes(app: AdminApp, context: AdminContext): void {
  const past = new NodePast(context);
  const questions = new Questions();
  context.closing.addEventListener('abort', () => past.forget());

  app.get(
    '/v1/replay',
    { schema: { summary: 'Pools, backends and listeners as they were', querystring: stateQuerySchema } },
    ({ query }, reply) => questions.answer(reply, async () => (await past.get()).state(query)),
  );
  app.get(
    '/v1/diff',
    { schema: { summary: 'What changed between two moments, and by which events', querystring: diffQuerySchema } },
    ({ query }, reply) => questions.answer(reply, async () => (await past.get()).diff(query)),
  );
  app.get(
    '/v1/explain/backend',
    {
      schema: { summary: 'Why a backend took traffic or did not, and by which event', querystring: backendQuerySchema },
    },
    ({ query }, reply) =>
      questions.answer(reply, async () => withRefusal(await (await past.get()).backend(query), context)),
  );
  app.get(
    '/v1/explain/request',
    { schema: { summary: 'A request explained: its picks made again', querystring: requestQuerySchema } },
    ({ query }, reply) => questions.answer(reply, async () => (await past.get()).request(query)),
  );
  app.post(
    '/v1/explain/request',
    { schema: { summary: 'The same, from a line of the access log', body: requestLineSchema } },
    ({ body }, reply) => questions.answer(reply, async () => (await past.get()).request(body)),
  );
  app.get(
    '/v1/whatif',
    { schema: { summary: 'What other settings would have made of what was recorded', querystring: whatIfQuerySchema } },
    ({ query }, reply) => questions.answer(reply, async () => (await past.get()).whatIf(query)),
  );
  addExport(app, context, { past, questions });
}

/** What keeps traffic from it beside the log: this node's own word about its target, as it is now. */
function withRefusal(explanation: BackendExplanation, { node, refusalOf }: AdminContext): ExplainedHere {
  const isOwn = explanation.isMember && explanation.node === node.status().node;
  return { ...explanation, refusal: isOwn && refusalOf ? refusalOfTarget(explanation.target, refusalOf) : null };
}

function addExport(
  app: AdminApp,
  { log, closing }: AdminContext,
  { past, questions }: { readonly past: NodePast; readonly questions: Questions },
): void {
  const schema = { summary: 'A span of history as an incident file, without secrets', querystring: exportQuerySchema };
  app.get('/v1/export', { schema, exposeHeadRoute: false }, async (request, reply) => {
    const leave = questions.enter();
    let stream: Readable;
    try {
      const { endingInWords } = await import('@muster/replay');
      const bytes = await (await past.get()).export(request.query);
      const noteBreak = (err: unknown): void => log.warn({ err }, `an export broke off: ${messageOf(err)}`);
      stream = Readable.from(endingInWords(bytes, noteBreak), { objectMode: true, highWaterMark: 1 });
    } catch (error) {
      leave();
      throw error;
    }
    stream.once('close', leave);
    stream.on('error', (err) => log.warn({ err }, 'an export ended early'));
    const end = (): void => void stream.destroy();
    closing.addEventListener('abort', end, { once: true });
    reply.raw.once('close', () => {
      closing.removeEventListener('abort', end);
      end();
    });
    return reply.type(INCIDENT_TYPE).send(stream);
  });
}

/** So many at a time, and no more. */
class Questions {
  #count = 0;

  /** Answers in pieces, and has room for another question once the answer is sent or its client gone. */
  async answer(reply: FastifyReply, ask: () => Promise<object>): Promise<FastifyReply> {
    const leave = this.enter();
    try {
      sendInPieces(reply, jsonParts(await ask())).once('close', leave);
      return reply;
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** Throws `ApiError` where there are enough already. What it returns is to be called once, when the question is answered. */
  enter(): () => void {
    if (this.#count >= QUESTIONS_MAX) {
      const message = `${QUESTIONS_MAX} questions about the past are being answered already; try again in a moment`;
      throw new ApiError(503, { code: 'too-many-questions', message });
    }
    this.#count += 1;
    let hasLeft = false;
    return () => {
      if (!hasLeft) this.#count -= 1;
      hasLeft = true;
    };
  }
}
