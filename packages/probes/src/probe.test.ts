/** Both probes against real sockets: what passes, what fails and in which words, and that nothing stays open. */

import type { Address } from '@muster/membership';
import { ANY_TARGET, systemDialler, systemResolver } from '@muster/transport';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { probeHttp } from './http.ts';
import { probeTcp } from './attempt.ts';

const dialler = systemDialler({ resolver: systemResolver(), guard: ANY_TARGET });
const EXPECTED = [{ from: 200, to: 399 }];
const TIMEOUT_MS = 5000;
const SHORT_TIMEOUT_MS = 30;

interface Listening {
  readonly target: Address;
  readonly sockets: Socket[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** Listens on a TCP port of the system's choice, or on `path`; keeps each connection for the test to look at. */
async function listen(onConnection: (socket: Socket) => void, path?: string): Promise<Listening> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => socket.destroy()));
    onConnection(socket);
  });
  server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
  await once(server, 'listening');
  const target: Address =
    path === undefined
      ? { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port }
      : { kind: 'unix', path };
  return {
    target,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A target that was there and is gone: nobody else is given its port so soon. */
async function closedTarget(): Promise<Address> {
  await using listening = await listen(() => {});
  return listening.target;
}

async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'muster-probes-'));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** Answers the first bytes of a request with `answer`, and hands over what was asked. */
function answering(answer: string, onRequest: (request: string) => void = () => {}) {
  return (socket: Socket) => {
    socket.once('data', (request) => {
      onRequest(request.toString());
      socket.end(answer, 'latin1');
    });
  };
}

const ask = (target: Address, path = '/healthz') =>
  probeHttp({ dialler, target, path, expectedStatuses: EXPECTED, timeoutMs: TIMEOUT_MS }).outcome;

/** Sockets of this process, which earlier test files may have left in it for the kernel to close. */
function openSockets(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => /^(TCP|Pipe)(Socket|Connect|Server)/.test(kind));
}

let openBeforeCount = 0;
beforeEach(() => {
  openBeforeCount = openSockets().length;
});

/** Fails unless every socket of the test is closed; a handle is released a turn of the loop after its `close`. */
afterEach(() =>
  vi.waitFor(() => {
    const open = openSockets();
    if (open.length > openBeforeCount) throw new Error(`the test left handles open: ${open.join(', ')}`);
  }),
);

/** A listener that never accepts, and whose queue of connections is full: further ones get no answer at all. */
async function listenWithFullBacklog() {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const [port] = (await once(worker, 'message')) as [number];
  // Linux queues one connection more than the backlog says.
  const queued = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  await Promise.all(
    queued.map((socket) =>
      once(
        socket.on('error', () => socket.destroy()),
        'connect',
      ),
    ),
  );
  return {
    target: { kind: 'tcp', host: '127.0.0.1', port } as const,
    async [Symbol.asyncDispose]() {
      for (const socket of queued) socket.destroy();
      await worker.terminate();
    },
  };
}

describe('TCP', () => {
  test('passes when the connection is accepted, and closes it with a reset', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<unknown>();
    await using listening = await listen((socket) => socket.once('error', resolve).resume());
    const outcome = await probeTcp({ dialler, target: listening.target, timeoutMs: TIMEOUT_MS }).outcome;
    expect(outcome).toEqual({ passed: true, durationMs: expect.any(Number) });
    expect(await closed).toMatchObject({ code: 'ECONNRESET' });
  });

  test('a closed port is refused', async () => {
    const outcome = await probeTcp({ dialler, target: await closedTarget(), timeoutMs: TIMEOUT_MS }).outcome;
    expect(outcome).toMatchObject({ passed: false, code: 'connect_refused', reason: 'connection refused' });
  });

  test('a target that does not take the connection times out', async () => {
    await using listening = await listenWithFullBacklog();
    const outcome = await probeTcp({ dialler, target: listening.target, timeoutMs: SHORT_TIMEOUT_MS }).outcome;
    expect(outcome).toMatchObject({
      passed: false,
      code: 'connect_timed_out',
      reason: `connect timed out after ${SHORT_TIMEOUT_MS} ms`,
    });
  });

  test('a name that does not exist is not found', async () => {
    const target: Address = { kind: 'tcp', host: 'no-such-host.invalid', port: 80 };
    const outcome = await probeTcp({ dialler, target, timeoutMs: TIMEOUT_MS }).outcome;
    expect(outcome).toMatchObject({ passed: false, code: 'name_not_found' });
  });

  test('a Unix socket passes while it is there, and then does not', async () => {
    await using temporary = await temporaryFolder();
    const path = join(temporary.folder, 'backend.sock');
    {
      await using listening = await listen((socket) => socket.resume(), path);
      expect(await probeTcp({ dialler, target: listening.target, timeoutMs: TIMEOUT_MS }).outcome).toMatchObject({
        passed: true,
      });
    }
    const outcome = await probeTcp({ dialler, target: { kind: 'unix', path }, timeoutMs: TIMEOUT_MS }).outcome;
    expect(outcome).toMatchObject({ passed: false, code: 'no_such_socket', reason: 'no such socket' });
  });
});

