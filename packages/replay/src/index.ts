/** Public entry: time travel over a journal. */
export type { CheckedRoster } from './checked-fold.ts';
export type { CheckpointOptions } from './checkpoints.ts';
export { eventRef, eventRefs, type EventRef } from './event-ref.ts';
export type { Disagreement, HashCheck } from './hash-check.ts';
export { INSTANT_RULE, parseInstant, type Instant, type InstantText } from './instant.ts';
export { createReplay, type Replay, type ReplayOptions, type Verification, type VerifyOptions } from './replay.ts';
export { ReplayError, type HashDifference, type ReplayErrorCode, type ReplayErrorOptions } from './replay-error.ts';
export {
  healthWhatIf,
  type BackendWhatIf,
  type HealthAnswer,
  type HealthQuestion,
  type HealthRefusal,
  type HealthTotals,
} from './what-if/health-what-if.ts';
export {
  picksWhatIf,
  type BackendPicks,
  type PicksAnswer,
  type PicksQuestion,
  type PicksRefusal,
} from './what-if/picks-what-if.ts';
export { whatIf, type WhatIfAnswer, type WhatIfQuestion } from './what-if/what-if.ts';
export type { FlipPair } from './what-if/flip-pairs.ts';
export type { Flip } from './what-if/health-course.ts';
export type { HealthSettings } from './what-if/health-settings.ts';
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
export type { ExplainedRequest } from './explained-request.ts';
export type { AttemptFacts } from './request-evidence.ts';
export { openIncident, type Incident } from './incident/incident-file.ts';
export { breakReason, endingInWords } from './incident/incident-break.ts';
export { redactEvent } from './incident/redacted-records.ts';
export { writeIncident, type IncidentOptions, type IncidentSpan } from './incident/incident-writer.ts';
export type { IncidentHead, IncidentSummary } from './incident/incident-format.ts';
export type { AxisState, Vote } from './explain-backend/axes.ts';
export type { OutlierEvidence, ProbeEvidence } from './explain-backend/evidence.ts';
export {
  explainBackend,
  type BackendExplanation,
  type BackendQuestion,
  type ExplainedAxis,
  type FormerMemberExplanation,
  type MemberExplanation,
} from './explain-backend/explain-backend.ts';
export { walk, type Direction, type Step, type Walk } from './walk.ts';
