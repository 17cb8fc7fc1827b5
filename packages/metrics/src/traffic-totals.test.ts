/** The totals only grow, whatever becomes of the workers. */
import type { WorkerStatus } from '@muster/actors';
import type { ListenerStats, PoolGauges } from '@muster/proxy';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { TrafficTotals, type WorkerStats } from './traffic-totals.ts';

const ROSTER = {
  listeners: new Map([
    ['web', {}],
    ['constructor', {}],
  ]),
  pools: new Map([
    [
      'spells',
      {
        backends: new Map([
          ['a', {}],
          ['b', {}],
        ]),
      },
    ],
  ]),
} as unknown as Parameters<TrafficTotals['update']>[1];

const NOTHING: ListenerStats = {
  accepted: 0,
  open: 0,
  acceptFailures: 0,
  bytesFromDownstream: 0,
  bytesFromUpstream: 0,
  refused: { connection_limit: 0, unknown_pool: 0, empty_set: 0, backends_full: 0, connect_failed: 0 },
  closed: {
    finished: 0,
    reset: 0,
    idle: 0,
    target_removed: 0,
    drain_timeout: 0,
    aborted: 0,
    listener_removed: 0,
    shutdown: 0,
  },
};
const IDLE: PoolGauges = { requestsInFlight: 0, requestsWaiting: 0, connectionsOpen: 0, connectionsIdle: 0 };

function stats(accepted: number, { open = 0, listener = 'web' } = {}): WorkerStats {
  const counted = { ...NOTHING, accepted, open };
  const now = { ...IDLE, connectionsOpen: open };
  return {
    total: { ...counted },
    listeners: { [listener]: { ...counted, closed: { ...counted.closed, finished: accepted } } },
    pools: { spells: { connectFailures: 0, retries: accepted, now, picksByBackend: { a: accepted } } },
    http: { pools: [], refusedHeads: {} },
    accessLog: { written: accepted, dropped: 0 },
    refusedTargets: 0,
    names: {
      names: 0,
      namesFailing: 0,
      failing: [],
      waits: 0,
      answers: { found: 0, none: 0, failed: 0 },
      staleAnswers: 0,
      busy: 0,
    },
  };
}

function worker(index: number, pid: number | null, report: unknown): WorkerStatus {
  return { index, pid, stats: report, state: 'serving', revision: 1, hash: null, restartsCount: 0 };
}

test('workers are summed, and a restarted one goes on where the dead one ended', async () => {
  const totals = new TrafficTotals();
  await totals.update([worker(0, 10, stats(5, { open: 2 })), worker(1, 11, stats(7, { open: 1 }))], ROSTER);
  expect(totals.totals().listeners['web']).toMatchObject({ accepted: 12, open: 3, closed: { finished: 12 } });
  expect(totals.totals().pools['spells']!.now.connectionsOpen).toBe(3);
  await totals.update([worker(0, null, null), worker(1, 11, stats(8, { open: 1 }))], ROSTER);
  expect(totals.totals().listeners['web']).toMatchObject({ accepted: 13, open: 1 });
  await totals.update([worker(0, 12, stats(1)), worker(1, 11, stats(8))], ROSTER);
  expect(totals.totals()).toMatchObject({
    listeners: { web: { accepted: 14, open: 0 } },
    pools: { spells: { retries: 14, picksByBackend: { a: 14 }, now: IDLE } },
  });
  expect(totals.accessLog.written).toBe(14);
});

test('a report that says nothing changes nothing', async () => {
  const totals = new TrafficTotals();
  await totals.update([worker(0, 1, stats(5))], ROSTER);
  for (const report of [null, 'x', {}, { total: 1 }]) await totals.update([worker(0, 1, report)], ROSTER);
  expect(totals.totals().listeners['web']?.accepted).toBe(5);
});

test('what left the roster is forgotten, its connections apart', async () => {
  const totals = new TrafficTotals();
  const without = { listeners: new Map(), pools: new Map() } as typeof ROSTER;
  await totals.update([worker(0, 1, stats(5, { open: 1 }))], without);
  expect(Object.keys(totals.totals().listeners)).toEqual(['web']);
  await totals.update([worker(0, 1, stats(5))], without);
  expect(totals.totals()).toEqual({ listeners: {}, pools: {} });
});

test('a report that is older than a removal says nothing of what was removed', async () => {
  const totals = new TrafficTotals();
  const report = [worker(0, 1, stats(5))];
  await totals.update(report, ROSTER);
  const none = { listeners: new Map(), pools: new Map() } as unknown as typeof ROSTER;
  await totals.update(report, none);
  await totals.update(report, none);
  expect(totals.totals()).toEqual({ listeners: {}, pools: {} });
  await totals.update([worker(0, 1, stats(7))], ROSTER);
  expect(totals.totals().listeners['web']?.accepted).toBe(2);
});

test('a listener may be called like a property of every object', async () => {
  const totals = new TrafficTotals();
  await totals.update([worker(0, 1, stats(5, { listener: 'constructor' }))], ROSTER);
  expect(totals.totals().listeners['constructor']?.accepted).toBe(5);
});

test('no sequence of reports, deaths and restarts lets a total go down', async () => {
  const step = fc.record({ index: fc.nat(2), by: fc.nat(100), dies: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const totals = new TrafficTotals();
      const accepted = [0, 0, 0];
      const pids = [100, 200, 300];
      let highest = 0;
      let expected = 0;
      for (const { index, by, dies } of steps) {
        if (dies) [accepted[index], pids[index]] = [0, pids[index]! + 1];
        accepted[index]! += by;
        expected += by;
        await totals.update(
          accepted.map((count, at) => worker(at, pids[at]!, stats(count))),
          ROSTER,
        );
        const now = totals.totals().listeners['web']!.accepted;
        expect(now).toBeGreaterThanOrEqual(highest);
        highest = now;
      }
      expect(highest).toBe(expected);
    }),
    { seed: 3 },
  );
});
