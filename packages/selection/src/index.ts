/** Public entry: which backend takes the next connection or request. */
export { createSelectionPolicy, type PolicyOptions } from './policies.ts';
export { ANY_BACKEND, type PickRequest, type SelectionPolicy } from './selection-policy.ts';
export { smoothWeightedRoundRobin } from './smooth-weighted-round-robin.ts';
