/**
 * The HTTP API of one spells instance.
 *
 *     GET  /spells       200  { "spells": [Spell, …] }
 *     POST /spells       201  Spell · 400 · 409 · 413 · 507
 *     GET  /spells/:id   200  Spell · 404
 *     GET  /healthz      200  { "status": "ok" }
 *
 * Every answer names its instance in `X-Backend`; every error is `{ "error": "<sentence>" }`. There is no persistence, no
 * authentication and no TLS: this is something to balance, not a product.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { BODY_BYTES_MAX, readBody } from './read-body.ts';
import { parseSpell } from './spell.ts';
import { SPELLS_MAX, Spellbook } from './spellbook.ts';

export interface SpellsServerOptions {
  /** What `X-Backend` says, e.g. `spells-1`. */
  readonly name: string;
}

/** What a request is answered with; writing it to the socket is left to one place. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes a server that does not listen yet, with a spellbook of its own. */
export function createSpellsServer({ name }: SpellsServerOptions): Server {
  const spellbook = new Spellbook();
  const server = createServer((request, response) => {
    answer(request, spellbook).then(
      (found) => send(request, response.setHeader('X-Backend', name), found),
      // Only reading the body can fail, and then the client is gone: nobody is left to be told.
      () => response.destroy(),
    );
  });
  return server;
}

async function answer(request: IncomingMessage, spellbook: Spellbook): Promise<Answer> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const method = request.method === 'HEAD' ? 'GET' : request.method;

  if (path === '/spells') {
    if (method === 'GET') return { status: 200, body: { spells: spellbook.list() } };
    if (method === 'POST') return await addSpell(request, spellbook);
    return methodNotAllowed('GET, HEAD, POST');
  }
  if (path === '/healthz') {
    return method === 'GET' ? { status: 200, body: { status: 'ok' } } : methodNotAllowed('GET, HEAD');
  }
  const id = /^\/spells\/([^/]+)$/.exec(path)?.[1];
  if (id === undefined) return failed(404, `there is nothing at ${path}; try /spells`);
  if (method !== 'GET') return methodNotAllowed('GET, HEAD');
  const spell = spellbook.get(id);
  return spell === undefined ? failed(404, `this instance has no spell ${id}`) : { status: 200, body: spell };
}

async function addSpell(request: IncomingMessage, spellbook: Spellbook): Promise<Answer> {
  const body = await readBody(request);
  if (!body.ok) {
    // The unread rest of a body would be taken for the next request, so the connection ends with this answer.
    return body.reason === 'too_large'
      ? { ...failed(413, `the body is longer than ${BODY_BYTES_MAX} bytes`), headers: { Connection: 'close' } }
      : failed(400, 'the body is not UTF-8');
  }
  const json = parseJson(body.text);
  if (!json.ok) return failed(400, `the body is not JSON: ${json.message}`);
  const parsed = parseSpell(json.value);
  if (!parsed.ok) return failed(400, parsed.message);

  const { spell } = parsed;
  const added = spellbook.add(spell);
  if (added.ok) return { status: 201, body: spell, headers: { Location: `/spells/${spell.id}` } };
  switch (added.reason) {
    case 'duplicate':
      return failed(409, `there is a spell ${spell.id} already`);
    case 'full':
      return failed(507, `this instance holds ${SPELLS_MAX} spells, and that is its limit`);
  }
}

function parseJson(text: string): { ok: true; value: unknown } | { ok: false; message: string } {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

function failed(status: number, error: string): Answer {
  return { status, body: { error } };
}

function methodNotAllowed(allow: string): Answer {
  return { ...failed(405, `the methods here are ${allow}`), headers: { Allow: allow } };
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Answer): void {
  const payload = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': payload.length,
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : payload);
}
