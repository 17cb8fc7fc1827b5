/** The HTTP API over real sockets. */

import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { createSpellsServer } from './server.ts';

async function startSpells(name = 'spells-1') {
  const server = createSpellsServer({ name }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: (path: string) => `http://127.0.0.1:${port}${path}`,
    post: (body: string | Uint8Array<ArrayBuffer>) =>
      fetch(`http://127.0.0.1:${port}/spells`, { method: 'POST', body }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const NOX = { id: 'nox', name: 'Nox', description: 'Puts the light out.' };

describe('reading', () => {
  test('lists the seeds, names the instance and keeps the connection', async () => {
    await using spells = await startSpells('spells-7');
    const response = await fetch(spells.url('/spells'));
    expect(response.status).toBe(200);
    expect(response.headers.get('x-backend')).toBe('spells-7');
    expect(response.headers.get('connection')).toBe('keep-alive');
    const { spells: listed } = (await response.json()) as { spells: { id: string }[] };
    expect(listed.map(({ id }) => id)).toEqual(['lumos', 'accio', 'protego']);
  });

  test.each([
    ['/spells/lumos', 200],
    ['/spells/none', 404],
    ['/spells/lumos/more', 404],
    ['/spells?sorted', 200],
    ['/healthz', 200],
    ['/', 404],
  ])('GET %s answers %i', async (path, status) => {
    await using spells = await startSpells();
    const response = await fetch(spells.url(path));
    expect(response.status).toBe(status);
    expect(response.headers.get('x-backend')).toBe('spells-1');
    await response.json();
  });

  test('HEAD answers like GET, without a body', async () => {
    await using spells = await startSpells();
    const response = await fetch(spells.url('/healthz'), { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });

  test.each([
    ['DELETE', '/spells', 'GET, HEAD, POST'],
    ['PUT', '/spells/lumos', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
  ])('%s %s answers 405 and what is allowed', async (method, path, allow) => {
    await using spells = await startSpells();
    const response = await fetch(spells.url(path), { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe(allow);
    await response.text();
  });
});

describe('writing', () => {
  test('a spell that was posted is served by this instance and missing on another', async () => {
    await using first = await startSpells('spells-1');
    await using second = await startSpells('spells-2');
    const created = await first.post(JSON.stringify(NOX));
    expect(created.status).toBe(201);
    expect(created.headers.get('location')).toBe('/spells/nox');
    expect(await created.json()).toEqual(NOX);
    expect(await (await fetch(first.url('/spells/nox'))).json()).toEqual(NOX);
    expect((await fetch(second.url('/spells/nox'))).status).toBe(404);
  });

  test('a second spell with the same id is refused', async () => {
    await using spells = await startSpells();
    const response = await spells.post(JSON.stringify({ ...NOX, id: 'lumos' }));
    expect(response.status).toBe(409);
    expect(await response.json()).toEqual({ error: 'there is a spell lumos already' });
  });

  test.each([
    ['{', /^the body is not JSON/],
    ['', /^the body is not JSON/],
    ['[]', /must be a JSON object/],
    ['null', /must be a JSON object/],
    [JSON.stringify({ ...NOX, id: 'No X' }), /^id must be/],
    [JSON.stringify({ ...NOX, name: '' }), /^name must be/],
    [JSON.stringify({ ...NOX, name: 'x'.repeat(201) }), /^name must be/],
    [JSON.stringify({ id: 'nox', name: 'Nox' }), /^description must be/],
    [JSON.stringify({ ...NOX, descripton: 'x' }), /^unknown field "descripton"/],
    [new Uint8Array([0x22, 0xff, 0x22]), /not UTF-8/],
  ])('refuses %s', async (body, message) => {
    await using spells = await startSpells();
    const response = await spells.post(body);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: string }).error).toMatch(message);
  });

  test.each([
    ['a declared', `Content-Length: 70000\r\n\r\n`],
    ['a chunked', `Transfer-Encoding: chunked\r\n\r\n${(70_000).toString(16)}\r\n${'x'.repeat(70_000)}\r\n0\r\n\r\n`],
  ])('%s body over 64 KiB answers 413 and closes', async (_kind, rest) => {
    await using spells = await startSpells();
    const socket = connect(spells.port, '127.0.0.1');
    socket.write(`POST /spells HTTP/1.1\r\nHost: spells\r\n${rest}`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 [^]*connection: close/i);
  });
});
