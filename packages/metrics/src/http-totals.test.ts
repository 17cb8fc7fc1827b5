/** Requests are summed over workers and their lives, and what left the roster is forgotten. */
import type { HttpPoolTraffic, HttpTraffic } from '@muster/proxy';
import { inTurns } from '@muster/replay/turns';
import { expect, test } from 'vitest';
import { HttpTotals } from './http-totals.ts';

type Roster = Parameters<HttpTotals['forget']>[0];

function rosterOf(listeners: readonly string[], pools: Readonly<Record<string, readonly string[]>>): Roster {
  const named = (ids: readonly string[]) => new Map(ids.map((id) => [id, {}]));
  const poolsById = Object.entries(pools).map(([id, backends]) => [id, { backends: named(backends) }] as const);
  return { listeners: named(listeners), pools: new Map(poolsById) } as unknown as Roster;
}

function traffic(okByBackend: Readonly<Record<string, number>>, changes: Partial<HttpPoolTraffic> = {}): HttpTraffic {
  const counts = Object.values(okByBackend);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const pool: HttpPoolTraffic = {
    listener: 'web',
    pool: 'spells',
    backends: Object.keys(okByBackend),
    requests: counts.flatMap((count) => [0, 0, count, 0, 0, 0]),
    terminations: { finished: total },
    retries: total,
    staleConnections: 0,
    duration: { counts: [0, total], sumMs: total * 2 },
    answer: { counts: [total, 0], sumMs: total },
    ...changes,
  };
  return { pools: [pool], refusedHeads: { web: { host: total } } };
}

function okOf(totals: HttpTotals): Record<string, number> {
  const [pool] = totals.pools();
  return Object.fromEntries([...pool!.requestsByBackend].map(([backend, counts]) => [backend, counts[2]!]));
}

test('what a process counted since its report before is added', async () => {
  const totals = new HttpTotals();
  const first = traffic({ a: 5, b: 1 });
  await totals.add(first, null, inTurns());
  // Backends may come in another order, and new ones between them.
  await totals.add(traffic({ c: 2, b: 1, a: 9 }), first, inTurns());
  expect(okOf(totals)).toEqual({ a: 9, b: 1, c: 2 });
  expect(totals.pools()[0]).toMatchObject({
    retries: 12,
    duration: { counts: [0, 12], sumMs: 24 },
    answer: { counts: [12, 0], sumMs: 12 },
  });
  expect(totals.pools()[0]!.terminations.get('finished')).toBe(12);
  expect(totals.refusedHeads.get('web')?.get('host')).toBe(12);
});

test('another process adds to it, and one that started again counts from zero', async () => {
  const totals = new HttpTotals();
  await totals.add(traffic({ a: 5 }), null, inTurns());
  await totals.add(traffic({ a: 3 }), null, inTurns());
  expect(okOf(totals)).toEqual({ a: 8 });
  await totals.add(traffic({ a: 2 }), traffic({ a: 3 }), inTurns());
  expect(okOf(totals)).toEqual({ a: 10 });
});

test('removed backends, pools and listeners are forgotten; requests that nobody took are not', async () => {
  const totals = new HttpTotals();
  await totals.add(traffic({ a: 1, b: 1, '': 1 }), null, inTurns());
  await totals.add(traffic({ '': 4 }, { pool: '' }), null, inTurns());
  await totals.add(traffic({ a: 1 }, { pool: 'other' }), null, inTurns());
  totals.forget(rosterOf(['web'], { spells: ['a'] }));
  expect(okOf(totals)).toEqual({ a: 1, '': 1 });
  expect(totals.pools().map(({ pool }) => pool)).toEqual(['spells', '']);
  totals.forget(rosterOf([], { spells: ['a'] }));
  expect(totals.pools()).toEqual([]);
  expect(totals.refusedHeads.size).toBe(0);
});
