/** The live machines of this node as a stream of lines: their states, and with `follow` what happens to them. */
import { Readable } from 'node:stream';
import { MACHINE_KINDS, type InspectionLine, type InspectionQuery, type NodeHandle } from '@muster/actors';
import { inspectionQuery, inspectionShape } from '@muster/questions/inspection';
import * as shapes from '@muster/questions/shapes';
import type { z } from 'zod';
import type { AdminApp, AdminContext } from './admin-server.ts';
import { ApiError } from './api-error.ts';

/** Who may look at once: each makes every event of the actors that are looked at dearer. A further one is answered 503. */
export const INSPECTORS_MAX = 8;

export function addInspectRoutes(app: AdminApp, { node, closing, log }: AdminContext): void {
  let inspectorsCount = 0;
  const line: z.ZodType = inspectionShape(shapes, MACHINE_KINDS);
  const schema = {
    summary: 'Live machines and their transitions, as NDJSON',
    querystring: inspectionQuery(shapes, MACHINE_KINDS),
    response: { ...shapes.answers(shapes.text), 200: { content: { 'application/x-ndjson': { schema: line } } } },
  };
  app.get('/v1/inspect', { schema, exposeHeadRoute: false }, (request, reply) => {
    if (inspectorsCount >= INSPECTORS_MAX) {
      const message = `${INSPECTORS_MAX} clients inspect this node already; end one of them or try again later`;
      throw new ApiError(503, { code: 'too-many-inspectors', message });
    }
    const { kind = null, id = null, follow: isFollowing } = request.query;
    const gone = new AbortController();
    const lines = inspectionChunks(
      node,
      { kind, id },
      { isFollowing, signal: AbortSignal.any([closing, gone.signal]) },
    );
    const stream = Readable.from(lines, { objectMode: true, highWaterMark: 1 });
    inspectorsCount += 1;
    stream.once('close', () => (inspectorsCount -= 1));
    stream.on('error', (err) => log.warn({ err }, 'an inspection ended early'));
    reply.raw.once('close', () => {
      gone.abort();
      stream.destroy();
    });
    return reply.type('application/x-ndjson').send(stream);
  });
}

interface Looking {
  readonly isFollowing: boolean;
  readonly signal: AbortSignal;
}

async function* inspectionChunks(
  node: Pick<NodeHandle, 'inspect'>,
  query: InspectionQuery,
  { isFollowing, signal }: Looking,
): AsyncGenerator<string, void> {
  const ending = new AbortController();
  for await (const lines of node.inspect(query, AbortSignal.any([signal, ending.signal]))) {
    if (lines.length > 0) yield lines.map(lineText).join('');
    if (!isFollowing && lines.some(({ type }) => type === 'following')) ending.abort();
  }
}

function lineText(line: InspectionLine): string {
  return `${JSON.stringify(line)}\n`;
}
