/**
 * Why did this request go there? Each of its picks is explained by making it again: the roster at the revision that the worker had,
 * the set of that roster and of what the node saw itself, and the pick from it, by the functions that did it then. What comes
 * out is compared with what was recorded.
 *
 *     evidence ──► roster ──► set ──compared──► pick ──compared
 *                     └─► every backend of the pool: candidate, or what kept it out
 *
 * What the evidence does not say is named (`missing`), and nothing is put in its place: a part that depends on it is `not-made`.
 * A log that does not fold to what nodes recorded is refused by the source, and that refusal is passed on.
 */
import { backendSet, type BackendSet, type Roster } from '@muster/membership';
import { repick, type DecidedPick, type PickInputs, type PickSet } from '@muster/selection';
import { explainedBackends, passedOver, recordedBackends, type ExplainedBackend } from './explained-backend.ts';
import type { HashCheck } from '../fold/hash-check.ts';
import { compareSets, pendingOf, remadeSet, type SetComparison } from './remade-set.ts';
import { ReplayError, type ReplayErrorCode } from '../log/replay-error.ts';
import type { Replay } from '../fold/replay.ts';
import type { ExplainedRequest } from './explained-request.ts';
import { requestFacts, type AttemptFacts } from './request-evidence.ts';
import type { PickFacts, RequestEvidence } from './request-evidence.ts';

/** Where rosters of the past come from. */
export type RosterSource = Pick<Replay, 'rosterAt'>;

export interface MissingInput {
  readonly input:
    'attempts' | 'roster-revision' | 'roster' | 'pending-facts' | 'set-moment' | 'policy-inputs' | 'passed-over';
  /** What is not known, and why. */
  readonly message: string;
}

export type PickComparison =
  | { readonly outcome: 'equal' }
  /** `recomputed` is null where nobody would have been picked. */
  | { readonly outcome: 'differs'; readonly recomputed: string | null; readonly why: string }
  | { readonly outcome: 'not-made'; readonly why: string };

export interface ExplainedPick {
  /** The newest event that counted for the pool, and the roster that the worker had; null where they are not known. */
  readonly revision: number | null;
  readonly rosterRevision: number | null;
  /** What that roster was compared with; null where there is none. */
  readonly check: HashCheck | null;
  /** As recorded; null where the evidence has no more than who was picked. */
  readonly record: DecidedPick | null;
  readonly inputs: PickInputs | null;
  readonly keyHash: number | null;
  /** Every backend of the pool; without a roster those that were recorded as candidates. */
  readonly backends: readonly ExplainedBackend[];
  readonly set: SetComparison;
  readonly pick: PickComparison;
  readonly missing: readonly MissingInput[];
}

export interface RequestExplanation {
  readonly node: string;
  readonly worker: number;
  readonly request: ExplainedRequest;
  readonly attemptsCount: number;
  readonly attempts: readonly (ExplainedPick & AttemptFacts)[];
  /** The last pick where it found nobody. `reason` is null where it was not recorded. */
  readonly refused: (ExplainedPick & { readonly reason: string | null }) | null;
  /** What is missing of the request as a whole. */
  readonly missing: readonly MissingInput[];
}

/** Plain data, which survives JSON. Rejects where the source refuses, for example with `hash-differs`. */
export async function explainRequest(replay: RosterSource, evidence: RequestEvidence): Promise<RequestExplanation> {
  const { node, worker, request, attemptsCount, ...facts } = requestFacts(evidence);
  const rosters = new Rosters(replay);
  const explain = (pick: PickFacts) => explainPick(rosters, { pick, node, pool: request.pool });
  const attempts: RequestExplanation['attempts'][number][] = [];
  for (const { pick, attempt } of facts.attempts) attempts.push({ ...(await explain(pick)), ...attempt });
  const refused = facts.refused && { ...(await explain(facts.refused.pick)), reason: facts.refused.reason };
  const missing = missingOfRequest(attemptsCount, attempts.length, {
    hasPick: refused !== null || attempts.length > 0,
  });
  return { node, worker, request, attemptsCount, attempts, refused, missing };
}

function missingOfRequest(count: number, knownCount: number, { hasPick }: { hasPick: boolean }): MissingInput[] {
  if (count > knownCount) {
    return [{ input: 'attempts', message: `${count - knownCount} of its ${count} attempts were not written down` }];
  }
  if (hasPick) return [];
  const message = 'nobody was asked to pick, so that no roster was written down';
  return [{ input: 'roster-revision', message }];
}

interface PickQuestion {
  readonly pick: PickFacts;
  readonly node: string;
  readonly pool: string | null;
}

async function explainPick(rosters: Rosters, question: PickQuestion): Promise<ExplainedPick> {
  const { pick, node } = question;
  const { revision, rosterRevision, record, policyInputs } = pick;
  const found = await rosters.at(rosterRevision);
  const missing = [...missingOfPick(pick), ...found.missing];
  const { inputs = null, keyHash = null } = policyInputs ?? {};
  const known = { revision, rosterRevision, check: found.check, record, inputs, keyHash };
  const { roster } = found;
  if (roster === null || question.pool === null) {
    const backends = recordedBackends(record?.candidates ?? [], pick);
    const why = found.missing[0]?.message ?? 'no route led to a pool';
    const set: SetComparison = { outcome: 'not-made', why };
    return { ...known, backends, set, pick: comparePick(pick, { set: null, missing }), missing };
  }
  const origin = { roster, node, pool: question.pool };
  const pending = pendingOf(record?.pendingFacts ?? []);
  // Without a record only the weights of a slow start depend on the moment, and they are then left out.
  const made = record === null ? backendSet({ roster, node, pending }, question.pool, 0) : remadeSet(origin, record);
  const isSteady = made === null || made.spec.slowStartMs === undefined;
  if (record === null && !isSteady) missing.push(SET_MOMENT_MISSING);
  const set = setComparison(record, made, missing);
  const scene = made && { origin, set: made, pending, hasWeights: record !== null || isSteady };
  return {
    ...known,
    backends: scene === null ? [] : explainedBackends(scene, pick),
    set,
    pick: comparePick(pick, { set: set.outcome === 'equal' ? made : null, missing }),
    missing,
  };
}

