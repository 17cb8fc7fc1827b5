/** The relay as a library, over streams in memory, Unix sockets and TLS. */
import { randomBytes } from 'node:crypto';
import { on, once, type EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair, type Duplex } from 'node:stream';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { expect, test } from 'vitest';
import { collect } from '../../testing/proxy-harness.ts';
import { relayStreams } from './relay-streams.ts';
import { TEST_CERTIFICATE, TEST_KEY } from '../../testing/test-certificate.ts';

async function* connectionsOf(server: EventEmitter, event = 'connection'): AsyncGenerator<Duplex> {
  for await (const [socket] of on(server, event, { close: ['close'] })) yield socket as Duplex;
}

async function connected(socket: Socket, event = 'connect'): Promise<Socket> {
  await once(socket, event);
  return socket;
}

async function listening(server: Server, path?: string): Promise<number> {
  server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Answers with what it heard, after the asker has ended: it needs a half-close. */
async function echoWhenEnded(stream: Duplex): Promise<void> {
  stream.end(await collect(stream));
}

test('in memory: half-close and backpressure both ways', async () => {
  const [client, accepted] = duplexPair();
  const [dialled, backend] = duplexPair();
  const body = randomBytes(3_000_000);
  void echoWhenEnded(backend);
  const relayed = relayStreams({ listener: streams(accepted), dial: () => Promise.resolve(dialled) });
  client.end(body);
  expect((await collect(client)).equals(body)).toBe(true);
  await relayed;
});

test('a dial that fails ends the accepted stream, and others go on', async () => {
  const [refused, first] = duplexPair();
  const [client, second] = duplexPair();
  const [dialled, backend] = duplexPair();
  void echoWhenEnded(backend);
  const dials = [Promise.reject(new Error('nobody there')), Promise.resolve(dialled)];
  const outcomes: (string | null)[] = [];
  const relayed = relayStreams({
    listener: streams(first, second),
    dial: () => dials.shift()!,
    onEnd: (error) => outcomes.push(error?.message ?? null),
  });
  client.end('still works');
  expect((await collect(client)).toString()).toBe('still works');
  await relayed;
  expect(outcomes).toEqual(['nobody there', null]);
  expect(first.destroyed).toBe(true);
  refused.destroy();
});

test('a failure on one side destroys the other', async () => {
  const [client, accepted] = duplexPair();
  const [dialled, backend] = duplexPair();
  const outcome = Promise.withResolvers<Error | null>();
  const relayed = relayStreams({
    listener: streams(accepted),
    dial: () => Promise.resolve(dialled),
    onEnd: outcome.resolve,
  });
  client.write('hello');
  await once(backend, 'readable');
  dialled.destroy(new Error('cable cut'));
  expect((await outcome.promise)?.message).toBe('cable cut');
  expect(accepted.destroyed).toBe(true);
  await relayed;
});

test('at the limit the newest stream is destroyed', async () => {
  const [, first] = duplexPair();
  const [, second] = duplexPair();
  const dial = Promise.withResolvers<Duplex>();
  const outcomes: string[] = [];
  const relayed = relayStreams({
    listener: streams(first, second),
    dial: () => dial.promise,
    maxConnections: 1,
    onEnd: (error) => outcomes.push(error!.message),
  });
  await once(second, 'close');
  dial.reject(new Error('given up'));
  await relayed;
  expect(outcomes).toEqual(['the limit of 1 connections is reached', 'given up']);
});

test('from a Unix socket to TCP', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-'));
  const path = join(directory, 's');
  const backend = createServer({ allowHalfOpen: true }, (socket) => void echoWhenEnded(socket));
  const port = await listening(backend);
  const front = createServer({ allowHalfOpen: true });
  await listening(front, path);
  const dial = () => connected(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
  const relayed = relayStreams({ listener: connectionsOf(front), dial });
  const client = connect({ path, allowHalfOpen: true });
  client.end('over a path');
  expect((await collect(client)).toString()).toBe('over a path');
  front.close();
  backend.close();
  await relayed;
  await rm(directory, { recursive: true });
});

test('TLS ends at the relay, or is spoken to the backend', async () => {
  const [key, cert] = [TEST_KEY, TEST_CERTIFICATE];
  const backend = createTlsServer({ key, cert, allowHalfOpen: true }, (socket) => void echoWhenEnded(socket));
  const backendPort = await listening(backend);
  const front = createTlsServer({ key, cert, allowHalfOpen: true });
  const port = await listening(front);
  const tls = (to: number) => {
    const options = { port: to, host: '127.0.0.1', servername: 'localhost', ca: cert, allowHalfOpen: true };
    return connected(connectTls(options), 'secureConnect');
  };
  const relayed = relayStreams({ listener: connectionsOf(front, 'secureConnection'), dial: () => tls(backendPort) });
  const client = await tls(port);
  client.end('secret');
  expect((await collect(client)).toString()).toBe('secret');
  front.close();
  backend.close();
  await relayed;
});

async function* streams(...all: Duplex[]): AsyncGenerator<Duplex> {
  yield* all;
}
