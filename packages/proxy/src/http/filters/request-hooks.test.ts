/** `requestFilter` and `upstreamRequestFilter` on the wire: what they change, answer, hold up and fail at. */
import { expect, test } from 'vitest';
import {
  answering,
  ask,
  bodyOf,
  client,
  get,
  ok,
  post,
  scripted,
  statusOf,
  turn,
  until,
  valuesOf,
  LAST_CHUNK,
  chunkedBytes,
} from '../../../testing/http/scripted.ts';
import { Filtered, Gate } from '../../../testing/http/filtered.ts';
import type { Filter, IncomingRequest } from './filter.ts';

const echo = (request: string) => ok(request);

/** What the one backend was sent. */
async function sent(filter: Filter<unknown>, request = get()): Promise<string> {
  await using filtered = await Filtered.by([filter]);
  filtered.harness.register('b', (await answering(filtered.harness, echo)).target);
  return bodyOf(await ask(filtered.port, request));
}

test('without a change a request goes on byte for byte', async () => {
  const request = get('/a?b=c', 'accept:  text/html\r\nX-a: 1\r\nX-A: 2\r\n');
  const looking: Filter = {
    requestFilter({ fields }) {
      expect([fields.get('ACCEPT'), fields.getAll('x-a')]).toEqual(['text/html', ['1', '2']]);
    },
    upstreamRequestFilter({ fields, host }) {
      expect([fields.get('via'), host]).toEqual(['1.1 muster', 'a']);
    },
  };
  const withFilter = await sent(looking, request);
  const without = await sent({ logging: () => undefined }, request);
  const masked = (text: string) => text.replace(/X-Request-Id: .*/, 'X-Request-Id: …');
  expect(masked(withFilter)).toBe(masked(without));
  expect(withFilter).toContain('accept:  text/html\r\nX-a: 1\r\nX-A: 2\r\n');
});

test.each([false, true])('path and fields are changed before the route is found (async: %s)', async (isAsync) => {
  const change = (request: IncomingRequest): void => {
    request.path = '/new?x=1';
    request.fields.set('X-Added', request.clientAddress);
    request.fields.delete('cookie');
  };
  await using filtered = await Filtered.by([{ requestFilter: isAsync ? async (request) => change(request) : change }]);
  const { harness } = filtered;
  harness.publish('pool.q', { type: 'PoolDefined' } as never);
  const backend = await answering(harness, echo);
  harness.publish('backend.q.b', { type: 'BackendRegistered', target: backend.target, weight: 1 });
  const routes = [
    { path: '/new', pool: 'q' },
    { path: '/old', pool: 'p' },
  ];
  const port = await harness.listen({ id: 'routed', protocol: 'http', filters: ['./a.ts'], routes });
  const request = bodyOf(await ask(port, get('/old', 'Cookie: a=1\r\n')));
  expect(request).toMatch(/^GET \/new\?x=1 HTTP\/1.1\r\n/);
  expect(valuesOf(request, 'x-added')).toEqual(['127.0.0.1']);
  expect(valuesOf(request, 'cookie')).toEqual([]);
});

test('upstreamRequestFilter has the last word, per attempt, on all that is not the connection’s own', async () => {
  const request = await sent({
    upstreamRequestFilter({ fields, path, backend, attempt, isReused }) {
      fields.set('X-Forwarded-Proto', 'https');
      fields.append('X-Seen', `${path} ${backend} ${attempt} ${isReused}`);
    },
  });
  expect(valuesOf(request, 'x-forwarded-proto')).toEqual(['https']);
  expect(valuesOf(request, 'x-seen')).toEqual(['/ b 1 false']);
  expect(valuesOf(request, 'x-request-id')).toHaveLength(1);
});

