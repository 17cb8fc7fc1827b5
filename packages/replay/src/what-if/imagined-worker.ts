/**
 * A worker as it would have picked under another policy: the recorded requests come when they came and last as long as they lasted, and
 * the policy picks for each of them anew. Pure.
 *
 * What it counts as under way with a backend are the requests of this simulation alone: those that began before are not known. A request
 * lasts as long with another backend as it did with the recorded one, which is the best that can be said and not the truth.
 */
import type { BackendSet, Candidate, PoolSpec } from '@muster/membership';
import { createSelectionPolicy, type DecidedAttempt, type SelectionPolicy } from '@muster/selection';

/** A recorded attempt, as one pick of the simulation. */
export interface ImaginedRequest {
  /** Ms since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly record: DecidedAttempt;
  readonly set: BackendSet;
  /** What the earlier attempts of the same request would have picked; this pick is added. */
  readonly tried: Set<string>;
}

export class ImaginedWorker {
  readonly #policy: SelectionPolicy;
  readonly #countById = new Map<string, number>();
  /** Under way, by their ends; requests come by their beginnings. */
  #ends: { readonly toMs: number; readonly id: string }[] = [];

  constructor(policy: PoolSpec['policy'], worker: number) {
    this.#policy = createSelectionPolicy(policy, { startOffset: worker });
  }

  /** Who takes it; null for nobody. To be asked in the order of `fromMs`. */
  pick({ fromMs, toMs, record, set, tried }: ImaginedRequest): string | null {
    this.#endUntil(fromMs);
    const only = record.onlyIds === null ? null : new Set(record.onlyIds);
    const limit = set.spec.maxConnectionsPerBackend ?? Infinity;
    const isExcluded = ({ id, isEligible }: Candidate): boolean =>
      tried.has(id) ||
      only?.has(id) === false ||
      record.undialledIds.includes(id) ||
      (record.isStrict && !isEligible) ||
      (this.#countById.get(id) ?? 0) >= limit;
    const inFlightOf = ({ id }: Candidate): number => this.#countById.get(id) ?? 0;
    const { keyHash } = record;
    const picked = this.#policy.pick(set, { isExcluded, keyHash, inFlightOf, inFlightTotal: this.#ends.length });
    if (picked === null) return null;
    tried.add(picked.id);
    this.#countById.set(picked.id, inFlightOf(picked) + 1);
    this.#ends.push({ toMs, id: picked.id });
    return picked.id;
  }

  #endUntil(timeMs: number): void {
    for (const { toMs, id } of this.#ends) {
      if (toMs <= timeMs) this.#countById.set(id, this.#countById.get(id)! - 1);
    }
    this.#ends = this.#ends.filter(({ toMs }) => toMs > timeMs);
  }
}
