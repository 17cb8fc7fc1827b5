/**
 * The policies by the name that a pool's spec gives. A new policy is one file and one line here; the compiler refuses
 * a name of the vocabulary that has no policy.
 */
import type { PoolSpec } from '@muster/membership';
import { ConsistentHash } from './consistent-hash.ts';
import { LeastRequests } from './least-requests.ts';
import { RandomPolicy } from './random.ts';
import { RandomSequence } from './random-sequence.ts';
import type { PickInputs, PickSet, SelectionPolicy } from './selection-policy.ts';
import { smoothWeightedRoundRobin, smoothWeightedRoundRobinFrom } from './smooth-weighted-round-robin.ts';

export interface PolicyOptions {
  /**
   * `round_robin`: how many turns into its sequence it starts, so that workers begin at different backends. `random` and
   * `least_requests`: which sequence of chances they take. At least 0. `consistent_hash` is the same for all.
   */
  readonly startOffset: number;
}

/** Why a pick cannot be had again. */
export type RepickObstacle =
  /** `round_robin` with different weights, in a set above `WEIGHTS_KEPT_MAX`. */
  | 'weights_not_kept'
  /** These inputs were not recorded with this set. */
  | 'inputs_of_another_set';

interface PolicyKind {
  readonly create: (options: PolicyOptions) => SelectionPolicy;
  /** A policy in the state in which it was when these inputs were recorded with that set. */
  readonly resume: (set: PickSet, inputs: PickInputs) => SelectionPolicy | RepickObstacle;
}

export const policyKinds: Readonly<Record<PoolSpec['policy'], PolicyKind>> = {
  round_robin: { create: smoothWeightedRoundRobin, resume: smoothWeightedRoundRobinFrom },
  least_requests: {
    create: ({ startOffset }) => new LeastRequests(new RandomSequence(startOffset)),
    resume: (_set, { cursor }) => new LeastRequests(RandomSequence.from(cursor)),
  },
  random: {
    create: ({ startOffset }) => new RandomPolicy(new RandomSequence(startOffset)),
    resume: (_set, { cursor }) => new RandomPolicy(RandomSequence.from(cursor)),
  },
  consistent_hash: { create: () => new ConsistentHash(), resume: () => new ConsistentHash() },
};

export function createSelectionPolicy(name: PoolSpec['policy'], options: PolicyOptions): SelectionPolicy {
  return policyKinds[name].create(options);
}
