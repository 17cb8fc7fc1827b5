/**
 * Public entry: what the cluster's words are, and what follows from them. Pure.
 *
 *     vocabulary  events, subjects, targets, policies, live words: what may be said, and how it is checked
 *     fold        events ──► roster, its hash, its snapshots, and the difference between two of it
 *     commands    command × roster ──► the event to append
 *     sets        roster × a node's own view ──► who takes traffic
 */
export { backoffLimitMs, backoffMs, RETRY_BACKOFF, type Backoff } from './backoff.ts';
export { clip, messageOf } from './error-text.ts';
export {
  BrokenInvariant,
  causeOf,
  invariant,
  MusterError,
  present,
  type FailureSource,
  type MusterErrorOptions,
} from './muster-error.ts';

export { isInAny, parseCidr, type Cidr } from './vocabulary/cidr.ts';
export { ejectionPolicyOf, type EjectionPolicy } from './vocabulary/ejection-policy.ts';
export * from './vocabulary/event.ts';
export {
  asksTheSame,
  fastIntervalMs,
  healthPolicySchema,
  statusRanges,
  type HealthPolicy,
  type StatusRange,
} from './vocabulary/health-policy.ts';
export { poolsOf } from './vocabulary/http-fields.ts';
export { isTooDeep, NESTING_MAX } from './vocabulary/json-depth.ts';
export * from './vocabulary/live-words.ts';
export { nearestName } from './vocabulary/nearest-name.ts';
export {
  decodeEvent,
  describeIssues,
  parsePayload,
  PAYLOAD_CHARACTERS_MAX,
  type DecodedEvent,
  type RecordedEvent,
  type Rejection,
  type RejectionReason,
} from './vocabulary/recorded-event.ts';
export * from './vocabulary/subject.ts';
export * from './vocabulary/target.ts';

export * from './fold/diff.ts';
export { evolve, fold, type Folded } from './fold/evolve.ts';
export { foldBatch, type FoldBatchOptions, type FoldedEvents, type FoldWitness } from './fold/fold-batch.ts';
export { rosterHash } from './fold/hash.ts';
export * from './fold/reword.ts';
export {
  emptyRoster,
  observationBy,
  type Backend,
  type Digest,
  type Ejection,
  type Health,
  type Listener,
  type NodeRecord,
  type Observation,
  type Pool,
  type Reasoned,
  type Roster,
  type Sourced,
} from './fold/roster.ts';
export * from './fold/snapshot.ts';
export type { SortedMap } from './fold/sorted-map.ts';

export * from './commands/command.ts';
export * from './commands/decide.ts';
export { holdsAllOf, restorationSteps, restoringEvent, type RestorationStep } from './commands/restoration.ts';
export { mergePatch, type SpecChange } from './commands/spec-change.ts';

export * from './sets/backend-set.ts';
export * from './sets/eligibility.ts';
export * from './sets/pending-facts.ts';
export { isFinding, judge, jitteredMs, type Judgement } from './sets/rise-fall.ts';
export { eligibleSinceMs, slowStartRatio } from './sets/slow-start.ts';