function setComparison(
  record: DecidedPick | null,
  made: BackendSet | null,
  missing: readonly MissingInput[],
): SetComparison {
  const lacking = missing.find(({ input }) => input === 'pending-facts');
  if (record === null || lacking !== undefined) return { outcome: 'not-made', why: lacking!.message };
  return compareSets(record, made);
}

const SET_MOMENT_MISSING: MissingInput = {
  input: 'set-moment',
  message: 'weights grew by time in this pool, and when its set was made is not known',
};

const OF_LINE = 'a line of the access log does not say';
const UNKEPT_MESSAGES = {
  pendingFacts: { input: 'pending-facts', message: 'more than 64 facts were pending, and were not kept' },
  fullIds: { input: 'passed-over', message: 'more than 64 backends were at their limit, and were not kept' },
  undialledIds: {
    input: 'passed-over',
    message: 'more than 64 backends were not dialled by the node, and were not kept',
  },
  onlyIds: { input: 'passed-over', message: 'filters left more than 64 backends, which were not kept' },
} as const satisfies Record<DecidedPick['notKept'][number], MissingInput>;

function missingOfPick({ record }: PickFacts): MissingInput[] {
  if (record !== null) return record.notKept.map((what) => UNKEPT_MESSAGES[what]);
  return [
    { input: 'pending-facts', message: `${OF_LINE} which facts the journal had not taken yet` },
    { input: 'policy-inputs', message: `${OF_LINE} what the policy looked at` },
    { input: 'passed-over', message: `${OF_LINE} who was at its limit of connections, or was not left by a filter` },
  ];
}

/** The pick made again, from the set as it was made again or else as it was recorded. */
function comparePick(
  facts: PickFacts,
  from: { set: PickSet | null; missing: readonly MissingInput[] },
): PickComparison {
  const { record, policyInputs, picked } = facts;
  const lacking = from.missing.find(({ input }) => input === 'policy-inputs' || input === 'passed-over');
  if (record === null || lacking !== undefined) return { outcome: 'not-made', why: lacking!.message };
  const set = from.set ?? recordedSet(record);
  if (set === null) return { outcome: 'not-made', why: 'the set is not known' };
  const why = passedOver(facts);
  if (policyInputs === null) {
    // Who is asked does not matter where nobody may be picked.
    const left = set.backends.find((candidate) => why(candidate) === null);
    if (left === undefined) return { outcome: 'equal' };
    return { outcome: 'differs', recomputed: left.id, why: `${left.id} could have been picked` };
  }
  const again = repick(record.policy, set, { isExcluded: (candidate) => why(candidate) !== null, ...policyInputs });
  if (!again.ok) {
    const weights = 'the weights of more than 256 backends are not kept for round_robin';
    if (again.reason === 'weights_not_kept') return { outcome: 'not-made', why: weights };
    return { outcome: 'differs', recomputed: null, why: 'what the policy looked at does not fit this set' };
  }
  const recomputed = again.backend?.id ?? null;
  if (recomputed === picked) return { outcome: 'equal' };
  return { outcome: 'differs', recomputed, why: `the policy picks ${recomputed ?? 'nobody'} from this set` };
}

/** Null where the candidates were too many to be recorded, or nobody asked for them. */
function recordedSet({ candidates }: DecidedPick): PickSet | null {
  return candidates === null ? null : { backends: candidates };
}

/** Refusals that leave the rest of the answer as good as it was. */
const UNAVAILABLE_CODES: ReadonlySet<ReplayErrorCode> = new Set(['compacted', 'unknown-instant']);

/** Each roster is folded once: the attempts of a request mostly share it. */
class Rosters {
  readonly #source: RosterSource;
  readonly #foundByRevision = new Map<number, Promise<FoundRoster>>();

  constructor(source: RosterSource) {
    this.#source = source;
  }

  at(revision: number | null): Promise<FoundRoster> {
    if (revision === null) {
      const message = 'which roster the worker had was not written down';
      return Promise.resolve({ roster: null, check: null, missing: [{ input: 'roster-revision', message }] });
    }
    const found = this.#foundByRevision.get(revision) ?? this.#find(revision);
    this.#foundByRevision.set(revision, found);
    return found;
  }

  async #find(revision: number): Promise<FoundRoster> {
    try {
      return { ...(await this.#source.rosterAt(revision)), missing: [] };
    } catch (error) {
      if (!(error instanceof ReplayError && UNAVAILABLE_CODES.has(error.code))) throw error;
      return { roster: null, check: null, missing: [{ input: 'roster', message: error.message }] };
    }
  }
}

interface FoundRoster {
  readonly roster: Roster | null;
  readonly check: HashCheck | null;
  readonly missing: readonly MissingInput[];
}