describe('HTTP', () => {
  test('asks for the path, names itself and the target', async () => {
    let asked = '';
    await using listening = await listen(answering('HTTP/1.1 200 OK\r\n\r\n', (request) => (asked = request)));
    expect(await ask(listening.target, '/healthz?full=1')).toMatchObject({ passed: true });
    const { port } = listening.target as { port: number };
    expect(asked).toBe(
      `GET /healthz?full=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: muster-probe\r\nConnection: close\r\n\r\n`,
    );
  });

  test('sends the host it is told, also to a Unix socket', async () => {
    await using temporary = await temporaryFolder();
    let asked = '';
    const onConnection = answering('HTTP/1.1 204\r\n\r\n', (request) => (asked = request));
    await using listening = await listen(onConnection, join(temporary.folder, 'backend.sock'));
    const options = { dialler, target: listening.target, path: '/', expectedStatuses: EXPECTED, timeoutMs: TIMEOUT_MS };
    expect(await probeHttp({ ...options, host: 'api.example.com' }).outcome).toMatchObject({ passed: true });
    expect(asked).toContain('\r\nHost: api.example.com\r\n');
    expect(await probeHttp(options).outcome).toMatchObject({ passed: true });
    expect(asked).toContain('\r\nHost: localhost\r\n');
  });

  test.each([
    ['HTTP/1.1 503 Service Unavailable\r\n\r\n', 'status_unexpected', 'status 503'],
    ['HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n', 'status_unexpected', 'status 404'],
    ['SSH-2.0-OpenSSH_9.9\r\n', 'not_http', 'the answer is not HTTP/1'],
    [
      `HTTP/1.1 200 ${'x'.repeat(20_000)}`,
      'bad_answer',
      'the answer is not well-formed: the head is larger than the limit',
    ],
    [
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi',
      'bad_answer',
      'the answer is not well-formed: there is more than one Content-Length',
    ],
    ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort', 'closed_early', 'connection closed within the answer'],
    ['', 'closed_early', 'connection closed before an answer'],
    ['HTTP/1.1 20', 'closed_early', 'connection closed before an answer'],
  ])('the answer %.40j fails with %s', async (answer, code, reason) => {
    await using listening = await listen(answering(answer));
    expect(await ask(listening.target)).toEqual({ passed: false, code, reason, durationMs: expect.any(Number) });
  });

  test('an answer that comes byte by byte passes', async () => {
    await using listening = await listen((socket) => {
      let sent = 0;
      const answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n';
      const sendNext = (): void => {
        if (sent < answer.length && !socket.destroyed)
          socket.write(answer.charAt(sent++), () => setImmediate(sendNext));
      };
      socket.setNoDelay(true).once('data', sendNext);
    });
    expect(await ask(listening.target)).toMatchObject({ passed: true });
  });

  test('a connection that is reset before an answer fails', async () => {
    await using listening = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await ask(listening.target)).toMatchObject({
      code: 'closed_early',
      reason: 'connection reset before an answer',
    });
  });

  test('a target that accepts and says nothing fails after the timeout', async () => {
    await using listening = await listen((socket) => socket.resume());
    const options = {
      dialler,
      target: listening.target,
      path: '/',
      expectedStatuses: EXPECTED,
      timeoutMs: SHORT_TIMEOUT_MS,
    };
    const outcome = await probeHttp(options).outcome;
    expect(outcome).toMatchObject({ code: 'no_answer', reason: `no answer in ${SHORT_TIMEOUT_MS} ms` });
  });

  test('refuses a path or host that would break the request line', () => {
    const options = {
      dialler,
      target: { kind: 'unix', path: '/none' },
      expectedStatuses: EXPECTED,
      timeoutMs: 1,
    } as const;
    expect(() => probeHttp({ ...options, path: '/a b' })).toThrow(RangeError);
    expect(() => probeHttp({ ...options, path: '/', host: 'a\r\nX: y' })).toThrow(RangeError);
  });
});

describe('abort', () => {
  test('before the connection is there', async () => {
    await using listening = await listen((socket) => socket.resume());
    const probe = probeTcp({ dialler, target: listening.target, timeoutMs: TIMEOUT_MS });
    probe.abort();
    expect(await probe.outcome).toMatchObject({ passed: false, code: 'aborted' });
  });

  test('while the answer is awaited; a second abort does nothing', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<unknown>();
    await using listening = await listen((socket) => socket.once('data', resolve));
    const probe = probeHttp({
      dialler,
      target: listening.target,
      path: '/',
      expectedStatuses: EXPECTED,
      timeoutMs: TIMEOUT_MS,
    });
    await asked;
    probe.abort();
    probe.abort();
    expect(await probe.outcome).toMatchObject({ passed: false, code: 'aborted' });
    expect(listening.sockets).toHaveLength(1);
  });

  test('after the end changes nothing', async () => {
    await using listening = await listen((socket) => socket.resume());
    const probe = probeTcp({ dialler, target: listening.target, timeoutMs: TIMEOUT_MS });
    const outcome = await probe.outcome;
    probe.abort();
    expect(await probe.outcome).toBe(outcome);
    expect(outcome).toMatchObject({ passed: true });
  });
});
