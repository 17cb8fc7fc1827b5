/** The order of hooks, what is done at once and what waits, and that every failure is one request's. Time is the wheel's. */
import { expect, test } from 'vitest';
import { TimerWheel } from '../../timers/timer-wheel.ts';
import { recordedExchange } from '../../../testing/http/exchange-records.ts';
import { FilterChain, type LoggingFailure } from './filter-chain.ts';
import { FilterRun, type Pass } from './filter-run.ts';
import type { Filter } from './filter.ts';

/** Runs through the hooks of filters that are called a, b, … */
class Bench {
  readonly said: unknown[] = [];
  readonly loggingFailures: LoggingFailure[] = [];
  readonly run: FilterRun;
  #nowMs = 0;
  readonly #wheel = new TimerWheel({ nowMs: () => this.#nowMs });

  constructor(...filters: readonly Filter<unknown>[]) {
    const modules = filters.map((filter, index) => ({ path: 'abc'[index]!, filter }));
    const chain = new FilterChain(modules, {
      hookTimeoutMs: 5_000,
      onLoggingFailure: (failure) => this.loggingFailures.push(failure),
    });
    this.run = new FilterRun(chain, { onFilterFailed: (detail) => this.said.push(detail) }, this.#wheel);
  }

  pass(hook: Pass['hook'], take: Pass['take'] = () => false): void {
    this.run.start({ hook, subject: { hook }, take, onDone: () => this.said.push('done') });
  }

  elapse(ms: number): void {
    this.#nowMs += ms;
    this.#wheel.turn();
  }
}

/** Lets promises that are settled be heard. */
const heard = () => new Promise((resolve) => setImmediate(resolve));

test('hooks that return are called within the call, in order, and on the way back in reverse', () => {
  const calls: string[] = [];
  const named = (name: string): Filter<unknown> => ({
    requestFilter: () => void calls.push(`${name} request`),
    upstreamResponseFilter: () => void calls.push(`${name} response`),
  });
  const bench = new Bench(named('a'), named('b'));
  bench.pass('requestFilter');
  bench.pass('upstreamResponseFilter');
  expect(calls).toEqual(['a request', 'b request', 'b response', 'a response']);
  expect(bench.said).toEqual(['done', 'done']);
  expect(bench.run.isPending).toBe(false);
});

test('a hook that promises holds up those behind it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const calls: string[] = [];
  const bench = new Bench({ requestFilter: () => promise }, { requestFilter: () => void calls.push('b') });
  bench.pass('requestFilter');
  expect(bench.run.isPending).toBe(true);
  await heard();
  expect(calls).toEqual([]);
  resolve();
  await heard();
  expect([calls, bench.said, bench.run.isPending]).toEqual([['b'], ['done'], false]);
});

test('what has been taken may end the pass, promised or not', async () => {
  const calls: string[] = [];
  const bench = new Bench(
    { requestFilter: () => ({ status: 401 }), failToConnect: () => void calls.push('a') },
    { requestFilter: () => void calls.push('b'), failToConnect: () => Promise.resolve({ retry: false }) },
  );
  bench.pass('requestFilter', (result) => result !== undefined);
  bench.pass('failToConnect', (result) => result !== undefined);
  await heard();
  expect([calls, bench.said]).toEqual([[], ['done', 'done']]);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('oh\nno');
    },
    'threw: oh no',
  ],
  [
    'throws what is no error',
    () => {
      throw Object.create(null);
    },
    'threw: {}',
  ],
  ['rejects', () => Promise.reject(new Error('oh no')), 'rejected: oh no'],
  [
    'has a bad then',
    () => ({
      get then() {
        throw new Error('oh no');
      },
    }),
    'threw: oh no',
  ],
])('a hook that %s fails its request', async (_what, requestFilter, text) => {
  const bench = new Bench({ requestFilter: requestFilter as never });
  bench.pass('requestFilter');
  await heard();
  expect(bench.said).toEqual([`filter a: requestFilter ${text}`]);
  expect(bench.run.isPending).toBe(false);
});

test('a result that may not be is the failure of who gave it, promised or not', async () => {
  const take = (): boolean => {
    throw new TypeError('it is wrong');
  };
  const bench = new Bench({ requestFilter: () => undefined, upstreamPeer: async () => 'x' });
  bench.pass('requestFilter', take);
  bench.pass('upstreamPeer', take);
  await heard();
  expect(bench.said).toEqual([
    'filter a: requestFilter threw: it is wrong',
    'filter a: upstreamPeer threw: it is wrong',
  ]);
});

test('a hook that hangs has failed after its time, and is not heard when it settles later', async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  const bench = new Bench({ requestFilter: () => promise });
  bench.pass('requestFilter');
  bench.elapse(4_900);
  expect(bench.said).toEqual([]);
  bench.elapse(300);
  expect(bench.said).toEqual(['filter a: requestFilter did not settle within 5000 ms']);
  reject(new Error('too late'));
  await heard();
  expect(bench.said).toHaveLength(1);
});

test('what was abandoned is not heard, and its time does not run out', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const bench = new Bench({ requestFilter: () => promise });
  bench.pass('requestFilter');
  bench.run.abandon();
  resolve();
  await heard();
  bench.elapse(10_000);
  expect(bench.said).toEqual([]);
});

test('a context is made once per request, for filters that are called, and shared by their hooks', () => {
  let madeCount = 0;
  const seen: unknown[] = [];
  const counting: Filter<{ id: number }> = {
    newContext: () => ({ id: ++madeCount }),
    upstreamPeer: (_choice, context) => void seen.push(context),
    logging: (_record, context) => void seen.push(context),
  };
  const bench = new Bench(counting, {
    requestFilter: (_request, context) => void seen.push(context),
  });
  bench.pass('requestFilter');
  expect(madeCount).toBe(0);
  bench.pass('upstreamPeer');
  bench.run.finish(recordedExchange());
  expect(seen).toEqual([undefined, { id: 1 }, { id: 1 }]);
  expect(seen[1]).toBe(seen[2]);
});

test('logging is told to everybody, and what fails in it is counted and told at most once per 5 s', async () => {
  const told: string[] = [];
  const bench = new Bench(
    { logging: ({ requestId }) => void told.push(requestId) },
    { logging: () => Promise.reject(new Error('disk full')) },
    {
      logging: () => {
        throw new Error('oh no');
      },
    },
  );
  bench.run.finish(recordedExchange());
  await heard();
  expect(told).toEqual(['r-1']);
  expect(bench.loggingFailures).toEqual([{ path: 'c', message: 'oh no', suppressedCount: 0 }]);
  expect(bench.said).toEqual([]);
});
