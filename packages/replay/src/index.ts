/** Public entry: time travel over a journal. */
export type { CheckedRoster } from './checked-fold.ts';
export type { CheckpointOptions } from './checkpoints.ts';
export { eventRef, eventRefs, type EventRef } from './event-ref.ts';
export { checkText, type Disagreement, type HashCheck } from './hash-check.ts';
export { INSTANT_RULE, parseInstant, type Instant, type InstantText } from './instant.ts';
export { createReplay, type Replay, type ReplayOptions } from './replay.ts';
export { ReplayError, type HashDifference, type ReplayErrorCode, type ReplayErrorOptions } from './replay-error.ts';
export type { ReplaySource } from './replay-source.ts';
export {
  stateView,
  type BackendState,
  type ListenerState,
  type NodeState,
  type PoolState,
  type StateView,
  type StateViewOptions,
} from './state-view.ts';
export {
  EVENT_FILTER_FIELDS,
  eventFilter,
  parseEventFilter,
  type EventFilter,
  type EventPredicate,
} from './event-filter.ts';
export { diffView, type DiffView, type DiffViewOptions, type EntityChange, type FieldChange } from './diff-view.ts';
export type { ChangedField, FieldValue } from './changed-fields.ts';
export { parseAccessLine, type AccessLine, type AccessLineAttempt, type AccessLineOutcome } from './access-line.ts';
export {
  explainRequest,
  type ExplainedPick,
  type MissingInput,
  type PickComparison,
  type RequestExplanation,
  type RosterSource,
} from './explain-request.ts';
export type { BackendRole, ExplainedBackend, Ineligibility } from './explained-backend.ts';
export type { SetComparison } from './remade-set.ts';
export { recordedDecisions, type DecisionEvidence, type RequestEvidence } from './request-evidence.ts';
export type { AttemptFacts, ExplainedRequest } from './request-evidence.ts';
