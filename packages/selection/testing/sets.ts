/** BackendSets for the tests of this package. */
import { poolSpecSchema, type BackendSet, type PoolSpec } from '@muster/membership';
import * as fc from 'fast-check';

export type PolicyName = PoolSpec['policy'];

export function setOf(weightById: Readonly<Record<string, number>>): BackendSet {
  return {
    pool: 'p',
    spec: poolSpecSchema.parse({}),
    revision: 1,
    backends: Object.entries(weightById)
      .map(([id, weight]) => ({ id, weight, target: `${id}:80`, isEligible: true }))
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    isPanic: false,
    steadyAtMs: null,
    rosterRevision: 1,
    madeMs: 0,
    pendingFacts: [],
  };
}

/** Backends `b-0`, `b-1` and so on. */
export function setOfSize(size: number, weightOf: (index: number) => number): BackendSet {
  return setOf(Object.fromEntries(Array.from({ length: size }, (_, index) => [`b-${index}`, weightOf(index)])));
}

const weight = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 100_000 }));

/** None to a dozen backends out of two dozen ids, so that sets which follow each other share some. */
export const arbitrarySet: fc.Arbitrary<BackendSet> = fc
  .dictionary(
    fc.integer({ min: 0, max: 23 }).map((index) => `b-${index}`),
    weight,
    { maxKeys: 12 },
  )
  .chain((weightById) =>
    fc.boolean().map((isEqual) => {
      return setOf(isEqual ? Object.fromEntries(Object.keys(weightById).map((id) => [id, 1])) : weightById);
    }),
  );
