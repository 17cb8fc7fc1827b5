/** What every policy owes: nobody excluded, somebody as long as there is one, shares by weight, the same again. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSelectionPolicy, policyKinds } from './policies.ts';
import { hashOfKey } from './hash.ts';
import { RandomSequence } from './random-sequence.ts';
import { ANY_BACKEND, type PickRequest } from './selection-policy.ts';
import { arbitrarySet, setOf, setOfSize, type PolicyName } from '../testing/sets.ts';

const names = Object.keys(policyKinds) as PolicyName[];

/** Any set, of which some are excluded, and a key. */
const situations = arbitrarySet.chain((set) =>
  fc.record({
    set: fc.constant(set),
    excluded: fc.subarray(set.backends.map(({ id }) => id)),
    keys: fc.array(fc.string(), { minLength: 1, maxLength: 20 }),
    inFlight: fc.nat({ max: 20 }),
    startOffset: fc.nat({ max: 100 }),
  }),
);

const requestWithout = (excluded: readonly string[], key: string, inFlight: number): PickRequest => ({
  isExcluded: ({ id }) => excluded.includes(id),
  keyHash: hashOfKey(key),
  inFlightOf: ({ id }) => (hashOfKey(id + key) % 5) * inFlight,
  inFlightTotal: inFlight,
});

describe.each(names)('%s', (name) => {
  test('never picks an excluded backend, and picks nobody only where all are excluded', () => {
    fc.assert(
      fc.property(situations, ({ set, excluded, keys, inFlight, startOffset }) => {
        const policy = createSelectionPolicy(name, { startOffset });
        for (const key of keys) {
          const picked = policy.pick(set, requestWithout(excluded, key, inFlight));
          const eligible = set.backends.filter(({ id }) => !excluded.includes(id));
          expect(eligible.length === 0 ? [null] : eligible).toContain(picked);
        }
      }),
    );
  });

  test('picks the same again from the same sets and requests', () => {
    fc.assert(
      fc.property(fc.array(situations, { minLength: 1, maxLength: 10 }), fc.nat({ max: 9 }), (history, startOffset) => {
        const run = () => {
          const policy = createSelectionPolicy(name, { startOffset });
          return history.flatMap(({ set, excluded, keys, inFlight }) =>
            keys.map((key) => policy.pick(set, requestWithout(excluded, key, inFlight))?.id),
          );
        };
        expect(run()).toEqual(run());
      }),
    );
  });

  test('finds the one backend of many that is not excluded', () => {
    const set = setOfSize(300, (index) => 1 + (index % 7));
    const policy = createSelectionPolicy(name, { startOffset: 3 });
    const wanted = set.backends[217]!;
    for (let key = 0; key < 50; key++) {
      const request = {
        ...ANY_BACKEND,
        keyHash: hashOfKey(`${key}`),
        isExcluded: (backend: object) => backend !== wanted,
      };
      expect(policy.pick(set, request)).toBe(wanted);
    }
  });

  test('treats a candidate that is here for panic alone as any other', () => {
    const set = setOf({ a: 1, b: 1 });
    const panicking = {
      ...set,
      backends: set.backends.map((backend) => ({ ...backend, isEligible: backend.id === 'a' })),
    };
    const policy = createSelectionPolicy(name, { startOffset: 0 });
    const ids = Array.from({ length: 100 }, (_, key) => {
      return policy.pick(panicking, { ...ANY_BACKEND, keyHash: hashOfKey(`${key}`) })!.id;
    });
    expect(new Set(ids)).toEqual(new Set(['a', 'b']));
  });
});

/** Chi-square of counted picks against the weights, over its degrees of freedom: about 1 for a fair draw. */
function unfairness(counts: ReadonlyMap<string, number>, weights: Readonly<Record<string, number>>): number {
  const pickTotal = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const weightTotal = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  const terms = Object.entries(weights).map(([id, weight]) => {
    const expected = (pickTotal * weight) / weightTotal;
    return ((counts.get(id) ?? 0) - expected) ** 2 / expected;
  });
  return terms.reduce((sum, term) => sum + term, 0) / (terms.length - 1);
}

