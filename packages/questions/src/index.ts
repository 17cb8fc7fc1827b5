/** What others may use of this package. */
export {
  type AskDecisions,
  type FoundDecision,
  DecisionQuestions,
  type AskedWorker,
  type DecisionsOutcome,
} from './decisions/decision-questions.ts';
export {
  DecisionRecording,
  RECORDING_SECONDS_MAX,
  type RecordingStatus,
  type RecordingWorker,
} from './decisions/decision-recording.ts';
export { NodePast } from './node-past.ts';
export { type ExplainedHere, type Past, type RequestAnswer, type WhatIfAnswer } from './past.ts';
export {
  backendQuerySchema,
  diffQuerySchema,
  exportQuerySchema,
  requestLineSchema,
  requestQuerySchema,
  stateQuerySchema,
  whatIfQuerySchema,
  type WhatIfQuery,
  type BackendQuery,
  type DiffQuery,
  type ExportQuery,
  type RequestQuery,
  type StateQuery,
} from './past-queries.ts';
export { eventLine, describeEvent } from './text/event-text.ts';
export { incidentPast, type IncidentPast } from './incident-past.ts';
export {
  type DecisionReport,
  type WorkerOrder,
  type RecordedDecisions,
  type DecisionOrder,
  type DecisionQuestion,
} from './decisions/decision-question.ts';
export {
  type RosterView,
  type RefusalOf,
  type BackendView,
  type PoolView,
  refusalOfTarget,
  poolParts,
  rosterParts,
} from './roster.ts';
export { eventView, type EventView } from './event-view.ts';
export { rejectedEvents, type JudgedEvent, REJECTED_RANGE_EVENTS, rosterBefore } from './events/rejected-events.ts';
export { type StatusView, type Traffic, journalStanding, statusView, unreadyReasons } from './status.ts';
export { failingNames } from './failing-names.ts';
export { decisionLines, decisionTable } from './decisions.ts';
export { entityName, fromToText, valueText } from './diff.ts';
export { explainIssues, explainFirst } from './text/explain-issues.ts';
export { leadsTo, routeText } from './text/listener-text.ts';
export { eventBatches, type EventRange } from './events/event-batches.ts';
export { errorBody, type ApiErrorBody, type Refusal } from './shapes.ts';
export type { Adopted, MissingView, SnapshotSaved } from './shapes.ts';
export type { KeyPath } from './text/explain-issues.ts';
export type { KeptIncident } from './export.ts';
export { inspectionText } from './inspection.ts';
