/**
 * Routes that answer questions about the past: each question is asked under the path that it names, in the words that it takes.
 *
 * A question costs up to seconds of work and some ten MB of memory, in the process that also watches leases and feeds workers.
 * It works in turns, `QUESTIONS_MAX` of them at a time; a further one is told to try again, and waits nowhere.
 */
import { Readable } from 'node:stream';
import { messageOf } from '@muster/membership';
import { exportIncident, exportQuestion, QUESTIONS } from '@muster/questions';
import { NodePast } from '@muster/questions/node-past';
import { refusalOfTarget } from '@muster/questions/roster';
import * as shapes from '@muster/questions/shapes';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type { AdminApp, AdminContext } from './admin-server.ts';
import { ApiError } from './api-error.ts';
import { jsonParts, sendInPieces } from './json-pieces.ts';

/** Questions about the past that are answered at once; a further one is answered 503. */
export const QUESTIONS_MAX = 3;
const INCIDENT_TYPE = 'application/vnd.muster.incident+gzip';

export function addQuestionRoutes(app: AdminApp, context: AdminContext): void {
  const { refusalOf = () => null, node, observations, decisions } = context;
  const past = new NodePast({
    node,
    observations,
    decisions,
    refusalOfTarget: (target) => refusalOfTarget(target, refusalOf),
  });
  const questions = new Questions();
  context.closing.addEventListener('abort', () => past.forget());
  for (const question of QUESTIONS) {
    const { path, summary } = question;
    const answer = async (reply: FastifyReply, query: object): Promise<FastifyReply> =>
      questions.answer(reply, async () => question.answer(await past.get(), query));
    const schema = { summary, response: shapes.answers(question.shape(shapes)) };
    app.get(path, { schema: { ...schema, querystring: question.query(shapes) } }, ({ query }, reply) =>
      answer(reply, query),
    );
    const body = question.body?.(shapes);
    if (body === undefined) continue;
    const long = { ...schema, summary: `The same, from a line of the access log`, body };
    app.post(path, { schema: long }, (request, reply) => answer(reply, request.body));
  }
  addExport(app, context, { past, questions });
}

function addExport(
  app: AdminApp,
  { log, closing }: AdminContext,
  { past, questions }: { readonly past: NodePast; readonly questions: Questions },
): void {
  const { path, summary, query: querystring } = exportQuestion;
  const bytes: z.ZodType = shapes.text.meta({ format: 'binary', description: 'gzip of JSON, one object a line' });
  const schema = {
    summary,
    querystring: querystring(shapes),
    response: { ...shapes.answers(shapes.text), 200: { content: { [INCIDENT_TYPE]: { schema: bytes } } } },
  };
  app.get(path, { schema, exposeHeadRoute: false }, async (request, reply) => {
    const leave = questions.enter();
    let stream: Readable;
    try {
      const { endingInWords } = await import('@muster/replay');
      const bytes = await exportIncident(await past.get(), request.query);
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
