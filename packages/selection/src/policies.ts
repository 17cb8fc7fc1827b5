/**
 * The policies by the name that a pool's spec gives. A new policy is one file and one line here; the compiler refuses
 * a name of the vocabulary that has no policy.
 */
import type { PoolSpec } from '@muster/membership';
import type { SelectionPolicy } from './selection-policy.ts';
import { smoothWeightedRoundRobin } from './smooth-weighted-round-robin.ts';

export interface PolicyOptions {
  /** How many turns into its sequence a policy starts, so that workers begin at different backends; at least 0. */
  readonly startOffset: number;
}

const policies: Record<PoolSpec['policy'], (options: PolicyOptions) => SelectionPolicy> = {
  round_robin: smoothWeightedRoundRobin,
};

export function createSelectionPolicy(name: PoolSpec['policy'], options: PolicyOptions): SelectionPolicy {
  return policies[name](options);
}
