/**
 * Targets with a host name, on real sockets and with a name server of the test's own: a silent name holds up nobody else, a silent
 * address costs its head start once, and connections follow a name to its new address.
 */
import { rawTransport, socketTransport, systemResolver, type NameResolver } from '@muster/transport';
import { DnsServer, type DnsAnswer, type DnsQuestion } from '@muster/transport/testing';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../testing/proxy-harness.ts';
import { ask, bodyOf, client, get, ok, statusOf, until } from '../testing/http/scripted.ts';

/** Everything in 127.0.0.0/8 is this host. */
const [FIRST, SECOND] = ['127.0.0.1', '127.0.0.2'] as const;

const only =
  (address: string) =>
  ({ type }: DnsQuestion) => ({ addresses: type === 'A' ? [address] : [], ttlS: 1 });

interface Answering extends AsyncDisposable {
  readonly port: number;
  readonly sockets: readonly Socket[];
}

/** Answers every request on `host` with its own address, once `mayAnswer` has come. */
async function answering(host: string, port = 0, mayAnswer: Promise<void> = Promise.resolve()): Promise<Answering> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => socket.destroy()));
    socket.on('data', () => void mayAnswer.then(() => socket.write(ok(host))));
  }).listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Two servers on the same port of two addresses. */
async function onBoth(mayFirstAnswer?: Promise<void>): Promise<[Answering, Answering]> {
  for (;;) {
    const first = await answering(FIRST, 0, mayFirstAnswer);
    try {
      return [first, await answering(SECOND, first.port)];
    } catch {
      // Somebody else has the port there.
      await first[Symbol.asyncDispose]();
    }
  }
}

/** A listener that never accepts, and whose queue is full: to further dials the address is silent. */
async function silentOn(host: string, port: number): Promise<AsyncDisposable> {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const server = require('node:net').createServer().listen({ ...workerData, backlog: 1 }, () => {
       parentPort.postMessage('listening');
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true, workerData: { host, port } },
  );
  await once(worker, 'message');
  // Linux queues one connection more than the backlog says.
  const queued = [connect(port, host), connect(port, host)];
  await Promise.all(queued.map((socket) => once(socket, 'connect')));
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of queued) socket.on('error', () => undefined).destroy();
      await worker.terminate();
    },
  };
}

const resolverOf = (dns: DnsServer) =>
  systemResolver({ servers: [dns.address], search: [], timeoutMs: 10_000, tries: 1 });

/** A proxy whose names `dns` answers for. */
function proxyWith(dns: DnsServer, options: ConstructorParameters<typeof ProxyHarness>[0] = {}): ProxyHarness {
  return new ProxyHarness({ resolver: resolverOf(dns), ...options });
}

function leadsTo(resolver: NameResolver, address: string): boolean {
  const known = resolver.known('moving.test');
  return known?.ok === true && known.addresses.includes(address);
}

test('a name whose server is silent costs its own pool, and nobody else', async () => {
  await using backend = await answering(FIRST);
  await using dns = await DnsServer.start((question): DnsAnswer =>
    question.name.startsWith('silent') ? 'silent' : only(FIRST)(question),
  );
  await using harness = proxyWith(dns);
  harness.pool();
  harness.register('a', `quick.test:${backend.port}`);
  const names = Array.from({ length: 20 }, (_, index) => `silent-${index}.test`);
  harness.publish('pool.silent', { type: 'PoolDefined' });
  for (const [index, name] of names.entries()) {
    const target = `${name}:${backend.port}`;
    harness.publish(`backend.silent.b-${index}`, { type: 'BackendRegistered', target, weight: 1 });
  }
  const silentPort = await harness.listen({ id: 'silent', protocol: 'http', pool: 'silent' });
  const port = await harness.listen({ protocol: 'http' });
  const waiting = names.map(() => client(silentPort));
  for (const one of waiting) one.write(get());
  await until(() => new Set(dns.asked.map(({ name }) => name)).size >= names.length);
  expect(bodyOf(await ask(port))).toBe(FIRST);
  expect(waiting.every(({ text }) => text === '')).toBe(true);
  for (const one of waiting) one.socket.destroy();
});

test('a name that nobody knows is a 502 that says so, and is asked for once', async () => {
  await using dns = await DnsServer.start(() => ({ code: 'NXDOMAIN' }));
  const details: (string | null)[] = [];
  await using harness = proxyWith(dns, { onExchange: ({ detail }) => details.push(detail) });
  harness.pool();
  harness.register('a', 'none.test:80');
  const port = await harness.listen({ protocol: 'http' });
  expect(statusOf(await ask(port))).toBe(502);
  expect(statusOf(await ask(port))).toBe(502);
  expect(details).toEqual(['host name not found', 'host name not found']);
  expect(dns.asked).toHaveLength(2);
});

