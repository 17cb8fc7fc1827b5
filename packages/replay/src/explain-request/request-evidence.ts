/**
 * What is known of a request that is to be explained: a decision that a worker recorded, or no more than its line in the access log.
 *
 * A decision has all that its picks were made from. A line has the roster and who was picked; the rest is missing there, and is said
 * to be. Both are brought into one shape here, in which null means that it is not known.
 */
import type { DecidedPick, Decision, PickInputs } from '@muster/selection';
import type { AccessLine } from './access-line.ts';
import type { ExplainedRequest } from './explained-request.ts';
import type { ReplaySource } from '../log/replay-source.ts';

/** A decision, and whose it is. */
export interface DecisionEvidence {
  readonly decision: Decision;
  readonly node: string;
  readonly worker: number;
}

export type RequestEvidence = DecisionEvidence | AccessLine;

/** One pick, as far as it is known. */
export interface PickFacts {
  /** Null where nobody was picked. */
  readonly picked: string | null;
  readonly revision: number | null;
  readonly rosterRevision: number | null;
  readonly record: DecidedPick | null;
  /** What the policy looked at; null where it is not known, or nobody was picked. */
  readonly policyInputs: { readonly inputs: PickInputs; readonly keyHash: number } | null;
  /** Known to have been tried before. */
  readonly triedIds: readonly string[];
}

/** What became of a pick. */
export interface AttemptFacts {
  /** 1 for the first. */
  readonly number: number;
  readonly backend: string;
  readonly target: string;
  readonly isReused: boolean;
  readonly startedAtMs: number;
  readonly answeredAtMs: number | null;
  readonly outcome: string;
  readonly detail: string | null;
}

export interface RequestFacts {
  readonly node: string;
  readonly worker: number;
  readonly request: ExplainedRequest;
  readonly attemptsCount: number;
  readonly attempts: readonly { readonly pick: PickFacts; readonly attempt: AttemptFacts }[];
  /** The last pick, where it found nobody. `reason` is null where it is not known. */
  readonly refused: { readonly pick: PickFacts; readonly reason: string | null } | null;
}

export function requestFacts(evidence: RequestEvidence): RequestFacts {
  return 'decision' in evidence ? factsOfDecision(evidence) : factsOfLine(evidence);
}

/** The recorded decisions about a request, oldest first; more than one where a client used its request id again. */
export async function recordedDecisions(
  source: Pick<ReplaySource, 'observations' | 'node'>,
  requestId: string,
  range: { readonly fromMs?: number; readonly toMs?: number } = {},
): Promise<DecisionEvidence[]> {
  const found: DecisionEvidence[] = [];
  for await (const seen of source.observations({ ...range, kinds: ['decision'] })) {
    if (seen.kind !== 'decision' || seen.decision.requestId !== requestId) continue;
    found.push({ decision: seen.decision, node: source.node, worker: seen.worker });
  }
  return found.toSorted((a, b) => a.decision.timeMs - b.decision.timeMs);
}

function factsOfDecision({ decision, node, worker }: DecisionEvidence): RequestFacts {
  const { attempts, attemptsCount, refused, ...request } = decision;
  return {
    node,
    worker,
    request,
    attemptsCount,
    attempts: attempts.map(({ backend, target, inputs, keyHash, ...rest }, index) => {
      const { isReused, startedAtMs, answeredAtMs, outcome, detail, ...record } = rest;
      const pick = pickOf(record, { picked: backend, policyInputs: { inputs, keyHash } });
      const how = { isReused, startedAtMs, answeredAtMs, outcome, detail };
      return { pick, attempt: { number: index + 1, backend, target, ...how } };
    }),
    refused: refused === null ? null : refusalOf(refused),
  };
}

function refusalOf({ reason, ...record }: NonNullable<Decision['refused']>): RequestFacts['refused'] {
  return { reason, pick: pickOf(record, { picked: null, policyInputs: null }) };
}

function pickOf(record: DecidedPick, known: Pick<PickFacts, 'picked' | 'policyInputs'>): PickFacts {
  const { revision, rosterRevision, triedIds } = record;
  return { ...known, revision, rosterRevision, record, triedIds };
}

function factsOfLine({
  node,
  worker,
  request,
  attemptsCount,
  attempts,
  revision,
  rosterRevision,
}: AccessLine): RequestFacts {
  const isComplete = attempts.length === attemptsCount;
  const unseenCount = attemptsCount - attempts.length;
  const unknown = { record: null, policyInputs: null };
  // Whether a backend whose kept-alive connection had ended was passed over depends on whether there were others.
  const triedBefore = (index: number) =>
    isComplete
      ? attempts.slice(0, index).flatMap(({ outcome, backend }) => (outcome === 'stale' ? [] : [backend]))
      : [];
  const hasRefusal = attempts.length === 0 && rosterRevision !== null;
  return {
    node,
    worker,
    request,
    attemptsCount,
    attempts: attempts.map(({ revision: setRevision, rosterRevision: takenFrom, ...attempt }, index) => {
      const triedIds = triedBefore(index);
      const pick = { ...unknown, picked: attempt.backend, revision: setRevision, rosterRevision: takenFrom, triedIds };
      return { pick, attempt: { number: unseenCount + index + 1, ...attempt } };
    }),
    refused: hasRefusal
      ? { reason: null, pick: { ...unknown, picked: null, revision, rosterRevision, triedIds: [] } }
      : null,
  };
}
