/**
 * Invariant I11: whatever way a relayed connection or request ends, while bytes of it are still under way in both directions, nobody
 * gets a byte that was not sent for them. Every buffer that is given back is overwritten at once, and strangers use it.
 */
import { connect, type Socket } from 'node:net';
import { ReadBuffers, rawTransportWith, socketTransport } from '@muster/transport';
import type { AcceptCallbacks, Dial, DialOwner, Leg, Transport } from '@muster/transport';
import { describe, expect, test } from 'vitest';
import { FilterChain } from './http/filters/filter-chain.ts';
import { Gate } from '../testing/http/filtered.ts';
import { turn, until } from '../testing/http/scripted.ts';
import { ProxyHarness } from '../testing/proxy-harness.ts';

/** No text that anybody writes here has these characters. */
const POISON = 0x01;
const STRANGE = 0x02;
const PIECE = Buffer.alloc(65_536, 'a');
const STRANGE_PIECE = Buffer.alloc(200_000, STRANGE);

/** One end that writes what is its own for as long as somebody takes it, and reads only when it is told to. */
class End {
  readonly socket: Socket;
  foreignCount = 0;
  isClosed = false;
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.pause();
    socket.on('error', () => socket.destroy());
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.once('close', () => (this.isClosed = true));
  }

  pour(): void {
    const fill = (): void => {
      while (this.socket.writable && this.socket.write(PIECE));
    };
    this.socket.on('drain', fill);
    fill();
  }

  /** Settles when it has read so much, or is closed. */
  async read(byteCount: number): Promise<void> {
    this.socket.on('data', (bytes: Buffer) => {
      if (bytes.includes(POISON) || bytes.includes(STRANGE)) this.foreignCount++;
    });
    this.socket.on('end', () => this.socket.end()).resume();
    await until(() => this.isClosed || this.socket.bytesRead >= byteCount);
  }
}

/** Counts the writes of bytes that are pending, on clients' legs and on backends'. */
function watched(real: Transport): { transport: Transport; pending: { client: number; backend: number } } {
  const pending = { client: 0, backend: 0 };
  const watch = (leg: Leg, side: 'client' | 'backend'): Leg => {
    const write = leg.write.bind(leg);
    leg.write = (bytes) => {
      const outcome = write(bytes);
      if (outcome === 'pending') pending[side]++;
      return outcome;
    };
    return leg;
  };
  const transport: Transport = {
    ...real,
    listen: (handle, callbacks: AcceptCallbacks) =>
      real.listen(handle, { ...callbacks, onAccepted: (leg) => callbacks.onAccepted(watch(leg, 'client')) }),
    dial: (address, owner: DialOwner): Dial =>
      real.dial(address, {
        onConnected: (leg) => owner.onConnected(watch(leg, 'backend')),
        onConnectFailed: (code) => owner.onConnectFailed(code),
      }),
  };
  return { transport, pending };
}

interface Shape {
  readonly name: string;
  readonly protocol: 'tcp' | 'http';
  /** What the client and the backend say before they pour; null: that side sends nothing. */
  readonly request: string;
  readonly answer: string | null;
  readonly doesClientPour: boolean;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n';
const UPLOAD = 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n';
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n';

const SHAPES: readonly Shape[] = [
  { name: 'a TCP relay', protocol: 'tcp', request: 'hello', answer: 'hello', doesClientPour: true },
  { name: 'an answer', protocol: 'http', request: `${GET}\r\n`, answer: ANSWER, doesClientPour: false },
  { name: 'an upload', protocol: 'http', request: UPLOAD, answer: null, doesClientPour: true },
  { name: 'an answer to an upload', protocol: 'http', request: UPLOAD, answer: ANSWER, doesClientPour: true },
  {
    name: 'a tunnel',
    protocol: 'http',
    request: `${GET}Connection: upgrade\r\nUpgrade: x\r\n\r\n`,
    answer: SWITCH,
    doesClientPour: true,
  },
];

interface Scene {
  readonly harness: ProxyHarness;
  readonly client: End;
  readonly backend: End;
}

const ENDINGS: Readonly<Record<string, (scene: Scene) => void>> = {
  'the client resets': ({ client }) => client.socket.resetAndDestroy(),
  'the client closes': ({ client }) => client.socket.destroy(),
  'the client half-closes': ({ client }) => client.socket.end(),
  'the backend resets': ({ backend }) => backend.socket.resetAndDestroy(),
  'the backend closes': ({ backend }) => backend.socket.destroy(),
  'the backend half-closes': ({ backend }) => backend.socket.end(),
  'the backend is removed': ({ harness }) => harness.deregister('a'),
  'the backend gets another target': ({ harness }) => harness.register('a', '127.0.0.1:1'),
  'the backend is drained': ({ harness }) => harness.setMode('a', 'drain'),
  'the pool is removed': ({ harness }) => harness.publish('pool.p', { type: 'PoolRemoved' }),
  'the listener is removed': ({ harness }) => harness.proxy.closeListener('web', 0),
  'the worker closes': ({ harness }) => harness.proxy.close(),
  // What is short then is the deadline.
  'nobody moves': () => undefined,
};

const CASES = SHAPES.flatMap((shape) =>
  Object.keys(ENDINGS).flatMap((ending) =>
    (shape.protocol === 'http' ? [false, true] : [false]).map((isFiltered) => ({ shape, ending, isFiltered })),
  ),
).map((one) => ({ ...one, name: `${one.shape.name}, ${one.ending}${one.isFiltered ? ', a filter is asked' : ''}` }));

/** Reads what a stranger's backend repeats, through buffers that others gave back. */
async function beStrange(port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' });
  let leftBytes = STRANGE_PIECE.length;
  const done = new Promise<void>((resolve) => {
    socket.on('close', () => resolve()).on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      leftBytes -= bytes.length;
      if (leftBytes <= 0) socket.destroy();
    });
  });
  socket.write(STRANGE_PIECE);
  await done;
}

