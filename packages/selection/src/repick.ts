/**
 * A recorded pick, made again: what lets a decision be explained long after it was taken, on another machine.
 *
 * It is the policy itself that picks, put into the state that the inputs tell of. Nothing of the present is looked at: the
 * in-flight counts are those that were recorded.
 */
import type { Candidate, PoolSpec } from '@muster/membership';
import { policyKinds, type RepickObstacle } from './policies.ts';
import type { PickInputs, PickRequest, PickSet } from './selection-policy.ts';

export type Repicked =
  /** Null: everybody was excluded, or the set was empty. */
  { readonly ok: true; readonly backend: Candidate | null } | { readonly ok: false; readonly reason: RepickObstacle };

/** What a decision's record says of its pick, besides the set. */
export interface RecordedPick {
  readonly isExcluded: PickRequest['isExcluded'];
  readonly keyHash: number;
  readonly inputs: PickInputs;
}

/** What `policy` picked from `set` when that was recorded. Pure; O(n), at 10,000 backends a few milliseconds. */
export function repick(policy: PoolSpec['policy'], set: PickSet, recorded: RecordedPick): Repicked {
  const { isExcluded, keyHash, inputs } = recorded;
  const resumed = policyKinds[policy].resume(set, inputs);
  if (typeof resumed === 'string') return { ok: false, reason: resumed };
  const inFlightById = new Map(inputs.consulted.map(({ id, inFlight }) => [id, inFlight]));
  let isComplete = true;
  const inFlightOf = ({ id }: Candidate): number => {
    const inFlight = inFlightById.get(id);
    isComplete &&= inFlight !== undefined;
    return inFlight ?? 0;
  };
  const backend = resumed.pick(set, { isExcluded, keyHash, inFlightOf, inFlightTotal: inputs.inFlightTotal });
  return isComplete ? { ok: true, backend } : { ok: false, reason: 'inputs_of_another_set' };
}
