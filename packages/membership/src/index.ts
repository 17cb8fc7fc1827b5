/** Public entry: the vocabulary and the fold. */
export * from './sets/backend-set.ts';
export { isInAny, parseCidr, type Cidr } from './vocabulary/cidr.ts';
export * from './commands/command.ts';
export * from './commands/decide.ts';
export * from './fold/diff.ts';
export { ejectionPolicyOf, type EjectionPolicy } from './vocabulary/ejection-policy.ts';
export * from './sets/eligibility.ts';
export { messageOf } from './error-text.ts';
export * from './vocabulary/event.ts';
export { evolve, fold, type Folded } from './fold/evolve.ts';
export { foldBatch, type FoldBatchOptions, type FoldedEvents, type FoldWitness } from './fold/fold-batch.ts';
export { rosterHash } from './fold/hash.ts';
export {
  asksTheSame,
  fastIntervalMs,
  healthPolicySchema,
  statusRanges,
  type HealthPolicy,
  type StatusRange,
} from './vocabulary/health-policy.ts';
export { poolsOf } from './vocabulary/http-fields.ts';
export * from './vocabulary/json-schema.ts';
export * from './vocabulary/live-words.ts';
export {
  BrokenInvariant,
  invariant,
  MusterError,
  present,
  type FailureSource,
  type MusterErrorOptions,
} from './muster-error.ts';
export * from './vocabulary/names.ts';
export { nearestName } from './vocabulary/nearest-name.ts';
export { isTooDeep, NESTING_MAX } from './vocabulary/json-depth.ts';
export * from './sets/pending-facts.ts';
export * from './vocabulary/recorded-event.ts';
export { holdsAllOf, restorationSteps, restoringEvent, type RestorationStep } from './commands/restoration.ts';
export * from './fold/reword.ts';
export { isFinding, judge, nextProbeDelayMs, type Judgement } from './sets/rise-fall.ts';
export * from './fold/roster.ts';
export { eligibleSinceMs, slowStartRatio } from './sets/slow-start.ts';
export * from './fold/snapshot.ts';
export { mergePatch, type SpecChange } from './commands/spec-change.ts';
export type { SortedMap } from './fold/sorted-map.ts';
export * from './vocabulary/subject.ts';
export * from './vocabulary/target.ts';