function poisoned(): Transport {
  return rawTransportWith(new ReadBuffers({ onFree: (bytes) => void bytes.fill(POISON) }))!;
}

describe.each([
  { name: 'raw', make: poisoned, cases: CASES },
  // It shares no buffers, so what is asked of it is that it cuts and mixes nothing.
  { name: 'socket', make: () => socketTransport, cases: CASES.filter(({ isFiltered }) => !isFiltered) },
])('on the $name transport', ({ make, cases }) => {
  test.each(cases)('$name', async ({ shape, ending, isFiltered }) => {
    const { transport, pending } = watched(make());
    const gate = new Gate();
    const filters = new FilterChain([{ path: './a.ts', filter: { errorWhileProxy: () => gate.pass() } }]);
    await using harness = new ProxyHarness({ transport, filtersOf: () => filters });
    const strangers = await harness.backend((socket) => socket.pipe(socket));
    harness.publish('pool.q', { type: 'PoolDefined' } as never);
    harness.publish('backend.q.b', { type: 'BackendRegistered', target: strangers.target, weight: 1 });
    const strangePort = await harness.listen({ id: 'strange', pool: 'q', idleTimeoutMs: 60_000 });

    const accepted = Promise.withResolvers<End>();
    const server = await harness.backend((socket) => accepted.resolve(new End(socket)));
    harness.pool({ drainTimeoutMs: 1 });
    harness.register('a', server.target);
    const limitMs = ending === 'nobody moves' ? 1 : 60_000;
    const protocol = {
      protocol: shape.protocol,
      ...(isFiltered ? { filters: ['./a.ts'] } : {}),
      ...(shape.protocol === 'http' ? { bodyTimeoutMs: limitMs } : {}),
    };
    const port = await harness.listen({ ...protocol, idleTimeoutMs: limitMs === 1 ? 1_000 : limitMs });
    const client = new End(connect({ port, host: '127.0.0.1', allowHalfOpen: true }));
    client.socket.write(shape.request);
    const backend = await accepted.promise;
    if (shape.doesClientPour && shape.answer !== SWITCH) client.pour();
    if (shape.answer !== null) {
      backend.socket.write(shape.answer);
      backend.pour();
    }
    // A tunnel's client is let go on by the head of the answer, and reads no more than that.
    if (shape.answer === SWITCH) client.pour();
    await until(() => harness.proxy.stats().total.open === 0 || isPending(shape, pending));

    const { bytesFromUpstream, bytesFromDownstream } = harness.proxy.stats().listeners['web']!;
    ENDINGS[ending]!({ harness, client, backend });
    await turn();
    if (ending !== 'the worker closes') await Promise.all([beStrange(strangePort), beStrange(strangePort)]);
    // What was pending is among this; a filter that is still asked keeps the client until it is.
    await Promise.all([
      client.read(bytesFromUpstream - (shape.answer?.length ?? 0)),
      backend.read(bytesFromDownstream - shape.request.length - PIECE.length),
    ]);
    gate.open();
    await turn();
    await harness.proxy[Symbol.asyncDispose]();
    client.socket.end();
    await client.closed;
    await client.closed;
    await backend.closed;
    expect({ client: client.foreignCount, backend: backend.foreignCount }).toEqual({ client: 0, backend: 0 });
  });
});

function isPending({ answer, doesClientPour }: Shape, pending: { client: number; backend: number }): boolean {
  return (answer === null || pending.client > 0) && (!doesClientPour || pending.backend > 0);
}
