/** `upstreamPeer` and `failToConnect`: who is tried, who is left to try, and when it ends. */
import { expect, test } from 'vitest';
import {
  answering,
  ask,
  bodyOf,
  client,
  get,
  ok,
  scripted,
  statusOf,
  until,
  valuesOf,
} from '../../../testing/http/scripted.ts';
import { Filtered, Gate, NOWHERE } from '../../../testing/http/filtered.ts';
import type { ConnectFailure, Filter, PeerChoice } from './filter.ts';

async function withBackends(filters: readonly Filter<unknown>[], ids: readonly string[]): Promise<Filtered> {
  const filtered = await Filtered.by(filters);
  for (const id of ids) filtered.harness.register(id, (await answering(filtered.harness, () => ok(id))).target);
  return filtered;
}

test.each([false, true])('one may be chosen, or some, or nobody in particular (async: %s)', async (isAsync) => {
  const choices: (string | string[] | undefined)[] = ['c', ['a', 'c'], ['a', 'c'], undefined, 'c'];
  const choose = () => choices.shift();
  await using filtered = await withBackends(
    [{ upstreamPeer: isAsync ? async () => choose() : choose }],
    ['a', 'b', 'c'],
  );
  const answers: string[] = [];
  for (let count = 0; count < 5; count++) answers.push(bodyOf(await ask(filtered.port)));
  expect(answers[0]).toBe('c');
  expect(answers.slice(1, 3).toSorted()).toEqual(['a', 'c']);
  expect(answers[4]).toBe('c');
  expect(filtered.records.map(({ attempts }) => attempts[0]!.onlyIds)).toEqual([
    ['c'],
    ['a', 'c'],
    ['a', 'c'],
    null,
    ['c'],
  ]);
});

test('each filter narrows what the one before it has left', async () => {
  const seen: string[][] = [];
  const leaving = (...ids: string[]): Filter => ({
    upstreamPeer({ candidates }) {
      seen.push(candidates.map(({ id }) => id));
      return ids;
    },
  });
  await using filtered = await withBackends([leaving('a', 'b', 'gone'), leaving('b', 'c')], ['a', 'b', 'c']);
  expect(bodyOf(await ask(filtered.port))).toBe('b');
  expect(seen).toEqual([
    ['a', 'b', 'c'],
    ['a', 'b'],
  ]);
});

test('a narrowing that leaves nobody is 503, and names the filter', async () => {
  await using filtered = await withBackends([{ upstreamPeer: () => [] }], ['a']);
  const answer = await ask(filtered.port);
  expect([statusOf(answer), valuesOf(answer, 'muster-reason')]).toEqual([503, ['no_healthy_backend']]);
  expect(filtered.last.detail).toBe('pool p, to which filter ./a.ts leaves no backend that is there');
});

test('an empty pool is nobody to choose from: the hook is not called', async () => {
  await using filtered = await withBackends(
    [
      {
        upstreamPeer: () => {
          throw new Error('called');
        },
      },
    ],
    [],
  );
  expect(statusOf(await ask(filtered.port))).toBe(503);
  expect(filtered.last).toMatchObject({ termination: 'no_healthy_backend', detail: 'pool p' });
});

test.each([false, true])('each attempt is chosen anew, among those not tried (async: %s)', async (isAsync) => {
  const choices: Pick<PeerChoice, 'attempt' | 'candidates'>[] = [];
  const failures: ConnectFailure[] = [];
  const said = { upstreamPeer: 'a', failToConnect: undefined };
  await using filtered = await withBackends(
    [
      {
        upstreamPeer({ attempt, candidates }) {
          choices.push({ attempt, candidates });
          const id = attempt === 1 ? said.upstreamPeer : undefined;
          return isAsync ? Promise.resolve(id) : id;
        },
        failToConnect(failure) {
          failures.push(failure);
          return isAsync ? Promise.resolve() : undefined;
        },
      },
    ],
    ['b'],
  );
  filtered.harness.register('a', NOWHERE);
  expect(bodyOf(await ask(filtered.port))).toBe('b');
  expect(choices.map(({ attempt, candidates }) => [attempt, candidates.map(({ id }) => id)])).toEqual([
    [1, ['a', 'b']],
    [2, ['b']],
  ]);
  expect(failures).toMatchObject([{ backend: 'a', target: NOWHERE, attempt: 1, code: 'ECONNREFUSED' }]);
  expect(failures[0]!.request.path).toBe('/');
  await filtered.expectNothingUnderWay();
});

