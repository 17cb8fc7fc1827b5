/** Real clients through a real node: curl, undici, fetch, Node's own http client, and one that pipelines by hand. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf, LARGE, serveDemo } from '../harness/http/http-demo-server.ts';
import { startHttpScene, type HttpScene } from '../harness/http/http-scene.ts';
import { eventually } from '../harness/processes/process.ts';

let scene: HttpScene;
beforeAll(async () => {
  scene = await startHttpScene(serveDemo);
});
afterAll(() => scene[Symbol.asyncDispose]());

const hasCurl = spawnSync('curl', ['--version']).error === undefined;
if (!hasCurl) process.stderr.write('skipped: there is no curl; apt-get install curl\n');

async function curl(args: readonly string[], input?: Uint8Array): Promise<{ out: Buffer; log: string }> {
  const child = spawn('curl', ['--silent', '--show-error', '--max-time', '20', ...args]);
  child.stdin.end(input);
  const [out, log] = await Promise.all([buffer(child.stdout), text(child.stderr)]);
  const code = child.exitCode ?? ((await once(child, 'close'))[0] as number | null);
  if (code !== 0) throw new Error(`curl ended with ${code}: ${log}`);
  return { out, log };
}

describe.skipIf(!hasCurl)('curl', () => {
  test('HTTP/1.1, twice over one connection', async () => {
    const url = `${scene.url}/hello`;
    const { out } = await curl(['--http1.1', '-w', '%{http_code} %{http_version} %{num_connects}\n', url, url]);
    expect(out.toString()).toBe('hello\n200 1.1 1\nhello\n200 1.1 0\n');
  });

  test('HTTP/1.0: a chunked answer becomes one that ends with the connection', async () => {
    const { out, log } = await curl(['--http1.0', '--verbose', '--data', 'a spell', `${scene.url}/echo`]);
    expect(out.toString()).toBe('a spell');
    expect(log).toContain('Connection: close');
    expect(log).not.toMatch(/^< transfer-encoding/im);
  });

  test('an upload of unknown length is chunked on both sides', async () => {
    const { out, log } = await curl(['--verbose', '--upload-file', '-', `${scene.url}/digest`], LARGE);
    expect(JSON.parse(out.toString())).toEqual(digestOf(LARGE));
    expect(log).toMatch(/^> transfer-encoding: chunked/im);
  });

  test('a large POST asks first (Expect: 100-continue) and is told to go on', async () => {
    const args = ['--verbose', '-H', 'Expect: 100-continue', '--expect100-timeout', '15', '--data-binary', '@-'];
    const { out, log } = await curl([...args, `${scene.url}/digest`], LARGE);
    expect(JSON.parse(out.toString())).toEqual(digestOf(LARGE));
    expect(log).toContain('< HTTP/1.1 100 Continue');
  });

  test('HEAD, 204, a redirect, a compressed answer, and a target in absolute form', async () => {
    const head = await curl(['--head', `${scene.url}/large`]);
    expect(head.out.toString()).toMatch(new RegExp(`^content-length: ${LARGE.length}`, 'im'));
    const codes = await curl(['-w', '%{http_code} %{size_download}', `${scene.url}/empty`]);
    expect(codes.out.toString()).toBe('204 0');
    expect((await curl(['--location', `${scene.url}/redirect`])).out.toString()).toBe('hello\n');
    expect((await curl(['--compressed', `${scene.url}/gzip`])).out.toString()).toBe('hello\n');
    const asProxy = await curl(['--proxy', scene.url, 'http://spells.test/seen?a=1']);
    expect(JSON.parse(asProxy.out.toString())).toMatchObject({ url: '/seen?a=1', headers: { host: 'spells.test' } });
  });

  test('an offer to switch to HTTP/2 is not taken up, and the answer comes', async () => {
    expect((await curl(['--http2', `${scene.url}/hello`])).out.toString()).toBe('hello\n');
  });
});

describe('undici', () => {
  test('a pool of two kept-alive connections', async () => {
    await using pool = disposablePool({ connections: 2 });
    const bodies = Array.from({ length: 40 }, async () => {
      const { statusCode, body } = await pool.request({ path: '/hello', method: 'GET' });
      return `${statusCode} ${await body.text()}`;
    });
    expect(new Set(await Promise.all(bodies))).toEqual(new Set(['200 hello\n']));
  });

  test('four requests in a pipeline are answered in their order', async () => {
    await using pool = disposablePool({ connections: 1, pipelining: 4 });
    const order: string[] = [];
    const paths = ['/wait/120', '/wait/5', '/wait/60', '/wait/1', '/wait/30', '/wait/2'];
    const asked = paths.map(async (path) => {
      const { body } = await pool.request({ path, method: 'GET' });
      order.push(await body.text());
    });
    await Promise.all(asked);
    expect(order).toEqual(paths);
  });

  test('bodies stream both ways: each piece comes back before the next one is sent', async () => {
    await using pool = disposablePool({ connections: 1 });
    const sent = new PassThrough();
    sent.write('piece 0');
    const { body } = await pool.request({ path: '/echo', method: 'POST', body: sent });
    let received = '';
    body.setEncoding('utf8').on('data', (piece: string) => (received += piece));
    for (let piece = 1; piece <= 5; piece++) {
      await eventually(`piece ${piece - 1} is back`, () => received.endsWith(`piece ${piece - 1}`));
      sent.write(`piece ${piece}`);
    }
    sent.end();
    await once(body, 'end');
    expect(received).toBe('piece 0piece 1piece 2piece 3piece 4piece 5');
  });

  test('who leaves in the middle of an answer is noticed by the backend', async () => {
    await using pool = disposablePool({ connections: 1 });
    const arriving = nextRequest();
    const leaving = new AbortController();
    const { body } = await pool.request({ path: '/endless', method: 'GET', signal: leaving.signal });
    const [, response] = await arriving;
    const left = once(response, 'close');
    body.on('error', () => undefined);
    leaving.abort();
    await left;
    expect(response.writableFinished).toBe(false);
  });

  test('who leaves in the middle of an upload is noticed by the backend', async () => {
    await using pool = disposablePool({ connections: 1 });
    const arriving = nextRequest();
    const leaving = new AbortController();
    const upload = { path: '/digest', method: 'POST', body: Readable.from(pieces()), signal: leaving.signal } as const;
    const outcome = pool.request(upload).then(
      () => 'answered',
      (error: Error) => error.message,
    );
    const [incoming] = await arriving;
    const cut = new Promise((resolve) => incoming.on('close', resolve));
    leaving.abort();
    await cut;
    expect(await outcome).toContain('aborted');
    expect(incoming.complete).toBe(false);
  });
});

describe('fetch', () => {
  test('a large answer, a streamed upload, a redirect, a compressed answer', async () => {
    expect(digestOf(await (await fetch(`${scene.url}/large`)).bytes())).toEqual(digestOf(LARGE));
    const body = ReadableStream.from([LARGE.subarray(0, 1_000_000), LARGE.subarray(1_000_000)]);
    const posted = await fetch(`${scene.url}/digest`, { method: 'POST', body, duplex: 'half' });
    expect(await posted.json()).toEqual(digestOf(LARGE));
    const redirected = await fetch(`${scene.url}/redirect`);
    expect([redirected.url, await redirected.text()]).toEqual([`${scene.url}/hello`, 'hello\n']);
    expect(await (await fetch(`${scene.url}/gzip`)).text()).toBe('hello\n');
  });

  test('a backend is told who asked, and the client which way its answer came', async () => {
    const answer = await fetch(`${scene.url}/seen?q=%20`, {
      headers: { 'X-Request-Id': 'mine-1', 'X-Forwarded-For': '1.2.3.4' },
    });
    const { url, headers } = (await answer.json()) as { url: string; headers: Record<string, string> };
    expect(url).toBe('/seen?q=%20');
    expect(headers).toMatchObject({
      host: `127.0.0.1:${scene.address.port}`,
      via: expect.stringMatching(/^1\.1 muster-[0-9a-f]{16}$/),
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-request-id': 'mine-1',
    });
    expect(answer.headers.get('via')).toBe('1.1 muster');
    expect(answer.headers.get('x-request-id')).toBe('mine-1');
    expect(answer.headers.has('muster-reason')).toBe(false);
  });
});

describe("Node's own client", () => {
  test('an agent that keeps one connection alive', async () => {
    using agent = disposableAgent();
    for (let index = 0; index < 20; index++) {
      const { outgoing, body } = await send({ agent, path: '/hello' });
      expect(body).toBe('hello\n');
      expect(outgoing.reusedSocket).toBe(index > 0);
    }
  });

  test('early hints come before the answer, trailers behind it', async () => {
    using agent = disposableAgent();
    const { hints } = await send({ agent, path: '/hints' });
    expect(hints).toEqual(['103 </style.css>; rel=preload; as=style']);
    const { body, incoming } = await send({ agent, path: '/trailers' });
    expect([body, incoming.trailers]).toEqual(['hello\n', { 'x-sum': '42' }]);
  });
});

test('requests that are sent in one write are answered in their order, the last one with the end', async () => {
  const socket = connect(scene.address);
  const post = 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nspell';
  const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
  socket.write([get('/wait/50'), get('/hello'), post, get('/wait/1'), get('/hello', 'Connection: close\r\n')].join(''));
  const received = await text(socket);
  const answers = received.split(/(?=HTTP\/1\.1 )/);
  expect(answers.map((answer) => answer.slice(9, 12))).toEqual(['200', '200', '200', '200', '200']);
  expect(
    answers.map((answer) => /\/wait\/\d+|hello|spell/.exec(answer.slice(answer.indexOf('\r\n\r\n')))?.[0]),
  ).toEqual(['/wait/50', 'hello', 'spell', '/wait/1', 'hello']);
  expect(answers.map((answer) => /^connection: close/im.test(answer))).toEqual([false, false, false, false, true]);
});

function disposablePool(options: Pool.Options): Pool & AsyncDisposable {
  const pool = new Pool(scene.url, options);
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.destroy() });
}

function disposableAgent(): Agent & Disposable {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() });
}

interface Sent {
  readonly outgoing: ClientRequest;
  readonly incoming: IncomingMessage;
  readonly body: string;
  /** Interim answers: status and link. */
  readonly hints: readonly string[];
}

async function send({ agent, path }: { agent: Agent; path: string }): Promise<Sent> {
  const outgoing = request({ ...scene.address, agent, path });
  const hints: string[] = [];
  outgoing.on('information', ({ statusCode, headers }) => hints.push(`${statusCode} ${String(headers['link'])}`));
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { outgoing, incoming, body: await text(incoming), hints };
}

/** The next one to arrive at the backend. */
function nextRequest(): Promise<[IncomingMessage, ServerResponse]> {
  const { server } = scene.backend;
  return new Promise((resolve) => {
    server.prependOnceListener('request', (incoming, response) => resolve([incoming, response]));
  });
}

async function* pieces(): AsyncGenerator<Buffer> {
  for (;;) {
    yield LARGE.subarray(0, 10_000);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
