/** Public entry: time travel over a journal. */
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
export type { ReplaySource } from './replay-source.ts';
export { recordedDecisions, type DecisionEvidence, type RequestEvidence } from './request-evidence.ts';
export type { AttemptFacts, ExplainedRequest } from './request-evidence.ts';
