/** Every backend of a pool beside one pick: who could have been picked, and what kept the others out. */
import { eligibility, viewpointOf, withPendingFacts } from '@muster/membership';
import type { BackendSet, Candidate, Eligibility, PendingFacts } from '@muster/membership';
import type { PickFacts } from './request-evidence.ts';
import type { SetOrigin } from './remade-set.ts';

export type BackendRole =
  | 'picked'
  /** It could have been picked; the policy chose another. */
  | 'candidate'
  /** It had been tried for this request. */
  | 'tried'
  /** At its limit of connections. */
  | 'full'
  /** The node does not dial its target. */
  | 'undialled'
  /** A filter did not leave it. */
  | 'filtered'
  /** In panic a further attempt prefers those that are eligible. */
  | 'not-preferred'
  /** Not in the set. */
  | 'out';

export type Ineligibility = Omit<Extract<Eligibility, { isEligible: false }>, 'isEligible'>;

export interface ExplainedBackend {
  readonly id: string;
  readonly target: string;
  /** Its share as the policy saw it; null where it was not in the set, or its weight at that moment is not known. */
  readonly weight: number | null;
  readonly role: BackendRole;
  /** What keeps it out, and the event that does (0: a fact that the journal had not taken yet); null where nothing does. */
  readonly ineligible: Ineligibility | null;
}

export interface PickScene {
  readonly origin: SetOrigin;
  readonly set: BackendSet;
  readonly pending: PendingFacts;
  /** Whether the weights of the set are those of the moment. */
  readonly hasWeights: boolean;
}

/** In order of their ids; empty where the roster has no such pool. */
export function explainedBackends(
  { origin, set, pending, hasWeights }: PickScene,
  pick: PickFacts,
): ExplainedBackend[] {
  const { roster, node, pool: poolId } = origin;
  const pool = roster.pools.get(poolId);
  if (pool === undefined) return [];
  const viewpoint = viewpointOf(roster, node);
  const candidateById = new Map(set.backends.map((candidate) => [candidate.id, candidate]));
  const role = roles(pick);
  return [...pool.backends.values()].map((recorded) => {
    const found = eligibility(withPendingFacts(recorded, node, pending), pool.spec, viewpoint);
    const candidate = candidateById.get(recorded.id) ?? null;
    return {
      id: recorded.id,
      target: recorded.target.value,
      weight: hasWeights ? (candidate?.weight ?? null) : null,
      role: role(recorded.id, candidate),
      ineligible: found.isEligible ? null : ineligibility(found),
    };
  });
}

/** The same of what was recorded alone, where no roster is to be had: those that were not in the set are not known. */
export function recordedBackends(candidates: readonly Candidate[], pick: PickFacts): ExplainedBackend[] {
  const role = roles(pick);
  return candidates.map((candidate) => {
    const { id, target, weight } = candidate;
    return { id, target, weight, role: role(id, candidate), ineligible: null };
  });
}

/** Whether a pick passed a candidate over, as the worker decided it then; null: it did not. */
export function passedOver(
  pick: PickFacts,
): (candidate: Candidate) => Exclude<BackendRole, 'picked' | 'candidate' | 'out'> | null {
  const { record } = pick;
  const triedIds = new Set(pick.triedIds);
  const fullIds = new Set(record?.fullIds);
  const undialledIds = new Set(record?.undialledIds);
  const onlyIds = record === null || record.onlyIds === null ? null : new Set(record.onlyIds);
  const isStrict = record?.isStrict ?? false;
  return ({ id, isEligible }) => {
    if (triedIds.has(id)) return 'tried';
    if (isStrict && !isEligible) return 'not-preferred';
    if (onlyIds !== null && !onlyIds.has(id)) return 'filtered';
    if (undialledIds.has(id)) return 'undialled';
    return fullIds.has(id) ? 'full' : null;
  };
}

function roles(pick: PickFacts): (id: string, candidate: Candidate | null) => BackendRole {
  const why = passedOver(pick);
  return (id, candidate) => {
    if (id === pick.picked) return 'picked';
    return candidate === null ? 'out' : (why(candidate) ?? 'candidate');
  };
}

function ineligibility({ axis, value, revision, reason }: Ineligibility): Ineligibility {
  return { axis, value, revision, reason };
}