test('a target that the guard refuses is not dialled, whatever name leads to it, and the client is told by a 503', async () => {
  await using backend = await answering(FIRST);
  await using dns = await DnsServer.start(only(FIRST));
  const details: (string | null)[] = [];
  await using harness = proxyWith(dns, {
    guard: {
      refusalOf: () => ({ reason: 'it is this host' }),
      verdictOn: () => ({ reason: 'it is this host' }),
      generation: 0,
    },
    onExchange: ({ detail }) => details.push(detail),
  });
  harness.pool();
  harness.register('a', `quick.test:${backend.port}`);
  const port = await harness.listen({ protocol: 'http' });
  expect(statusOf(await ask(port))).toBe(503);
  expect(details).toEqual(['not dialled: it is this host']);
  expect(backend.sockets).toEqual([]);
});

describe.each([rawTransport!, socketTransport])('on the $name transport', (transport) => {
  test('a silent first address is passed over within the connect timeout, and tried once', async () => {
    await using backend = await answering(SECOND);
    await using _silent = await silentOn(FIRST, backend.port);
    await using dns = await DnsServer.start(({ type }) => ({ addresses: type === 'A' ? [FIRST, SECOND] : [] }));
    const dialled: string[] = [];
    const counting: typeof transport = {
      ...transport,
      dial(address, owner) {
        dialled.push(address.kind === 'tcp' ? address.host : address.path);
        return transport.dial(address, owner);
      },
    };
    await using harness = proxyWith(dns, { transport: counting });
    harness.pool({ connectTimeoutMs: 15_000 });
    harness.register('a', `two.test:${backend.port}`);
    const port = await harness.listen({ protocol: 'http' });
    expect(bodyOf(await ask(port))).toBe(SECOND);
    expect(dialled).toEqual([FIRST, SECOND]);
    backend.sockets[0]!.destroy();
    await until(() => harness.proxy.stats().pools['p']!.now.connectionsOpen === 0);
    expect(bodyOf(await ask(port))).toBe(SECOND);
    expect(dialled[2]).toBe(SECOND);
  });

  test('kept-alive connections to an old address are closed, also where nobody asks', async () => {
    const [first, second] = await onBoth();
    await using _first = first;
    await using _second = second;
    await using dns = await DnsServer.start(only(FIRST));
    await using harness = proxyWith(dns, { transport });
    harness.pool();
    harness.register('a', `moving.test:${first.port}`);
    const port = await harness.listen({ protocol: 'http' });
    expect(bodyOf(await ask(port))).toBe(FIRST);
    const closed = once(first.sockets[0]!, 'close');
    dns.handler = only(SECOND);
    await closed;
    expect(harness.proxy.stats().pools['p']!.now.connectionsOpen).toBe(0);
    expect(bodyOf(await ask(port))).toBe(SECOND);
  });

  test('one in use is finished, and not used again', async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    const [first, second] = await onBoth(mayAnswer);
    await using _first = first;
    await using _second = second;
    await using dns = await DnsServer.start(only(FIRST));
    const resolver = resolverOf(dns);
    await using harness = new ProxyHarness({ resolver, transport });
    harness.pool();
    harness.register('a', `moving.test:${first.port}`);
    const port = await harness.listen({ protocol: 'http' });
    const asking = client(port);
    asking.write(get());
    await until(() => first.sockets.length === 1);
    dns.handler = only(SECOND);
    await until(() => leadsTo(resolver, SECOND));
    expect(bodyOf(await ask(port))).toBe(SECOND);
    const closed = once(first.sockets[0]!, 'close');
    answer();
    expect(bodyOf(await asking.message())).toBe(FIRST);
    await closed;
    asking.socket.destroy();
  });
});

test('a relayed connection stays with the address that it has, and the next one goes to the new address', async () => {
  const [first, second] = await onBoth();
  await using _first = first;
  await using _second = second;
  await using dns = await DnsServer.start(only(FIRST));
  const resolver = resolverOf(dns);
  await using harness = new ProxyHarness({ resolver });
  harness.pool();
  harness.register('a', `moving.test:${first.port}`);
  const port = await harness.listen();
  const relayed = client(port);
  relayed.write(get());
  expect(bodyOf(await relayed.message())).toBe(FIRST);
  dns.handler = only(SECOND);
  await until(() => leadsTo(resolver, SECOND));
  expect(bodyOf(await ask(port))).toBe(SECOND);
  relayed.write(get());
  expect(bodyOf(await relayed.message())).toBe(FIRST);
  relayed.socket.destroy();
});
