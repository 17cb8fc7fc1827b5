/**
 * The set that a pick was made from, made again from the roster by the function that made it then, and compared with what was
 * recorded of it. Only where they are equal has the pick's past been found.
 */
import { addPendingFact, backendSet, type BackendSet, type Candidate, type PendingFact } from '@muster/membership';
import type { PendingFacts, Roster } from '@muster/membership';
import type { DecidedPick } from '@muster/selection';

export type SetComparison =
  /** By every candidate, or by their number where no more was recorded. */
  | { readonly outcome: 'equal'; readonly comparedBy: 'candidates' | 'count' }
  /** In words, each naming what was recorded and what it is now; the first eight. */
  | { readonly outcome: 'differs'; readonly differences: readonly string[] }
  | { readonly outcome: 'not-made'; readonly why: string };

const DIFFERENCES_MAX = 8;

/** Facts as a node holds them. */
export function pendingOf(facts: readonly PendingFact[]): PendingFacts {
  const pending: PendingFacts = new Map();
  for (const fact of facts) addPendingFact(pending, fact);
  return pending;
}

export interface SetOrigin {
  readonly roster: Roster;
  readonly node: string;
  readonly pool: string;
}

/** Null where that roster has no such pool. */
export function remadeSet({ roster, node, pool }: SetOrigin, record: DecidedPick): BackendSet | null {
  return backendSet({ roster, node, pending: pendingOf(record.pendingFacts) }, pool, record.setMadeMs);
}

export function compareSets(record: DecidedPick, remade: BackendSet | null): SetComparison {
  if (remade === null) return { outcome: 'differs', differences: ['the roster has no such pool'] };
  const differences = [
    ...difference('revision', record.revision, remade.revision),
    ...difference('policy', record.policy, remade.spec.policy),
    ...difference('panic', record.isPanic, remade.isPanic),
    ...difference('number of candidates', record.candidatesCount, remade.backends.length),
    ...(record.candidates === null ? [] : candidateDifferences(record.candidates, remade.backends)),
  ];
  if (differences.length > 0) return { outcome: 'differs', differences: differences.slice(0, DIFFERENCES_MAX) };
  return { outcome: 'equal', comparedBy: record.candidates === null ? 'count' : 'candidates' };
}

function difference(what: string, recorded: unknown, remade: unknown): string[] {
  return recorded === remade ? [] : [`${what}: ${String(recorded)} recorded, ${String(remade)} now`];
}

function candidateDifferences(recorded: readonly Candidate[], remade: readonly Candidate[]): string[] {
  const remadeById = new Map(remade.map((candidate) => [candidate.id, candidate]));
  const recordedIds = new Set(recorded.map(({ id }) => id));
  return [
    ...recorded.flatMap((then) => {
      const now = remadeById.get(then.id);
      if (now === undefined) return [`${then.id}: a candidate then, not now`];
      return [
        ...difference(`target of ${then.id}`, then.target, now.target),
        ...difference(`weight of ${then.id}`, then.weight, now.weight),
        ...difference(`eligibility of ${then.id}`, then.isEligible, now.isEligible),
      ];
    }),
    ...remade.flatMap(({ id }) => (recordedIds.has(id) ? [] : [`${id}: a candidate now, not then`])),
  ];
}
