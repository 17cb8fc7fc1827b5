/** Public entry: the vocabulary and the fold. */
export * from './backend-set.ts';
export { isInAny, parseCidr, type Cidr } from './cidr.ts';
export * from './command.ts';
export * from './decide.ts';
export * from './diff.ts';
export { ejectionPolicyOf, type EjectionPolicy } from './ejection-policy.ts';
export * from './eligibility.ts';
export { messageOf } from './error-text.ts';
export * from './event.ts';
export { evolve, fold, type Folded } from './evolve.ts';
export { foldBatch, type FoldBatchOptions, type FoldedEvents, type FoldWitness } from './fold-batch.ts';
export { rosterHash } from './hash.ts';
export {
  asksTheSame,
  fastIntervalMs,
  healthPolicySchema,
  statusRanges,
  type HealthPolicy,
  type StatusRange,
} from './health-policy.ts';
export { poolsOf } from './http-words.ts';
export * from './json-schema.ts';
export * from './live-words.ts';
export {
  BrokenInvariant,
  invariant,
  MusterError,
  present,
  type FailureSource,
  type MusterErrorOptions,
} from './muster-error.ts';
export * from './names.ts';
export { nearestName } from './nearest-name.ts';
export { isTooDeep, NESTING_MAX } from './nesting.ts';
export * from './pending-facts.ts';
export * from './recorded-event.ts';
export { holdsAllOf, restorationSteps, restoringEvent, type RestorationStep } from './restoration.ts';
export * from './reword.ts';
export { isFinding, judge, nextProbeDelayMs, type Judgement } from './rise-fall.ts';
export * from './roster.ts';
export { eligibleSinceMs, slowStartRatio } from './slow-start.ts';
export * from './snapshot.ts';
export { mergePatch, type SpecChange } from './spec-change.ts';
export type { SortedMap } from './sorted-map.ts';
export * from './subject.ts';
export * from './target.ts';
