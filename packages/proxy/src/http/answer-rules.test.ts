/** What a pool allows the answers of its backends, and how long the final one may be waited for. Time is the test's. */
import { describe, expect, test } from 'vitest';
import type { PoolSpec } from '@muster/membership';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import { answering, ask, bodyOf, client, get, ok, scripted, statusOf, valuesOf } from '../../testing/http/scripted.ts';

type Limits = Pick<PoolSpec, 'maxAnswerHeadBytes' | 'maxAnswerFields' | 'maxInterimAnswers'>;

async function told(answer: string, limits: Limits = {}): Promise<string> {
  await using harness = new ProxyHarness();
  const backend = await answering(harness, () => answer);
  harness.pool(limits);
  harness.register('a', backend.target);
  const asking = client(await harness.listen({ protocol: 'http', maxHeadBytes: 1_024, maxFields: 5 }));
  asking.write(get());
  let final = await asking.message();
  while (final.startsWith('HTTP/1.1 1')) final = await asking.message();
  asking.socket.destroy();
  return final;
}

const withHeadOf = (bytes: number) => {
  const rest = ok('', 'A: \r\n').length;
  return ok('', `A: ${'b'.repeat(bytes - rest)}\r\n`);
};
const withFields = (count: number) => ok('', 'A: b\r\n'.repeat(count - 1));
const withInterim = (count: number) => 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(count) + ok('done');

describe('the head of an answer', () => {
  test.each<readonly [what: string, answer: string, limits: Limits, status: number]>([
    ['16 KiB', withHeadOf(16_384), {}, 200],
    ['a byte more', withHeadOf(16_385), {}, 502],
    ['100 fields', withFields(100), {}, 200],
    ['101 fields', withFields(101), {}, 502],
    ['32 interim answers', withInterim(32), {}, 200],
    ['33 interim answers', withInterim(33), {}, 502],
    ['64 KiB where the pool allows it', withHeadOf(65_536), { maxAnswerHeadBytes: 65_536 }, 200],
    ['1 KiB and a byte where the pool allows 1 KiB', withHeadOf(1_025), { maxAnswerHeadBytes: 1_024 }, 502],
    ['500 fields where the pool allows them', withFields(500), { maxAnswerFields: 500 }, 200],
    ['3 fields where the pool allows 2', withFields(3), { maxAnswerFields: 2 }, 502],
    ['200 interim answers where the pool allows them', withInterim(200), { maxInterimAnswers: 200 }, 200],
    ['an interim answer where the pool allows none', withInterim(1), { maxInterimAnswers: 0 }, 502],
  ])('%s', async (...[, answer, limits, status]) => {
    const final = await told(answer, limits);
    expect([statusOf(final), valuesOf(final, 'Muster-Reason')]).toEqual([status, status === 502 ? ['bad_answer'] : []]);
  });

  test('is mended where that leaves one reading, and its connection serves nobody else', async () => {
    await using harness = new ProxyHarness();
    const backend = await answering(harness, () => 'HTTP/1.1 200 OK\nA : b\n c\nContent-Length: 5, 5\n\nhello');
    harness.pool();
    harness.register('a', backend.target);
    const port = await harness.listen({ protocol: 'http' });
    for (let count = 1; count <= 2; count++) {
      const answer = await ask(port);
      expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\nA: b c\r\nContent-Length: 5\r\n/);
      expect([bodyOf(answer), backend.peers.length]).toEqual(['hello', count]);
    }
  });
});

/** Time that goes on when it is told to. */
class TestClock {
  #nowMs = 0;
  #turn: () => void = () => undefined;

  nowMs(): number {
    return this.#nowMs;
  }

  every(_intervalMs: number, callBack: () => void): () => void {
    this.#turn = callBack;
    return () => undefined;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    this.#turn();
  }
}

test('an interim answer is a sign of life: the time for the final one begins anew', async () => {
  const clock = new TestClock();
  await using harness = new ProxyHarness({ clock });
  const backend = await scripted(harness);
  harness.pool({ responseHeaderTimeoutMs: 1_000 });
  harness.register('a', backend.target);
  const asking = client(await harness.listen({ protocol: 'http' }));
  asking.write(get());
  const peer = await backend.accepted();
  await peer.message();
  for (let count = 0; count < 10; count++) {
    clock.advance(900);
    peer.write('HTTP/1.1 102 Processing\r\n\r\n');
    expect(statusOf(await asking.message())).toBe(102);
  }
  clock.advance(900);
  peer.write(ok('done'));
  expect(bodyOf(await asking.message())).toBe('done');
  asking.write(get());
  await peer.message();
  peer.write('HTTP/1.1 102 Processing\r\n\r\n');
  expect(statusOf(await asking.message())).toBe(102);
  clock.advance(2_000);
  expect(valuesOf(await asking.message(), 'Muster-Reason')).toEqual(['answer_timeout']);
  asking.socket.destroy();
});
