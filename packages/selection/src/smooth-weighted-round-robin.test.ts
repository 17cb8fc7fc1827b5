/** Turns and weights, checked against nginx's algorithm written out plainly. */
import { poolSpecSchema, type BackendSet, type Candidate } from '@muster/membership';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSelectionPolicy } from './policies.ts';
import { ANY_BACKEND, type SelectionPolicy } from './selection-policy.ts';

const setOf = (weights: Record<string, number>): BackendSet => ({
  pool: 'p',
  spec: poolSpecSchema.parse({}),
  revision: 1,
  backends: Object.entries(weights)
    .map(([id, weight]) => ({ id, weight, target: `${id}:80`, isEligible: true }))
    .sort((a, b) => (a.id < b.id ? -1 : 1)),
  isPanic: false,
  steadyAtMs: null,
  rosterRevision: 1,
  madeMs: 0,
  pendingFacts: [],
});

const roundRobin = (startOffset = 0) => createSelectionPolicy('round_robin', { startOffset });

const take = (policy: SelectionPolicy, set: BackendSet, count: number) =>
  Array.from({ length: count }, () => policy.pick(set, ANY_BACKEND)!.id);

const without =
  (...ids: string[]) =>
  (backend: Candidate) =>
    ids.includes(backend.id);

/** nginx's algorithm as its documentation tells it, with nothing kept between sets. */
function nginxSequence(set: BackendSet, count: number): string[] {
  const peers = set.backends.map(({ id, weight }) => ({ id, weight, current: 0 }));
  return Array.from({ length: count }, () => {
    let total = 0;
    for (const peer of peers) {
      peer.current += peer.weight;
      total += peer.weight;
    }
    const best = peers.reduce((a, b) => (b.current > a.current ? b : a));
    best.current -= total;
    return best.id;
  });
}

const ids = fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', '1', '-'), minLength: 1 }), {
  minLength: 1,
  maxLength: 12,
});
const weightedSets = ids.chain((names) =>
  fc
    .array(fc.integer({ min: 1, max: 9 }), { minLength: names.length, maxLength: names.length })
    .map((weights) => setOf(Object.fromEntries(names.map((name, index) => [name, weights[index]!])))),
);
const equalSets = ids.map((names) => setOf(Object.fromEntries(names.map((name) => [name, 1]))));

describe('one set', () => {
  test('weights 5, 1, 1 give the smooth sequence, again and again', () => {
    const set = setOf({ a: 5, b: 1, c: 1 });
    expect(take(roundRobin(), set, 14).join('')).toBe('aabacaaaabacaa');
  });

  test('equal weights rotate strictly in id order', () => {
    expect(take(roundRobin(), setOf({ b: 3, a: 3, c: 3 }), 7).join('')).toBe('abcabca');
  });

  test('an empty set has nobody', () => {
    expect(roundRobin(3).pick(setOf({}), ANY_BACKEND)).toBeNull();
  });

  test('workers start at different backends', () => {
    const set = setOf({ a: 1, b: 1, c: 1 });
    expect([0, 1, 2, 3].map((offset) => take(roundRobin(offset), set, 1)[0]).join('')).toBe('abca');
  });

  test('the offset waits for the first set that has a backend', () => {
    const policy = roundRobin(1);
    policy.pick(setOf({}), ANY_BACKEND);
    expect(take(policy, setOf({ a: 1, b: 1 }), 2).join('')).toBe('ba');
  });

  test('is what nginx does, for any weights', () => {
    fc.assert(
      fc.property(weightedSets, fc.integer({ min: 1, max: 100 }), (set, count) => {
        expect(take(roundRobin(), set, count)).toEqual(nginxSequence(set, count));
      }),
    );
  });

  test('every round gives each backend exactly its weight, from any offset', () => {
    fc.assert(
      fc.property(weightedSets, fc.nat({ max: 40 }), (set, startOffset) => {
        const weightTotal = set.backends.reduce((sum, { weight }) => sum + weight, 0);
        const picks = take(roundRobin(startOffset), set, weightTotal);
        for (const { id, weight } of set.backends) expect(picks.filter((pick) => pick === id)).toHaveLength(weight);
      }),
    );
  });
});