test.each([
  ['Content-Length', 'set', /not a filter's to change/],
  ['X-Forwarded-For', 'set', /Muster writes it/],
  ['X-Request-Id', 'append', /Muster writes it/],
] as const)('%s is not a filter’s to %s', async (name, method, why) => {
  await using filtered = await Filtered.by([{ requestFilter: ({ fields }) => fields[method](name, '1') }]);
  expect(statusOf(await ask(filtered.port))).toBe(500);
  expect(filtered.last.detail).toMatch(why);
});

test.each(['new', '/a b', '/a\r\nX: 1', '*', 'http://b/a', '/ä'])('%j is no path', async (path) => {
  await using filtered = await Filtered.by([{ requestFilter: (request) => void (request.path = path) }]);
  expect(statusOf(await ask(filtered.port))).toBe(500);
  expect(filtered.last).toMatchObject({ termination: 'filter_failed', attempts: [] });
});

test('what was used already can be changed no more', async () => {
  let kept: { set(name: string, value: string): void } | null = null;
  await using filtered = await Filtered.by([
    {
      requestFilter: ({ fields }) => void (kept = fields),
      upstreamRequestFilter: () => kept!.set('X-Late', '1'),
    },
  ]);
  filtered.harness.register('b', (await answering(filtered.harness, echo)).target);
  expect(statusOf(await ask(filtered.port))).toBe(500);
  expect(filtered.last.detail).toMatch(/upstreamRequestFilter threw: X-Late cannot be changed here/);
});

test.each([false, true])('a filter may answer, and later ones are not asked (async: %s)', async (isAsync) => {
  const answer = { status: 401, fields: { 'WWW-Authenticate': 'Bearer' }, body: 'grüße' };
  let wasAsked = false;
  await using filtered = await Filtered.by([
    { requestFilter: () => (isAsync ? Promise.resolve(answer) : answer) },
    { requestFilter: () => void (wasAsked = true) },
  ]);
  const asking = client(filtered.port);
  for (const request of [get(), post('abc')]) {
    asking.write(request);
    const text = await asking.message();
    expect([statusOf(text), Buffer.from(bodyOf(text), 'latin1').toString()]).toEqual([401, 'grüße']);
    expect(valuesOf(text, 'muster-reason')).toEqual(['answered_here']);
    expect(valuesOf(text, 'content-type')).toEqual(['text/plain; charset=utf-8']);
    expect(filtered.last).toMatchObject({ termination: 'answered_here', detail: 'filter ./a.ts', status: 401 });
  }
  asking.socket.destroy();
  expect(wasAsked).toBe(false);
});

test.each([
  [{ status: 101 }, '101 is no status'],
  [{ status: 204, body: 'x' }, 'has no body'],
  [{ status: 200, fields: { 'Content-Length': '7' } }, "not a filter's to change"],
  [{ status: 200, body: 'x'.repeat(1_048_577) }, 'the most is 1 MiB'],
  ['401', 'neither an answer nor nothing'],
])('%o is no answer', async (answer, why) => {
  await using filtered = await Filtered.by([{ requestFilter: () => answer as never }]);
  expect(statusOf(await ask(filtered.port))).toBe(500);
  expect(filtered.last.detail).toContain(why);
});

test.each(['requestFilter', 'upstreamPeer', 'upstreamRequestFilter', 'upstreamResponseFilter'] as const)(
  'a %s that throws, rejects or hangs costs its request a 500, and no other request anything',
  async (hook) => {
    const ways = [
      () => {
        throw new Error('oh no');
      },
      () => Promise.reject(new Error('oh no')),
      () => new Promise<never>(() => undefined),
    ];
    let turnOf = 0;
    await using filtered = await Filtered.by([{ [hook]: () => ways[turnOf++]?.() }], { hookTimeoutMs: 50 });
    filtered.harness.register('b', (await answering(filtered.harness, echo)).target);
    const asking = client(filtered.port);
    for (const what of ['threw: oh no', 'rejected: oh no', 'did not settle within 50 ms']) {
      asking.write(get());
      const answer = await asking.message();
      expect([statusOf(answer), valuesOf(answer, 'muster-reason')]).toEqual([500, ['filter_failed']]);
      expect(filtered.last).toMatchObject({ termination: 'filter_failed', detail: `filter ./a.ts: ${hook} ${what}` });
    }
    asking.write(get());
    expect(statusOf(await asking.message())).toBe(200);
    asking.socket.destroy();
    await filtered.expectNothingUnderWay();
  },
);

test.each(['requestFilter', 'upstreamPeer', 'upstreamRequestFilter'] as const)(
  'while %s waits, the body of a POST waits in front of the proxy, and then streams',
  async (hook) => {
    const gate = new Gate();
    await using filtered = await Filtered.by([{ [hook]: () => gate.pass() }]);
    const backend = await scripted(filtered.harness);
    filtered.harness.register('b', backend.target);
    const asking = client(filtered.port);
    asking.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    await gate.reached;
    const bodyBytes = await asking.stuff();
    expect(filtered.harness.proxy.stats().total.bytesFromDownstream).toBeLessThan(1_048_576);
    gate.open();
    asking.write(LAST_CHUNK);
    const peer = await backend.accepted();
    expect(chunkedBytes(await peer.message())).toBe(bodyBytes);
    peer.write(ok('done'));
    expect(bodyOf(await asking.message())).toBe('done');
    asking.socket.destroy();
    await filtered.expectNothingUnderWay();
  },
);

test.each(['requestFilter', 'upstreamPeer', 'upstreamRequestFilter'] as const)(
  'a client that leaves while %s waits ends the wait, and nothing is sent',
  async (hook) => {
    const gate = new Gate();
    await using filtered = await Filtered.by([{ [hook]: () => gate.pass() }]);
    const backend = await scripted(filtered.harness);
    filtered.harness.register('b', backend.target);
    const asking = client(filtered.port);
    asking.write(get());
    await gate.reached;
    asking.socket.resetAndDestroy();
    await until(() => filtered.records.length === 1);
    expect(filtered.last.termination).toBe('client_left');
    gate.open();
    await turn();
    expect(backend.peers.map(({ text }) => text).join('')).toBe('');
    await filtered.expectNothingUnderWay();
  },
);

test('a target that is removed while upstreamRequestFilter waits gets nothing: another does', async () => {
  const gate = new Gate();
  await using filtered = await Filtered.by([
    { upstreamRequestFilter: ({ backend }) => (backend === 'a' ? gate.pass() : undefined) },
  ]);
  const { harness } = filtered;
  const [removed, other] = [await scripted(harness), await answering(harness, () => ok('other'))];
  harness.register('a', removed.target);
  const asking = client(filtered.port);
  asking.write(get());
  await gate.reached;
  harness.register('b', other.target);
  harness.deregister('a');
  expect(bodyOf(await asking.message())).toBe('other');
  gate.open();
  await turn();
  expect((await removed.accepted()).text).toBe('');
  expect(filtered.last.attempts.map(({ outcome }) => outcome)).toEqual(['target_removed', 'answered']);
  asking.socket.destroy();
});

test('what a backend says before anybody has asked is no answer', async () => {
  const gate = new Gate();
  await using filtered = await Filtered.by([
    { upstreamRequestFilter: ({ backend }) => (backend === 'a' ? gate.pass() : undefined) },
  ]);
  const { harness } = filtered;
  const [hasty, other] = [await scripted(harness), await answering(harness, () => ok('other'))];
  harness.register('a', hasty.target);
  harness.register('b', other.target);
  const asking = client(filtered.port);
  asking.write(get());
  await gate.reached;
  (await hasty.accepted()).write(ok('unasked'));
  expect(bodyOf(await asking.message())).toBe('other');
  asking.socket.destroy();
});
