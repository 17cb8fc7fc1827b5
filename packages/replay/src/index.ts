/**
 * Public entry: time travel over a journal or an incident file.
 *
 *     log        what is read: the port, moments, events and how answers name them
 *     fold       any revision's roster, compared with what nodes recorded
 *     views      a state, the difference between two, a walk from event to event
 *     explain-request  explain-backend  what-if     questions, answered from all of these
 *     incident   a span of history as a file
 */
export type { Disagreement, HashCheck } from './fold/hash-check.ts';
export { createReplay, type Replay } from './fold/replay.ts';
export { eventFilter, parseEventFilter, type EventPredicate } from './log/event-filter.ts';
export { eventRef, type EventRef } from './log/event-ref.ts';
export { parseInstant, type Instant } from './log/instant.ts';
export { ReplayError, type ReplayErrorCode } from './log/replay-error.ts';
export type { ReplaySource } from './log/replay-source.ts';
export type { ChangedField, FieldValue } from './views/changed-fields.ts';
export { diffView, type DiffView, type EntityChange, type FieldChange } from './views/diff-view.ts';
export { stateView, type BackendState, type PoolState, type StateView } from './views/state-view.ts';
export { walk, type Step, type Walk } from './views/walk.ts';
export { parseAccessLine, type AccessLine } from './explain-request/access-line.ts';
export { explainRequest, type ExplainedPick, type RequestExplanation } from './explain-request/explain-request.ts';
export type { ExplainedBackend } from './explain-request/explained-backend.ts';
export { recordedDecisions, type DecisionEvidence, type RequestEvidence } from './explain-request/request-evidence.ts';
export { explainBackend, type BackendExplanation } from './explain-backend/explain-backend.ts';
export type { FlipPair } from './what-if/flip-pairs.ts';
export { healthWhatIf, type HealthAnswer, type HealthQuestion } from './what-if/health-what-if.ts';
export type { PicksAnswer } from './what-if/picks-what-if.ts';
export { whatIf, type WhatIfAnswer } from './what-if/what-if.ts';
export { breakReason, endingInWords } from './incident/incident-break.ts';
export { openIncident, type Incident } from './incident/incident-file.ts';
export type { IncidentHead, IncidentSummary } from './incident/incident-format.ts';
export { writeIncident } from './incident/incident-writer.ts';
export { redactEvent } from './incident/redacted-records.ts';
