/** `upstreamResponseFilter`, `errorWhileProxy` and `logging` on the wire. */
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
import type { Filter, ProxyFailure } from './filter.ts';

async function answered(filter: Filter<unknown>, answer: string, request = get()): Promise<string> {
  await using filtered = await Filtered.by([filter]);
  filtered.harness.register('b', (await answering(filtered.harness, () => answer)).target);
  return await ask(filtered.port, request);
}

test.each([false, true])('status and fields of an answer may be changed (async: %s)', async (isAsync) => {
  const change: NonNullable<Filter['upstreamResponseFilter']> = (response) => {
    response.status = 418;
    response.fields.delete('server');
    response.fields.append('X-By', `${response.backend} ${response.attempt} ${response.request.path}`);
  };
  const filter: Filter = {
    upstreamResponseFilter: isAsync ? async (response, context) => change(response, context) : change,
  };
  const answer = await answered(filter, ok('hi', 'Server: x\r\nDate: y\r\n'));
  expect(answer).toMatch(/^HTTP\/1.1 418 I'm a Teapot\r\n/);
  expect([valuesOf(answer, 'server'), valuesOf(answer, 'x-by'), valuesOf(answer, 'date')]).toEqual([
    [],
    ['b 1 /'],
    ['y'],
  ]);
  expect(bodyOf(answer)).toBe('hi');
});

test('a Date that is taken away is written anew, and one that is set is the only one', async () => {
  const without = await answered(
    { upstreamResponseFilter: ({ fields }) => void fields.delete('date') },
    ok('', 'Date: y\r\n'),
  );
  expect(valuesOf(without, 'date')).toEqual([expect.stringMatching(/ GMT$/)]);
  const withOne = await answered({ upstreamResponseFilter: ({ fields }) => fields.set('Date', 'z') }, ok(''));
  expect(valuesOf(withOne, 'date')).toEqual(['z']);
});

test.each([
  [ok('hi'), 204],
  [ok('hi'), 304],
  [ok('hi'), 100],
  ['HTTP/1.1 204 No Content\r\n\r\n', 200],
])('%j does not become %i', async (answer, status) => {
  expect(
    statusOf(await answered({ upstreamResponseFilter: (response) => void (response.status = status) }, answer)),
  ).toBe(500);
});

test('filters see an answer in reverse order, and none that Muster gives itself', async () => {
  const adding = (name: string): Filter => ({ upstreamResponseFilter: ({ fields }) => fields.append('X-By', name) });
  await using filtered = await Filtered.by([adding('first'), adding('second')]);
  expect(valuesOf(await ask(filtered.port), 'x-by')).toEqual([]);
  filtered.harness.register('b', (await answering(filtered.harness, () => ok(''))).target);
  expect(valuesOf(await ask(filtered.port), 'x-by')).toEqual(['second', 'first']);
});

test('while upstreamResponseFilter waits, the backend is not read on, and then all of the answer comes', async () => {
  const gate = new Gate();
  await using filtered = await Filtered.by([{ upstreamResponseFilter: () => gate.pass() }]);
  const backend = await scripted(filtered.harness);
  filtered.harness.register('b', backend.target);
  const asking = client(filtered.port);
  asking.write(get());
  const peer = await backend.accepted();
  await peer.message();
  peer.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
  await gate.reached;
  const bodyBytes = await peer.stuff();
  expect(asking.text).toBe('');
  gate.open();
  peer.write(LAST_CHUNK);
  expect(chunkedBytes(await asking.message())).toBe(bodyBytes);
  asking.write(get());
  expect(await peer.message()).toContain('GET / ');
  asking.socket.destroy();
});

test.each([
  ['a length', ok('hi', 'Connection: close\r\n')],
  ['its connection', 'HTTP/1.1 200 OK\r\n\r\nhi'],
])('an answer that ends with %s is whole, although its backend ended while a filter waited', async (_what, answer) => {
  const gate = new Gate();
  await using filtered = await Filtered.by([{ upstreamResponseFilter: () => gate.pass() }]);
  const backend = await scripted(filtered.harness);
  filtered.harness.register('b', backend.target);
  const asking = client(filtered.port);
  asking.write(get());
  const peer = await backend.accepted();
  await peer.message();
  peer.write(answer);
  peer.socket.end();
  await gate.reached;
  await turn();
  gate.open();
  const text = await asking.takeTo('hi');
  expect([statusOf(text), text.endsWith('hi')]).toEqual([200, true]);
  asking.socket.destroy();
  await filtered.expectNothingUnderWay();
});

test('a target that is removed while upstreamResponseFilter waits is left at once', async () => {
  const gate = new Gate();
  await using filtered = await Filtered.by([{ upstreamResponseFilter: () => gate.pass() }]);
  filtered.harness.register('b', (await answering(filtered.harness, () => ok('late'))).target);
  const asking = client(filtered.port);
  asking.write(get());
  await gate.reached;
  filtered.harness.deregister('b');
  const answer = await asking.message();
  expect([statusOf(answer), valuesOf(answer, 'muster-reason')]).toEqual([502, ['target_removed']]);
  asking.socket.destroy();
});

test.each([false, true])('errorWhileProxy may answer in place of a failure (async: %s)', async (isAsync) => {
  const failures: ProxyFailure[] = [];
  const answer = { status: 503, fields: { 'Retry-After': '5' }, body: 'later\n' };
  await using filtered = await Filtered.by([
    {
      errorWhileProxy(failure) {
        failures.push(failure);
        return isAsync ? Promise.resolve(answer) : answer;
      },
    },
  ]);
  filtered.harness.register(
    'b',
    (await answering(filtered.harness, (_request, peer) => (peer.socket.end(), null))).target,
  );
  const text = await ask(filtered.port, post('abc'));
  expect([statusOf(text), bodyOf(text)]).toEqual([503, 'later\n']);
  expect(failures).toMatchObject([
    { backend: 'b', attempt: 1, isReused: false, reason: 'no_answer', isAnswerBegun: false },
  ]);
  expect(filtered.last).toMatchObject({ termination: 'answered_here', detail: 'filter ./a.ts, in place of no_answer' });
  await filtered.expectNothingUnderWay();
});

test('a POST whose reused connection dies is never sent again, whatever a filter says', async () => {
  const failures: ProxyFailure[] = [];
  await using filtered = await Filtered.by([{ errorWhileProxy: (failure) => void failures.push(failure) }]);
  const backend = await scripted(filtered.harness);
  filtered.harness.register('b', backend.target);
  const asking = client(filtered.port);
  asking.write(get());
  const peer = await backend.accepted();
  await peer.message();
  peer.write(ok('hi'));
  await asking.message();
  asking.write(post('abc'));
  expect(bodyOf(await peer.message())).toBe('abc');
  peer.socket.destroy();
  expect(statusOf(await asking.message())).toBe(502);
  expect(failures).toMatchObject([{ isReused: true, reason: 'no_answer' }]);
  expect(backend.peers).toHaveLength(1);
  asking.socket.destroy();
});

test('once an answer has begun, errorWhileProxy is told and can answer no more', async () => {
  const failures: ProxyFailure[] = [];
  await using filtered = await Filtered.by([
    { errorWhileProxy: (failure) => (failures.push(failure), { status: 500 }) },
  ]);
  const backend = await scripted(filtered.harness);
  filtered.harness.register('b', backend.target);
  const asking = client(filtered.port);
  asking.write(get());
  const peer = await backend.accepted();
  await peer.message();
  peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
  await asking.takeTo('half');
  peer.socket.end();
  expect(await asking.rest()).toBe('');
  expect(failures).toMatchObject([{ reason: 'answer_cut', isAnswerBegun: true }]);
  expect(filtered.last.termination).toBe('answer_cut');
});

test('logging is told of every request, also one that a filter failed or answered', async () => {
  const told: string[] = [];
  const filter: Filter<{ path: string }> = {
    newContext: () => ({ path: '' }),
    requestFilter(request, context) {
      context.path = request.path;
      if (request.path === '/throw') throw new Error('oh no');
      return request.path === '/answer' ? { status: 204 } : undefined;
    },
    logging({ termination, status }, { path }) {
      told.push(`${path} ${termination} ${status}`);
      throw new Error('disk full');
    },
  };
  await using filtered = await Filtered.by([filter]);
  filtered.harness.register('b', (await answering(filtered.harness, () => ok('hi'))).target);
  for (const path of ['/', '/throw', '/answer']) await ask(filtered.port, get(path));
  await until(() => told.length === 3);
  expect(told).toEqual(['/ finished 200', '/throw filter_failed 500', '/answer answered_here 204']);
  expect(filtered.loggingFailures).toEqual([{ path: './a.ts', message: 'disk full', suppressedCount: 0 }]);
});
