/** A pick that was recorded comes out the same when it is made again from the record. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashOfKey } from './hash.ts';
import { createSelectionPolicy, policyKinds } from './policies.ts';
import { repick } from './repick.ts';
import { ANY_BACKEND, type PickInputs, type PickRequest } from './selection-policy.ts';
import { WEIGHTS_KEPT_MAX } from './smooth-weighted-round-robin.ts';
import { arbitrarySet, setOf, setOfSize, type PolicyName } from '../testing/sets.ts';

const names = Object.keys(policyKinds) as PolicyName[];

const steps = fc.record({
  set: fc.option(arbitrarySet, { nil: null, freq: 3 }),
  excludedRemainder: fc.option(fc.nat({ max: 3 }), { nil: null }),
  keyHash: fc.nat({ max: 0xffff_ffff }),
  inFlight: fc.dictionary(
    fc.nat({ max: 23 }).map((index) => `b-${index}`),
    fc.nat({ max: 9 }),
  ),
});

const recordOf = (inputs: PickInputs) => JSON.parse(JSON.stringify(inputs)) as PickInputs;

describe.each(names)('%s', (name) => {
  test('a recorded pick is the pick, whatever came before and after it', () => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 1, maxLength: 30 }), fc.nat({ max: 50 }), (history, startOffset) => {
        const policy = createSelectionPolicy(name, { startOffset });
        let set = setOf({ 'b-1': 2, 'b-2': 1 });
        const recorded = history.map((step) => {
          set = step.set ?? set;
          const { excludedRemainder, keyHash, inFlight } = step;
          const isExcluded: PickRequest['isExcluded'] =
            excludedRemainder === null ? null : ({ id }) => hashOfKey(id) % 4 <= excludedRemainder;
          const inFlightOf = ({ id }: { id: string }) => inFlight[id] ?? 0;
          const inFlightTotal = Object.values(inFlight).reduce((sum, count) => sum + count, 0);
          const backend = policy.pick(set, { isExcluded, keyHash, inFlightOf, inFlightTotal });
          return { set, isExcluded, keyHash, backend, kept: policy.inputs.weights, inputs: recordOf(policy.inputs) };
        });
        for (const { backend, kept, ...pick } of recorded) {
          expect(repick(name, pick.set, pick)).toEqual({ ok: true, backend });
          expect(kept).toEqual(pick.inputs.weights);
        }
      }),
    );
  });

  test('the inputs are one object, used again', () => {
    const policy = createSelectionPolicy(name, { startOffset: 0 });
    const { inputs } = policy;
    policy.pick(setOf({ a: 1, b: 1 }), ANY_BACKEND);
    expect(policy.inputs).toBe(inputs);
  });
});

describe('what cannot be made again', () => {
  const recorded = { isExcluded: null, keyHash: 0 };

  test('different weights of more backends than are kept', () => {
    const policy = createSelectionPolicy('round_robin', { startOffset: 0 });
    const [large, largest] = [WEIGHTS_KEPT_MAX + 1, WEIGHTS_KEPT_MAX].map((size) =>
      setOfSize(size, (index) => 1 + (index % 2)),
    );
    policy.pick(large!, ANY_BACKEND);
    const unknown = { ok: false, reason: 'weights_not_kept' };
    expect(repick('round_robin', large!, { ...recorded, inputs: recordOf(policy.inputs) })).toEqual(unknown);
    const backend = policy.pick(largest!, ANY_BACKEND);
    expect(repick('round_robin', largest!, { ...recorded, inputs: recordOf(policy.inputs) })).toEqual({
      ok: true,
      backend,
    });
  });

  const nothing: PickInputs = { cursor: 0, weights: null, consulted: [], inFlightTotal: 0 };
  const consulted = [{ id: 'z', inFlight: 1 }];
  test.each([
    { what: 'a turn beyond its end', name: 'round_robin', set: { a: 1, b: 1 }, inputs: { ...nothing, cursor: 2 } },
    { what: 'weights where all are equal', name: 'round_robin', set: { a: 1 }, inputs: { ...nothing, weights: [0] } },
    { what: 'no weights where they differ', name: 'round_robin', set: { a: 1, b: 2 }, inputs: nothing },
    { what: 'fewer weights', name: 'round_robin', set: { a: 1, b: 2 }, inputs: { ...nothing, weights: [0] } },
    { what: 'the counts of others', name: 'least_requests', set: { a: 1, b: 2 }, inputs: { ...nothing, consulted } },
    { what: 'the count of another', name: 'consistent_hash', set: { a: 1, b: 2 }, inputs: { ...nothing, consulted } },
  ] as const)('inputs of another set: $what', ({ name, set, inputs }) => {
    const unknown = { ok: false, reason: 'inputs_of_another_set' };
    expect(repick(name, setOf(set), { ...recorded, inputs })).toEqual(unknown);
  });
});
