/**
 * A prober as it was: judges its recorded probes once more, by the function that judged them then, under the policies that were in
 * force then, and compares each turn with the one that was recorded. Pure.
 *
 * That is what makes an answer about other settings worth something: unchanged, they give what happened, flip for flip. Where they
 * do not, something that counted is missing or was changed, and `Difference` says where.
 *
 *     unknown ──began, state──► known ──something was lost──► unknown      in `unknown` nothing is judged
 */
import { isFinding, judge, type HealthPolicy, type Judgement } from '@muster/membership';
import type { HealthTurned, ProbeSeen, ProbingBegan, ProbingState } from '@muster/observations';
import type { Flip } from './health-course.ts';

/** What is known of a prober. */
export interface Knowledge {
  readonly target: string;
  readonly policy: HealthPolicy;
  readonly judgement: Judgement;
}

/** What was recorded is not what its probes come to. */
export interface Difference {
  readonly timeMs: number;
  /** A sentence without its end: `3 failed probes make it unhealthy, and that is not what was recorded`. */
  readonly what: string;
}

export class RecordedProber {
  /** Null while it is not known what it thinks. */
  known: Knowledge | null = null;
  /** A flip that its last probe made, and of which the record has not spoken yet. */
  #unspoken: Flip | null = null;

  /** Another prober. `isCarriedOver`: it begins with what the one before thought of the same target. */
  began({ target, policy, health }: ProbingBegan): { readonly isCarriedOver: boolean } {
    const before = this.known;
    const isCarriedOver = before !== null && before.target === target && before.judgement.health === health;
    this.known = { target, policy, judgement: { health, againstCount: 0 } };
    this.#unspoken = null;
    return { isCarriedOver };
  }

  /** The flip that the probe makes, if it makes one. */
  probed(probe: ProbeSeen): Flip | Difference | null {
    const { known } = this;
    const silent = this.#silence(probe.timeMs);
    if (known === null || silent !== null) return silent;
    if (known.target !== probe.target) return { timeMs: probe.timeMs, what: `a probe of ${probe.target} is recorded` };
    if (!isFinding(probe)) return null;
    const judgement = judge(known.judgement, probe.passed, known.policy);
    this.known = { ...known, judgement };
    if (judgement.health === known.judgement.health || judgement.health === 'unknown') return null;
    const { timeMs, target, reason } = probe;
    this.#unspoken = { timeMs, from: known.judgement.health, health: judgement.health, target, reason };
    return this.#unspoken;
  }

  /** The record of a flip. */
  turned({ timeMs, health }: HealthTurned): Difference | null {
    const unspoken = this.#unspoken;
    this.#unspoken = null;
    if (this.known === null || unspoken?.health === health) return null;
    return { timeMs, what: `it is recorded as turned ${health}, and its probes do not make it so` };
  }

  /** What it thought, as it said then. */
  said({ timeMs, target, policy, health, againstCount }: ProbingState): Difference | null {
    const silent = this.#silence(timeMs);
    if (silent !== null) return silent;
    const { known } = this;
    this.known = { target, policy, judgement: { health, againstCount } };
    if (known === null) return null;
    const { judgement } = known;
    if (judgement.health === health && judgement.againstCount === againstCount && known.target === target) return null;
    const recorded = `${health} with ${againstCount} against it`;
    const judged = `${judgement.health} with ${judgement.againstCount} against it`;
    return { timeMs, what: `it is recorded as ${recorded}, and its probes make it ${judged}` };
  }

  /** It ended; the next one may carry over what it thought. */
  ended(timeMs: number): Difference | null {
    return this.#silence(timeMs);
  }

  /** Something was not kept: what it thinks is not known until it says so. */
  lost(): void {
    this.known = null;
    this.#unspoken = null;
  }

  /** A flip that the record goes on without. */
  #silence(timeMs: number): Difference | null {
    const unspoken = this.#unspoken;
    this.#unspoken = null;
    return unspoken && { timeMs, what: `its probes make it ${unspoken.health}, and that is not recorded` };
  }
}

export function isDifference(outcome: Flip | Difference): outcome is Difference {
  return 'what' in outcome;
}
