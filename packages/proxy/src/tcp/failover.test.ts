/** Another backend is dialled when a connect fails, and only then; what a connection does when nobody is left. */
import { describe, expect, test } from 'vitest';
import { type Dial, type DialOwner, rawTransport, socketTransport, type Transport } from '@muster/transport';
import { Client, collect, ProxyHarness } from '../../testing/proxy-harness.ts';

/** The real transport, except that dials to `ports` hang until somebody answers for the network. */
function withHangingDials(real: Transport, ports: ReadonlySet<string>) {
  const dials: { owner: DialOwner; isClosed: boolean; connectAnyway: () => void }[] = [];
  const arrived: (() => void)[] = [];
  const transport: Transport = {
    ...real,
    dial(address, owner): Dial {
      if (address.kind === 'unix' || !ports.has(String(address.port))) return real.dial(address, owner);
      let inner: Dial | null = null;
      const dial = { owner, isClosed: false, connectAnyway: () => void (inner = real.dial(address, owner)) };
      dials.push(dial);
      for (const tell of arrived.splice(0)) tell();
      return {
        close() {
          dial.isClosed = true;
          inner?.close();
        },
      };
    },
  };
  const nextDial = () => new Promise<void>((resolve) => arrived.push(resolve));
  return { transport, dials, nextDial };
}

const portOf = (target: string) => target.slice(target.lastIndexOf(':') + 1);

/** An address of this host that refuses, because what listened there is gone. */
async function refusingTarget(harness: ProxyHarness): Promise<string> {
  const backend = await harness.named('gone');
  await backend[Symbol.asyncDispose]();
  return backend.target;
}

describe.each([rawTransport!, socketTransport])('fail-over on the $name transport', (real) => {
  test('a backend that refuses is left for the next one, without the client noticing', async () => {
    await using harness = new ProxyHarness({ transport: real });
    const good = await harness.named('b');
    harness.pool();
    harness.register('a', await refusingTarget(harness));
    harness.register('b', good.target);
    const client = new Client(await harness.listen());
    expect(await client.read(1)).toBe('b');
    expect(harness.proxy.stats().pools['p']).toMatchObject({
      connectFailures: 1,
      retries: 1,
      picksByBackend: { a: 1, b: 1 },
    });
    client.socket.destroy();
  });

  test('no backend is tried twice, and no more than connectAttempts of them', async () => {
    await using harness = new ProxyHarness({ transport: real });
    harness.pool({ connectAttempts: 3 });
    for (const id of ['a', 'b', 'c', 'd', 'e']) harness.register(id, await refusingTarget(harness));
    expect(await new Client(await harness.listen()).finish()).toBe('');
    expect(harness.proxy.stats().pools['p']).toMatchObject({
      connectFailures: 3,
      retries: 2,
      picksByBackend: { a: 1, b: 1, c: 1 },
    });
    expect(harness.proxy.stats().total.refused.connect_failed).toBe(1);
  });

  test('with more attempts than backends each is tried once', async () => {
    await using harness = new ProxyHarness({ transport: real });
    harness.pool({ connectAttempts: 16 });
    for (const id of ['a', 'b']) harness.register(id, await refusingTarget(harness));
    await new Client(await harness.listen()).finish();
    expect(harness.proxy.stats().pools['p']!.connectFailures).toBe(2);
  });

  test('a backend that does not answer the dial is left after the connect timeout', async () => {
    await using backends = new ProxyHarness();
    const [silent, good] = [await backends.named('a'), await backends.named('b')];
    const { transport, dials } = withHangingDials(real, new Set([portOf(silent.target)]));
    await using harness = new ProxyHarness({ transport });
    harness.pool({ connectTimeoutMs: 1 });
    harness.register('a', silent.target);
    harness.register('b', good.target);
    const client = new Client(await harness.listen());
    expect(await client.read(1)).toBe('b');
    expect(dials.map(({ isClosed }) => isClosed)).toEqual([true]);
    client.socket.destroy();
  });

  test('a backend that accepts and is slow to answer is not left', async () => {
    await using harness = new ProxyHarness({ transport: real });
    const slow = await harness.backend((socket) => void setTimeout(() => socket.end('slow'), 400));
    const other = await harness.named('other');
    harness.pool({ connectTimeoutMs: 1 });
    harness.register('a', slow.target);
    harness.register('b', other.target);
    expect(await new Client(await harness.listen()).finish()).toBe('slow');
    expect(harness.proxy.stats().pools['p']).toMatchObject({ connectFailures: 0, retries: 0 });
  });

  test('a client that half-closes while the dial is under way still gets its answer', async () => {
    await using backends = new ProxyHarness();
    const backend = await backends.backend((socket) => void collect(socket).then((bytes) => socket.end(bytes)));
    const { transport, dials, nextDial } = withHangingDials(real, new Set([portOf(backend.target)]));
    await using harness = new ProxyHarness({ transport });
    harness.pool();
    harness.register('a', backend.target);
    const dialled = nextDial();
    const client = new Client(await harness.listen());
    client.socket.end('all I have to say');
    await dialled;
    dials[0]!.connectAnyway();
    expect(await client.finish()).toBe('all I have to say');
  });

  test('I4: a dial to a target that leaves meanwhile goes to another backend, also if it would have succeeded', async () => {
    await using backends = new ProxyHarness();
    const [leaving, staying] = [await backends.named('a'), await backends.named('b')];
    const { transport, dials, nextDial } = withHangingDials(real, new Set([portOf(leaving.target)]));
    await using harness = new ProxyHarness({ transport });
    harness.pool();
    harness.register('a', leaving.target);
    harness.register('b', staying.target);
    const dialled = nextDial();
    const client = new Client(await harness.listen());
    await dialled;
    harness.deregister('a');
    expect(dials[0]!.isClosed).toBe(true);
    expect(await client.read(1)).toBe('b');
    expect(leaving.sockets.size).toBe(0);
    client.socket.destroy();
  });
});
