/**
 * What is kept of one pick, of an attempt or of one that found nobody: what its set was made of, and who was passed over. Copied into
 * once per attempt, so that it holds nothing that is not bounded.
 */
import type { BackendSet, PendingFact, PoolSpec } from '@muster/membership';
import type { DecidedPick, UnkeptInput } from '@muster/selection';

/** Of a pool with more backends their number is kept; a longer list of another kind is said to be missing. */
const LIST_KEPT_MAX = 64;

const NO_TEXTS: readonly string[] = [];
const NO_FACTS: readonly PendingFact[] = [];
/** In place of lists that are too long; each is told from an empty one by being this one. */
const UNKEPT_TEXTS: readonly string[] = [];
const UNKEPT_FACTS: readonly PendingFact[] = [];

/** Whom a pick passed over. */
export interface PassedOver {
  readonly triedIds: readonly string[];
  readonly fullIds: readonly string[];
  readonly undialledIds: readonly string[];
  readonly isStrict: boolean;
  readonly onlyIds: readonly string[] | null;
}

export class KeptPick {
  #revision = 0;
  #rosterRevision = 0;
  #setMadeMs = 0;
  #pendingFacts = NO_FACTS;
  #policy: PoolSpec['policy'] = 'round_robin';
  #isPanic = false;
  #candidatesCount = 0;
  #candidates: BackendSet['backends'] | null = null;
  #triedIds = NO_TEXTS;
  #fullIds = NO_TEXTS;
  #undialledIds = NO_TEXTS;
  #isStrict = false;
  #onlyIds: readonly string[] | null = null;

  keep(set: BackendSet, { triedIds, fullIds, undialledIds, isStrict, onlyIds }: PassedOver): void {
    const { backends, pendingFacts } = set;
    this.#revision = set.revision;
    this.#rosterRevision = set.rosterRevision;
    this.#setMadeMs = set.madeMs;
    this.#pendingFacts = pendingFacts.length > LIST_KEPT_MAX ? UNKEPT_FACTS : pendingFacts;
    this.#policy = set.spec.policy;
    this.#isPanic = set.isPanic;
    this.#candidatesCount = backends.length;
    this.#candidates = backends.length > LIST_KEPT_MAX ? null : backends;
    this.#triedIds = triedIds;
    this.#fullIds = fullIds.length > LIST_KEPT_MAX ? UNKEPT_TEXTS : fullIds;
    this.#undialledIds = undialledIds.length > LIST_KEPT_MAX ? UNKEPT_TEXTS : undialledIds;
    this.#isStrict = isStrict;
    this.#onlyIds = onlyIds !== null && onlyIds.length > LIST_KEPT_MAX ? UNKEPT_TEXTS : onlyIds;
  }

  decided(withCandidates: boolean): DecidedPick {
    return {
      revision: this.#revision,
      rosterRevision: this.#rosterRevision,
      setMadeMs: this.#setMadeMs,
      pendingFacts: this.#pendingFacts,
      policy: this.#policy,
      isPanic: this.#isPanic,
      candidatesCount: this.#candidatesCount,
      candidates: withCandidates ? this.#candidates : null,
      triedIds: this.#triedIds,
      fullIds: this.#fullIds,
      undialledIds: this.#undialledIds,
      isStrict: this.#isStrict,
      onlyIds: this.#onlyIds,
      notKept: this.#notKept(),
    };
  }

  #notKept(): UnkeptInput[] {
    const unkept: UnkeptInput[] = [];
    if (this.#pendingFacts === UNKEPT_FACTS) unkept.push('pendingFacts');
    if (this.#fullIds === UNKEPT_TEXTS) unkept.push('fullIds');
    if (this.#undialledIds === UNKEPT_TEXTS) unkept.push('undialledIds');
    if (this.#onlyIds === UNKEPT_TEXTS) unkept.push('onlyIds');
    return unkept;
  }
}
