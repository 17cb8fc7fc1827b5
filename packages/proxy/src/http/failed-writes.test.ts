/** Writes that fail or stay pending at the worst moment, on a transport that makes them do so. */
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import {
  type Dial,
  type DialOwner,
  type Leg,
  rawTransport,
  type Transport,
  type WriteOutcome,
} from '@muster/transport';
import {
  client,
  expectNothingUnderWay,
  get,
  ok,
  scripted,
  statusOf,
  turn,
  until,
} from '../../testing/http/scripted.ts';

/** What becomes of a write to a backend; null: what the real leg says. */
type OnWrite = (leg: Leg, bytes: Uint8Array) => WriteOutcome | null;

/** The raw transport, with the writes of bodies to backends in a test's hands. */
function withWrites(onWrite: OnWrite): Transport {
  const real = rawTransport!;
  return {
    ...real,
    dial(address, owner): Dial {
      const inner: DialOwner = {
        onConnected(leg) {
          const write = leg.write.bind(leg);
          leg.write = (bytes) => onWrite(leg, bytes) ?? write(bytes);
          owner.onConnected(leg);
        },
        onConnectFailed: (code) => owner.onConnectFailed(code),
      };
      return real.dial(address, inner);
    },
  };
}

const UPLOAD = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n';

describe('a backend that takes no more of a body', () => {
  test('is heard if it has answered before', async () => {
    await using harness = new ProxyHarness({ transport: withWrites(() => 'failed') });
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(UPLOAD);
    const peer = await backend.accepted();
    await peer.takeTo('\r\n\r\n');
    asking.write('half');
    await turn();
    peer.write('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
    peer.socket.end();
    const answer = await asking.message();
    expect(statusOf(answer)).toBe(401);
    expect(answer).toContain('Connection: close');
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });

  test.each(['ends', 'says nothing'])('and %s is a 502, and nobody else is asked', async (what) => {
    await using harness = new ProxyHarness({ transport: withWrites(() => 'failed') });
    const [backend, other] = [await scripted(harness), await scripted(harness)];
    harness.pool();
    harness.register('a', backend.target);
    harness.register('b', other.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(UPLOAD);
    const peer = await backend.accepted();
    await peer.takeTo('\r\n\r\n');
    asking.write('half');
    if (what === 'ends') peer.socket.end();
    expect(await asking.message()).toContain('Muster-Reason: no_answer\r\n');
    expect(other.peers).toEqual([]);
    asking.socket.destroy();
    await expectNothingUnderWay(harness);
  });
});

test('what a client sends behind a body is not read over the last piece of it while that is pending', async () => {
  const pending: { leg: Leg; bytes: Uint8Array }[] = [];
  const transport = withWrites((leg, bytes) => {
    pending.push({ leg, bytes });
    return 'pending';
  });
  await using harness = new ProxyHarness({ transport });
  const backend = await scripted(harness);
  harness.pool();
  harness.register('a', backend.target);
  const asking = client(await harness.listen({ protocol: 'http' }));
  asking.write(UPLOAD);
  const peer = await backend.accepted();
  await peer.takeTo('\r\n\r\n');
  asking.write('all of it'.slice(0, 8));
  await until(() => pending.length === 1);
  asking.write(get(`/${'y'.repeat(100)}`));
  for (let count = 0; count < 5; count++) await turn();
  const [{ leg, bytes }] = pending as [(typeof pending)[number]];
  expect(Buffer.from(bytes).toString()).toBe('all of i');
  leg.owner!.onDrained(leg);
  peer.write(ok('1'));
  await asking.message();
  expect(await peer.message()).toContain('GET /yyy');
  asking.socket.destroy();
  await expectNothingUnderWay(harness);
});
