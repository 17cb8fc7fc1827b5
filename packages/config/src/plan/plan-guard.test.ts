/** When a plan is asked back about: most of a kind goes, and nothing takes its place. */
import { listenerSpecSchema, poolSpecSchema } from '@muster/membership';
import { expect, test } from 'vitest';
import type { DeclaredRoster } from '../declared-roster.ts';
import { planApply } from './plan-apply.ts';
import { massRemoval, withoutRemovals } from './plan-guard.ts';
import type { PlannedRoster } from './plan-step.ts';

const AUTHOR = { origin: 'config:lb-1', takesOver: false };
type Pools = Readonly<Record<string, readonly string[]>>;
type Listeners = Readonly<Record<string, readonly [bind: string, pool: string]>>;

function declared(pools: Pools, listeners: Listeners = {}): DeclaredRoster {
  return {
    pools: Object.entries(pools).map(([id, targets]) => ({
      id,
      spec: poolSpecSchema.parse({}),
      backends: targets.map((target) => ({ id: target.replace(':', '-'), target, weight: 1 })),
    })),
    listeners: Object.entries(listeners).map(([id, [bind, pool]]) => ({
      id,
      spec: listenerSpecSchema.parse({ bind, pool }),
    })),
  };
}

function rosterOf(pools: Pools, listeners: Listeners = {}): PlannedRoster {
  const { origin } = AUTHOR;
  const wanted = declared(pools, listeners);
  const poolEntries = wanted.pools.map(({ id, spec, backends }) => {
    const entries = backends.map(({ id: backend, target, weight }) => {
      const fields = { target: { value: target }, weight: { value: weight }, leaseMs: null };
      return [backend, { id: backend, ...fields, origin, revision: 1 }] as const;
    });
    return [id, { id, spec, origin, revision: 1, backends: new Map(entries) }] as const;
  });
  const listenerEntries = wanted.listeners.map(({ id, spec }) => [id, { id, spec, origin, revision: 1 }] as const);
  return { pools: new Map(poolEntries), listeners: new Map(listenerEntries) };
}

const THREE: Pools = { a: ['h:1', 'h:2'], b: ['h:3'], c: ['h:4'] };

test.each<[string, PlannedRoster, DeclaredRoster, string | null]>([
  ['everything goes', rosterOf(THREE), declared({}), '3 of 3 pools, 4 of 4 backends'],
  ['two of three pools go', rosterOf(THREE), declared({ a: ['h:1', 'h:2'] }), '2 of 3 pools'],
  ['one of three pools goes', rosterOf(THREE), declared({ a: ['h:1', 'h:2'], b: ['h:3'] }), null],
  ['most backends go', rosterOf({ a: ['h:1', 'h:2', 'h:3'] }), declared({ a: ['h:1'] }), '2 of 3 backends'],
  ['all backends are replaced', rosterOf({ a: ['h:1', 'h:2'] }), declared({ a: ['h:3', 'h:4'] }), null],
  ['the only pool gets another name', rosterOf({ a: ['h:1'] }), declared({ b: ['h:1'] }), null],
  [
    'a listener gets another name',
    rosterOf({ a: [] }, { web: ['h:80', 'a'] }),
    declared({ a: [] }, { front: ['h:80', 'a'] }),
    null,
  ],
  [
    'two listeners swap their addresses',
    rosterOf({ a: [] }, { web: ['h:80', 'a'], api: ['h:81', 'a'] }),
    declared({ a: [] }, { web: ['h:81', 'a'], api: ['h:80', 'a'] }),
    null,
  ],
  ['the only listener goes', rosterOf({ a: [] }, { web: ['h:80', 'a'] }), declared({ a: [] }), '1 of 1 listeners'],
  ['nothing was owned', rosterOf({}), declared({}), null],
])('%s', (...[, roster, wanted, expected]) => {
  const steps = planApply(roster, wanted, AUTHOR);
  expect(massRemoval(roster, steps, AUTHOR.origin)).toBe(expected);
});

test('without its removals, a plan still lets listeners swap their addresses', () => {
  const roster = rosterOf({ a: [], b: [] }, { web: ['h:80', 'a'], api: ['h:81', 'a'], old: ['h:82', 'b'] });
  const wanted = declared({ a: [] }, { web: ['h:81', 'a'], api: ['h:80', 'a'] });
  const kept = withoutRemovals(planApply(roster, wanted, AUTHOR));
  const removed = kept.filter(({ action }) => action === 'remove').map(({ name }) => name);
  expect(removed.every((name) => name === 'web' || name === 'api')).toBe(true);
});
