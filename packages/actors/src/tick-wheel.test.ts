/** The wheel: never early, at most a tick late, nothing lost. */
import { expect, test } from 'vitest';
import { TickWheel } from './tick-wheel.ts';
import { makeLease, type Lease } from './peers/lease.ts';

const TICK_MS = 250;

function lease(node: string): Lease {
  return makeLease({ kind: 'node', node }, { leaseMs: 1_000, aliveMs: 0, revision: 1 });
}

test('a lease is taken once, at its moment or up to a tick later', () => {
  const wheel = new TickWheel<Lease>({ tickMs: TICK_MS, nowMs: 0 });
  const atMsByLease = new Map<Lease, number>();
  for (let index = 0; index < 500; index++) {
    const held = lease(`n-${index}`);
    const atMs = (index * 7_919) % 10_000;
    atMsByLease.set(held, atMs);
    wheel.put(held, atMs);
  }
  for (let nowMs = 0; nowMs <= 11_000; nowMs += TICK_MS) {
    for (const taken of wheel.takeDue(nowMs)) {
      const atMs = atMsByLease.get(taken)!;
      expect(nowMs - atMs).toBeGreaterThanOrEqual(0);
      expect(nowMs - atMs).toBeLessThanOrEqual(TICK_MS);
      atMsByLease.delete(taken);
    }
  }
  expect(atMsByLease.size).toBe(0);
});

test('one that was put elsewhere is taken there alone, and one that was removed never', () => {
  const wheel = new TickWheel<Lease>({ tickMs: TICK_MS, nowMs: 0 });
  const [moved, removed] = [lease('moved'), lease('removed')];
  wheel.put(moved, 500);
  wheel.put(removed, 500);
  wheel.put(moved, 1_000);
  wheel.remove(removed);
  expect([...wheel.takeDue(900)]).toEqual([]);
  expect([...wheel.takeDue(60_000)]).toEqual([moved]);
  expect([...wheel.takeDue(120_000)]).toEqual([]);
});

test('what is put in during a sweep waits for the next', () => {
  const wheel = new TickWheel<Lease>({ tickMs: TICK_MS, nowMs: 0 });
  const held = lease('held');
  wheel.put(held, 0);
  for (const taken of wheel.takeDue(1_000)) wheel.put(taken, 0);
  expect([...wheel.takeDue(1_000)]).toEqual([]);
  expect([...wheel.takeDue(1_250)]).toEqual([held]);
});
