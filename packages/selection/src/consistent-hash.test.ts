/** Where keys go, what a change moves, and how far the load of one backend may rise. */
import type { BackendSet } from '@muster/membership';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConsistentHash } from './consistent-hash.ts';
import { hashOfKey } from './hash.ts';
import { RandomSequence } from './random-sequence.ts';
import { ANY_BACKEND } from './selection-policy.ts';
import { arbitrarySet, setOf, setOfSize } from '../testing/sets.ts';

const KEYS = Array.from({ length: 4_000 }, (_, index) => hashOfKey(`10.1.${index >> 8}.${index & 255}`));

const mapping = (policy: ConsistentHash, set: BackendSet) =>
  KEYS.map((keyHash) => policy.pick(set, { ...ANY_BACKEND, keyHash })!.id);

const freshMapping = (set: BackendSet) => mapping(new ConsistentHash(), set);

const without = (set: BackendSet, id: string): BackendSet => ({
  ...set,
  backends: set.backends.filter((backend) => backend.id !== id),
});

describe('the mapping', () => {
  test('is a promise: these keys go to these backends', () => {
    const set = setOf({ alpha: 1, beta: 1, gamma: 2, delta: 1_000 });
    const owners = ['10.0.0.1', '10.0.0.2', 'user-17', '/cart', ''].map(
      (key) => new ConsistentHash().pick(without(set, 'delta'), { ...ANY_BACKEND, keyHash: hashOfKey(key) })!.id,
    );
    expect(owners).toEqual(['alpha', 'alpha', 'gamma', 'beta', 'alpha']);
    expect(freshMapping(set).filter((id) => id === 'delta').length / KEYS.length).toBeGreaterThan(0.99);
  });

  test.each([3, 40, 200])('of %i backends depends on the set alone, not on the sets before it', (size) => {
    const sequence = new RandomSequence(size);
    const used = new ConsistentHash();
    let newest = setOfSize(size, () => 1);
    for (let change = 0; change < 12; change++) {
      mapping(used, newest);
      const kept = newest.backends.filter(() => sequence.next() > 0.05);
      const weightById = Object.fromEntries(
        kept.map(({ id, weight }) => [id, sequence.next() > 0.05 ? weight : 1 + Math.floor(sequence.next() * 100_000)]),
      );
      while (Object.keys(weightById).length < size) weightById[`n-${Math.floor(sequence.next() * 1e6)}`] = 1;
      newest = setOf(weightById);
    }
    expect(mapping(used, newest)).toEqual(freshMapping(newest));
  });

  test('survives more changes than there are numbers for members', () => {
    const used = new ConsistentHash();
    const sets = [0, 1, 2].map((round) => setOfSize(100, (index) => 1 + ((index + round) % 3)));
    for (let change = 0; change < 2_100; change++)
      used.pick(sets[change % 3]!, { ...ANY_BACKEND, keyHash: KEYS[change % 7]! });
    for (const set of sets) expect(mapping(used, set)).toEqual(freshMapping(set));
  });

  test('does not ask how large the weights are, but what part of the whole each is', () => {
    fc.assert(
      fc.property(
        arbitrarySet,
        fc.integer({ min: 2, max: 7 }),
        fc.nat({ max: 0xffff_ffff }),
        (set, exponent, keyHash) => {
          const scaled = { ...set, backends: set.backends.map((b) => ({ ...b, weight: b.weight * 2 ** exponent })) };
          const [pick, scaledPick] = [set, scaled].map((each) =>
            new ConsistentHash().pick(each, { ...ANY_BACKEND, keyHash }),
          );
          expect(scaledPick?.id).toBe(pick?.id);
        },
      ),
    );
  });
});

describe.each([10, 200])('a change to a set of %i', (size) => {
  const set = setOfSize(size, (index) => 1 + (index % 3));
  const before = freshMapping(set);

  test('that takes a backend away moves its keys and no other', () => {
    const after = freshMapping(without(set, 'b-4'));
    const moved = KEYS.map((_, index) => index).filter((index) => before[index] !== after[index]);
    expect(moved).toEqual(KEYS.map((_, index) => index).filter((index) => before[index] === 'b-4'));
    expect(moved.length).toBeGreaterThan(0);
  });

  test('that gives a backend less weight moves keys away from it alone, and as many as it should', () => {
    const after = freshMapping({
      ...set,
      backends: set.backends.map((backend) => (backend.id === 'b-5' ? { ...backend, weight: 1 } : backend)),
    });
    const moved = before.filter((id, index) => id !== after[index]);
    expect(new Set(moved)).toEqual(new Set(['b-5']));
    expect(after.filter((id) => id === 'b-5').length).toBeLessThan(before.filter((id) => id === 'b-5').length / 2);
  });

  test('is the same to a key as an excluded backend', () => {
    const policy = new ConsistentHash();
    const excluding = KEYS.map(
      (keyHash) => policy.pick(set, { ...ANY_BACKEND, keyHash, isExcluded: ({ id }) => id === 'b-4' })!.id,
    );
    expect(excluding).toEqual(freshMapping(without(set, 'b-4')));
  });
});

describe('bounded load', () => {
  test('no backend holds more than its share and a quarter, rounded up, however popular one key is', () => {
    fc.assert(
      fc.property(arbitrarySet, fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 150 }), (set, keys) => {
        fc.pre(set.backends.length > 0);
        const policy = new ConsistentHash();
        const inFlightById = new Map<string, number>();
        const weightTotal = set.backends.reduce((sum, { weight }) => sum + weight, 0);
        keys.forEach((key, inFlightTotal) => {
          const inFlightOf = ({ id }: { id: string }) => inFlightById.get(id) ?? 0;
          const request = { isExcluded: null, keyHash: hashOfKey(`${key}`), inFlightOf, inFlightTotal };
          const picked = policy.pick(set, request)!;
          const inFlight = inFlightOf(picked) + 1;
          inFlightById.set(picked.id, inFlight);
          expect(inFlight).toBeLessThanOrEqual(Math.ceil((1.25 * (inFlightTotal + 1) * picked.weight) / weightTotal));
        });
      }),
    );
  });

  test('a crowded owner passes its key to the backend that would have it without the owner, and back again', () => {
    const set = setOfSize(100, () => 1);
    const policy = new ConsistentHash();
    const keyHash = hashOfKey('popular');
    const owner = policy.pick(set, { ...ANY_BACKEND, keyHash })!.id;
    const next = new ConsistentHash().pick(without(set, owner), { ...ANY_BACKEND, keyHash })!.id;
    const request = { ...ANY_BACKEND, keyHash, inFlightTotal: 99 };
    expect(policy.pick(set, { ...request, inFlightOf: ({ id }) => (id === owner ? 2 : 1) })!.id).toBe(next);
    expect(policy.inputs.consulted.map(({ id }) => id)).toContain(owner);
    expect(policy.pick(set, { ...request, inFlightOf: () => 1 })!.id).toBe(owner);
    expect(policy.inputs.consulted).toEqual([{ id: owner, inFlight: 1 }]);
  });

  test('where all that is left is crowded, the first of it takes the request all the same', () => {
    const set = setOfSize(20, () => 1);
    const request = { ...ANY_BACKEND, keyHash: hashOfKey('k'), inFlightTotal: 20 };
    const owner = new ConsistentHash().pick(set, request)!.id;
    expect(new ConsistentHash().pick(set, { ...request, inFlightOf: () => 9 })!.id).toBe(owner);
  });
});
