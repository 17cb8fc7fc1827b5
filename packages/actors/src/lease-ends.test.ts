/** How a lease that is over is ended in the journal: with which expectation, how often, and when no more. */
import type { AppendOptions, AppendOutcome, NewEvent } from '@muster/journal';
import { expect, test } from 'vitest';
import { Hearing, SWEEP_INTERVAL_MS } from './hearing.ts';
import { makeLease } from './lease.ts';
import { Leases } from './leases.ts';
import { SimulatedClock } from './simulated-clock.ts';

const LEASE_MS = 10_000;
const REVISION = 4;

/** A node that hears, and watches a silent one, whose record it folded at `REVISION`. `answer`: of the journal, each time. */
function watching(answer: AppendOutcome, { takenIds = 0 } = {}) {
  const clock = new SimulatedClock();
  const errors: string[] = [];
  const log = { info: () => undefined, warn: () => undefined, error: (_: object, text: string) => errors.push(text) };
  const hearing = new Hearing({ clock, log });
  hearing.wireChanged(true);
  const folded = { revision: REVISION };
  const expectations: AppendOptions['expectedRevision'][] = [];
  const ids: string[] = [];
  const append = async ({ id }: NewEvent, options: AppendOptions = {}): Promise<AppendOutcome> => {
    expectations.push(options.expectedRevision);
    ids.push(id);
    return ids.length > takenIds ? answer : { outcome: 'refused', reason: 'id-taken', message: 'taken' };
  };
  const journal = { append };
  const revision = () => folded.revision;
  const leases = new Leases({ node: 'lb-1', cluster: 'demo', journal, revision, hearing, clock, log });
  const aliveMs = clock.elapsedMs();
  leases.hold(makeLease({ kind: 'node', node: 'lb-2' }, { leaseMs: LEASE_MS, aliveMs, revision: REVISION }));
  const pass = async (durationMs: number): Promise<void> => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += SWEEP_INTERVAL_MS) {
      await clock.advance(SWEEP_INTERVAL_MS);
      hearing.check(true);
      hearing.heardSelf();
      leases.sweep();
    }
  };
  return { leases, folded, expectations, ids, errors, pass };
}

test('what expects the newest event that is known, and loses, waits until this node has folded what won', async () => {
  const { folded, expectations, pass } = watching({ outcome: 'conflict', actualRevision: 9 });
  await pass(30_000);
  expect(expectations).toEqual([REVISION]);
  folded.revision = 8;
  await pass(5_000);
  expect(expectations).toEqual([REVISION]);
  folded.revision = 9;
  await pass(1_000);
  expect(expectations).toEqual([REVISION, 9]);
});

test('what the journal does not take now is tried again each second', async () => {
  const { expectations, pass } = watching({ outcome: 'unavailable', message: 'away' });
  await pass(LEASE_MS + 4_500);
  expect(expectations).toEqual(Array(5).fill(REVISION));
});

test('what the journal refuses is tried again after a lease, and said', async () => {
  const { expectations, errors, pass } = watching({ outcome: 'refused', reason: 'not-permitted', message: 'no right' });
  await pass(2.5 * LEASE_MS);
  expect(expectations).toEqual([REVISION, REVISION]);
  expect(errors[0]).toBe('the journal refuses the end of the lease of node lb-2: no right');
});

test('an end whose id somebody else has used is appended at once, under one that nobody can foresee', async () => {
  const taken = { outcome: 'appended', revision: 5, isDuplicate: false } as const;
  const { ids, expectations, pass } = watching(taken, { takenIds: 1 });
  const other = watching(taken, { takenIds: 1 });
  await pass(LEASE_MS + 500);
  await other.pass(LEASE_MS + 500);
  expect(expectations.slice(0, 2)).toEqual([REVISION, REVISION]);
  expect(ids[0]).toBe(`lease-expired.node.lb-2.${REVISION}`);
  expect(ids[1]).toMatch(/^lease-expired\.[0-9a-f-]{36}$/);
  expect(other.ids[0]).toBe(ids[0]);
  expect(other.ids[1]).not.toBe(ids[1]);
});

test('a node that has stopped ends none', async () => {
  const { leases, expectations, pass } = watching({ outcome: 'unavailable', message: 'away' });
  leases.close();
  await pass(3 * LEASE_MS);
  expect(expectations).toEqual([]);
});