describe('excluded backends', () => {
  test('a failed dial takes the next one, and the one after it is next', () => {
    const policy = roundRobin();
    const set = setOf({ a: 1, b: 1, c: 1 });
    expect(policy.pick(set, ANY_BACKEND)!.id).toBe('a');
    expect(policy.pick(set, { ...ANY_BACKEND, isExcluded: without('a') })!.id).toBe('b');
    expect(policy.pick(set, ANY_BACKEND)!.id).toBe('c');
  });

  test('nobody is left when all are excluded, and no turn is lost by asking', () => {
    const policy = roundRobin();
    const set = setOf({ a: 1, b: 1 });
    expect(policy.pick(set, { ...ANY_BACKEND, isExcluded: () => true })).toBeNull();
    expect(take(policy, set, 2).join('')).toBe('ab');
  });

  test('the others share by weight while one is passed over, and it is not owed what it missed', () => {
    fc.assert(
      fc.property(weightedSets, (set) => {
        fc.pre(set.backends.length > 1);
        const [excluded, ...others] = set.backends;
        const policy = roundRobin();
        const weightTotal = others.reduce((sum, { weight }) => sum + weight, 0);
        const picks = Array.from(
          { length: weightTotal },
          () => policy.pick(set, { ...ANY_BACKEND, isExcluded: without(excluded!.id) })!.id,
        );
        for (const { id, weight } of others) expect(picks.filter((pick) => pick === id)).toHaveLength(weight);
      }),
    );
  });
});

describe('set changes', () => {
  test('the turn goes on after the last picked id, also when that one left', () => {
    const policy = roundRobin();
    take(policy, setOf({ a: 1, b: 1, c: 1 }), 2);
    expect(take(policy, setOf({ a: 1, c: 1, d: 1 }), 3).join('')).toBe('cda');
  });

  test('an equal but new set object changes nothing for weighted backends', () => {
    fc.assert(
      fc.property(weightedSets, fc.integer({ min: 1, max: 30 }), (set, count) => {
        const policy = roundRobin();
        const picks = Array.from({ length: count }, () => policy.pick({ ...set }, ANY_BACKEND)!.id);
        expect(picks).toEqual(nginxSequence(set, count));
      }),
    );
  });

  test('between two turns of a backend that stays, every other one that stays has exactly one', () => {
    fc.assert(
      fc.property(fc.array(equalSets, { minLength: 5, maxLength: 40 }), (churn) => {
        const policy = roundRobin();
        const staying = ['x', 'y', 'z'];
        const picks = churn
          .map(({ backends }) =>
            setOf(Object.fromEntries([...backends.map(({ id }) => id), ...staying].map((id) => [id, 1]))),
          )
          .map((set) => policy.pick(set, ANY_BACKEND)!.id)
          .filter((id) => staying.includes(id));
        expect(picks).toEqual(picks.map((_, index) => staying[index % 3]));
      }),
    );
  });

  test('a weighted backend that stays is never starved or doubled by others coming and going', () => {
    fc.assert(
      fc.property(fc.array(weightedSets, { minLength: 1, maxLength: 60 }), (churn) => {
        const policy = roundRobin();
        let owed = 0;
        for (const { backends } of churn) {
          const set = setOf({ ...Object.fromEntries(backends.map(({ id, weight }) => [id, weight])), x: 5 });
          const weightTotal = set.backends.reduce((sum, { weight }) => sum + weight, 0);
          owed += 5 / weightTotal - (policy.pick(set, ANY_BACKEND)!.id === 'x' ? 1 : 0);
          expect(Math.abs(owed)).toBeLessThan(set.backends.length + 12);
        }
      }),
    );
  });
});
