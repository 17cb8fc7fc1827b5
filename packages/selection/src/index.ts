/** Public entry: which backend takes the next connection or request. */
export type { DecidedAttempt, DecidedPick, Decision, RefusedPick, UnkeptInput } from './decision.ts';
export { hashOfKey } from './hash.ts';
export { createSelectionPolicy, type PolicyOptions, type RepickObstacle } from './policies.ts';
export { repick, type RecordedPick, type Repicked } from './repick.ts';
export {
  ANY_BACKEND,
  type Consultation,
  type PickInputs,
  type PickRequest,
  type PickSet,
  type SelectionPolicy,
} from './selection-policy.ts';
export { smoothWeightedRoundRobin, WEIGHTS_KEPT_MAX } from './smooth-weighted-round-robin.ts';
