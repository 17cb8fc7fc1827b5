/** How a lease that is over is ended in the journal: with which expectation, how often, and when no more. */
import type { AppendOptions, AppendOutcome, NewEvent } from '@muster/journal';
import { expect, test } from 'vitest';
import { Crowd } from './crowd.ts';
import { Doubts } from './doubts.ts';
import { Hearing, SWEEP_INTERVAL_MS } from './hearing.ts';
import { makeLease } from './lease.ts';
import { Leases } from './leases.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';

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
  /** Whether the journal's leader is heard. */
  const leader = { isHeard: true };
  const expectations: AppendOptions['expectedRevision'][] = [];
  const ids: string[] = [];
  const append = async ({ id }: NewEvent, options: AppendOptions = {}): Promise<AppendOutcome> => {
    expect(options.isOnce).toBe(true);
    expectations.push(options.expectedRevision);
    ids.push(id);
    return ids.length > takenIds ? answer : { outcome: 'refused', reason: 'id-taken', message: 'taken' };
  };
  const journal = { append };
  const revision = () => folded.revision;
  const crowd = new Crowd({ clock, onSuspicion: () => undefined, onOver: () => undefined });
  let confirmedMs = -Infinity;
  const doubts = new Doubts({ hearing, clock, onMissed: () => undefined });
  const ports = { journal, revision, hearing, crowd, doubts, confirmedMs: () => confirmedMs, clock, log };
  const leases = new Leases({ node: 'lb-1', cluster: 'demo', ...ports });
  const aliveMs = clock.elapsedMs();
  const lease = makeLease({ kind: 'node', node: 'lb-2' }, { leaseMs: LEASE_MS, aliveMs, revision: REVISION });
  leases.hold(lease);
  const hear = () => void (lease.aliveMs = clock.elapsedMs());
  const pass = async (durationMs: number): Promise<void> => {
    for (let passedMs = 0; passedMs < durationMs; passedMs += SWEEP_INTERVAL_MS) {
      await clock.advance(SWEEP_INTERVAL_MS);
      hearing.check(null);
      hearing.heardSelf();
      if (leader.isHeard) confirmedMs = clock.elapsedMs();
      leases.sweep();
    }
  };
  return { leases, folded, leader, hear, expectations, ids, errors, pass };
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

test.each(['unavailable', 'unknown'] as const)(
  'an end that was answered `%s` is judged anew after a full lease, and not said again where its holder was heard meanwhile',
  async (outcome) => {
    const silent = watching({ outcome, message: 'away' });
    await silent.pass(LEASE_MS + 9_000);
    expect(silent.expectations).toEqual([REVISION]);
    await silent.pass(2_000);
    expect(silent.expectations).toEqual([REVISION, REVISION]);
    const heard = watching({ outcome, message: 'away' });
    await heard.pass(LEASE_MS + 1_000);
    heard.hear();
    await heard.pass(9_000);
    expect(heard.expectations).toEqual([REVISION]);
  },
);

test('nothing ends before the leader has spoken after the deadline', async () => {
  const { leader, expectations, pass } = watching({ outcome: 'conflict', actualRevision: 9 });
  await pass(LEASE_MS - 1_000);
  leader.isHeard = false;
  await pass(3 * LEASE_MS);
  expect(expectations).toEqual([]);
  leader.isHeard = true;
  await pass(1_000);
  expect(expectations).toEqual([REVISION]);
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