test('who chooses the same one again leaves the failure before it as it was', async () => {
  await using filtered = await withBackends([{ upstreamPeer: () => 'a' }], ['b']);
  filtered.harness.register('a', NOWHERE);
  expect(statusOf(await ask(filtered.port))).toBe(502);
  expect(filtered.last.termination).toBe('connect_failed');
  expect(filtered.last.attempts).toHaveLength(1);
});

test.each([false, true])('failToConnect may forbid another attempt (async: %s)', async (isAsync) => {
  const answer = { retry: false };
  await using filtered = await withBackends(
    [
      {
        upstreamPeer: ({ attempt }) => (attempt === 1 ? 'a' : 'b'),
        failToConnect: () => (isAsync ? Promise.resolve(answer) : answer),
      },
      { failToConnect: () => ({ retry: true }) },
    ],
    ['b'],
  );
  filtered.harness.register('a', NOWHERE);
  expect(statusOf(await ask(filtered.port))).toBe(502);
  expect(filtered.last).toMatchObject({ termination: 'connect_failed', detail: 'connection refused' });
  expect(filtered.last.attempts).toHaveLength(1);
  await filtered.expectNothingUnderWay();
});

const MISUNDERSTOOD: readonly (readonly [peer: unknown, verdict: unknown])[] = [
  [7, undefined],
  [['a', 7], undefined],
  ['a', 'no'],
];

test.each(MISUNDERSTOOD)('what is not understood is an error: %o, %o', async (peer, verdict) => {
  const filter = { upstreamPeer: () => peer, failToConnect: () => verdict };
  await using filtered = await withBackends([filter as Filter<unknown>], []);
  filtered.harness.register('a', NOWHERE);
  expect(statusOf(await ask(filtered.port))).toBe(500);
  expect(filtered.last.detail).toContain('it returned neither');
});

test('who waits for room keeps the choice, and is not asked again', async () => {
  let askedCount = 0;
  await using filtered = await Filtered.by([{ upstreamPeer: () => (askedCount++, 'a') }]);
  const { harness } = filtered;
  harness.pool({ connectAttempts: 3, maxConnectionsPerBackend: 1, waitTimeoutMs: 10_000 });
  const backend = await scripted(harness);
  harness.register('a', backend.target);
  harness.register('b', (await answering(harness, () => ok('b'))).target);
  const [first, second] = [client(filtered.port), client(filtered.port)];
  first.write(get('/1'));
  const peer = await backend.accepted();
  await peer.message();
  second.write(get('/2'));
  await until(() => askedCount === 2);
  peer.write(ok('1'));
  expect(bodyOf(await first.message())).toBe('1');
  expect(await peer.message()).toMatch(/^GET \/2 /);
  peer.write(ok('2'));
  expect(bodyOf(await second.message())).toBe('2');
  expect(askedCount).toBe(2);
  for (const one of [first, second]) one.socket.destroy();
});

test('the set may change while upstreamPeer waits: the pick is made from the newest', async () => {
  const gate = new Gate<string[]>();
  await using filtered = await withBackends([{ upstreamPeer: () => gate.pass() }], ['a', 'b']);
  const asking = client(filtered.port);
  asking.write(get());
  await gate.reached;
  filtered.harness.deregister('a');
  gate.open(['a', 'b']);
  expect(bodyOf(await asking.message())).toBe('b');
  asking.socket.destroy();
});
