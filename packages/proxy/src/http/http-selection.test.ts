/** What a pool's policy is told of requests: how many are under way, and what it hashes on. */
import { describe, expect, test } from 'vitest';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import { answering, ask, bodyOf, client, expectNothingUnderWay, gauges, get } from '../../testing/http/scripted.ts';
import { ok, scripted, until } from '../../testing/http/scripted.ts';

test('least_requests sees the requests that are under way', async () => {
  await using harness = new ProxyHarness();
  const [busy, free] = [await scripted(harness), await answering(harness, () => ok('free'))];
  harness.pool({ policy: 'least_requests' });
  harness.register('a', busy.target);
  const port = await harness.listen({ protocol: 'http' });
  const held = [client(port), client(port)];
  for (const asking of held) asking.write(get());
  await until(() => gauges(harness).requestsInFlight === 2);
  harness.register('b', free.target);
  const answers = [];
  for (let count = 0; count < 8; count++) answers.push(bodyOf(await ask(port)));
  expect(answers).toEqual(Array.from({ length: 8 }, () => 'free'));
  for (const asking of held) asking.socket.destroy();
  await expectNothingUnderWay(harness);
});

describe('consistent_hash', () => {
  test.each([
    ['client_address', (key: string) => get('/', `X-Forwarded-For: ${key}\r\n`)],
    ['path', (key: string) => get(`/${key}?query=${Math.random()}`)],
    ['header:X-User', (key: string) => get('/', `x-user: ${key}\r\n`)],
    ['cookie:user', (key: string) => get('/', `Cookie: a=b; user=${key}; c=d\r\n`)],
  ])('by %s: the same goes to the same backend, others elsewhere', async (hashKey, request) => {
    await using harness = new ProxyHarness();
    harness.pool({ policy: 'consistent_hash', hashKey });
    for (const id of ['a', 'b', 'c', 'd']) {
      const backend = await answering(harness, () => ok(id));
      harness.register(id, backend.target);
    }
    const port = await harness.listen({ protocol: 'http', trustedProxies: ['127.0.0.1/32'] });
    const chosen = async (key: string) => bodyOf(await ask(port, request(key)));
    const keys = Array.from({ length: 24 }, (_, index) => `192.0.2.${index}`);
    const first = [];
    for (const key of keys) first.push(await chosen(key));
    const second = [];
    for (const key of keys) second.push(await chosen(key));
    expect(second).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(1);
  });

  test.each([
    [
      'cookie:user',
      (key: string) => [`Cookie: a=b; user=${key}\r\n`, `Cookie: a=b\r\nCookie: user=${key}\r\ncookie: c=d\r\n`],
    ],
    ['header:X-User', (key: string) => [`X-User: a, ${key}\r\n`, `X-User: a\r\nx-user: ${key}\r\n`]],
  ])('%s: several lines are one list', async (hashKey, spellings) => {
    await using harness = new ProxyHarness();
    harness.pool({ policy: 'consistent_hash', hashKey });
    for (const id of ['a', 'b', 'c', 'd']) harness.register(id, (await answering(harness, () => ok(id))).target);
    const port = await harness.listen({ protocol: 'http' });
    const chosen = async (fields: string) => bodyOf(await ask(port, get('/', fields)));
    const seen = new Set<string>();
    for (let index = 0; index < 24; index++) {
      const [first, second] = spellings(`u-${index}`) as [string, string];
      const backend = await chosen(first);
      expect(await chosen(second)).toBe(backend);
      seen.add(backend);
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  test('a request without the header goes by its client’s address', async () => {
    await using harness = new ProxyHarness();
    harness.pool({ policy: 'consistent_hash', hashKey: 'header:x-user' });
    for (const id of ['a', 'b', 'c', 'd']) {
      const backend = await answering(harness, () => ok(id));
      harness.register(id, backend.target);
    }
    const port = await harness.listen({ protocol: 'http' });
    const byAddress = bodyOf(await ask(port, get('/', 'X-User: 127.0.0.1\r\n')));
    expect(bodyOf(await ask(port, get()))).toBe(byAddress);
  });
});

test('while a backend starts slowly its share grows by time alone', async () => {
  let nowMs = 1_700_000_000_000;
  await using harness = new ProxyHarness({ wallMs: () => nowMs });
  harness.journalMs = () => nowMs;
  harness.pool({ slowStartMs: 60_000 });
  const asked = { a: 0, b: 0 };
  for (const id of ['a', 'b'] as const) {
    const backend = await answering(harness, () => ok(String(++asked[id])));
    harness.register(id, backend.target);
    // The first one has been there for an hour when the second begins.
    if (id === 'a') nowMs += 3_600_000;
  }
  const port = await harness.listen({ protocol: 'http' });
  const sharesOf = async () => {
    Object.assign(asked, { a: 0, b: 0 });
    for (let count = 0; count < 40; count++) await ask(port);
    return asked.b;
  };
  const first = await sharesOf();
  nowMs += 60_000;
  let later = first;
  while (later < 20) later = await sharesOf();
  expect(first).toBeLessThan(15);
});