const weights = { a: 100_000, b: 50_000, c: 25_000, d: 12_500, e: 12_500, f: 3_000 };

function countsOf(pick: (turn: number) => string, turns: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let turn = 0; turn < turns; turn++) {
    const id = pick(turn);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

describe('shares', () => {
  // With 5 degrees of freedom a fair draw exceeds 4 once in 900 seeds; the seed is fixed.
  test.each(['random', 'consistent_hash'] as const)('%s draws by weight', (name) => {
    const policy = createSelectionPolicy(name, { startOffset: 5 });
    const set = setOf(weights);
    const counts = countsOf((turn) => {
      return policy.pick(set, { ...ANY_BACKEND, keyHash: hashOfKey(`user-${turn}`) })!.id;
    }, 20_000);
    expect(unfairness(counts, weights)).toBeLessThan(4);
  });

  test('random and the rest of a set keep their proportions while one is excluded', () => {
    const policy = createSelectionPolicy('random', { startOffset: 1 });
    const { a: _, ...others } = weights;
    const counts = countsOf(() => {
      return policy.pick(setOf(weights), { ...ANY_BACKEND, isExcluded: ({ id }) => id === 'a' })!.id;
    }, 20_000);
    expect(unfairness(counts, others)).toBeLessThan(4);
  });

  test('least_requests fills backends in proportion to their weights, closer than chance does', () => {
    const loads = { a: 8, b: 4, c: 2, d: 1, e: 1 };
    const set = setOf(loads);
    const policy = createSelectionPolicy('least_requests', { startOffset: 2 });
    const inFlightById = new Map(Object.keys(loads).map((id) => [id, 0]));
    const underWay: string[] = [];
    const sequence = new RandomSequence(7);
    const request = { ...ANY_BACKEND, inFlightOf: ({ id }: { id: string }) => inFlightById.get(id)! };
    const finishAny = () => {
      const [done] = underWay.splice(Math.floor(sequence.next() * underWay.length), 1);
      inFlightById.set(done!, inFlightById.get(done!)! - 1);
    };
    const counts = countsOf(() => {
      if (underWay.length === 160) finishAny();
      const { id } = policy.pick(set, request)!;
      inFlightById.set(id, inFlightById.get(id)! + 1);
      underWay.push(id);
      return id;
    }, 20_000);
    for (const [id, weight] of Object.entries(loads)) {
      expect(counts.get(id)! / 20_000).toBeCloseTo(weight / 16, 1.6);
      expect(Math.abs(inFlightById.get(id)! - 10 * weight)).toBeLessThanOrEqual(5);
    }
  });

  test('least_requests gives a heavy backend among many light ones its half', () => {
    const set = setOf({
      heavy: 50,
      ...Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`light-${index}`, 1])),
    });
    const policy = createSelectionPolicy('least_requests', { startOffset: 2 });
    const counts = countsOf(
      () => policy.pick(set, { ...ANY_BACKEND, inFlightOf: ({ weight }) => 10 * weight })!.id,
      5_000,
    );
    expect(counts.get('heavy')! / 5_000).toBeGreaterThan(0.45);
  });

  test('of two equal backends least_requests takes the one with less to do', () => {
    const policy = createSelectionPolicy('least_requests', { startOffset: 0 });
    const set = setOf({ a: 2, b: 2 });
    for (let turn = 0; turn < 50; turn++) {
      expect(policy.pick(set, { ...ANY_BACKEND, inFlightOf: ({ id }) => (id === 'a' ? 3 : 2) })!.id).toBe('b');
    }
  });

  test('workers take different sequences of chances', () => {
    const set = setOfSize(50, () => 1);
    const sequenceOf = (startOffset: number) => {
      const policy = createSelectionPolicy('random', { startOffset });
      return Array.from({ length: 10 }, () => policy.pick(set, ANY_BACKEND)!.id);
    };
    expect(sequenceOf(0)).not.toEqual(sequenceOf(1));
  });
});
