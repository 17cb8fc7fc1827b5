/**
 * Who is ejected and for how long: the rules, pure. The pool (`pool.ts`) counts, and each backend times its own.
 *
 * A pool gives up at most `maxRatio` of its backends at a time, or one where that is less than one. It never gives up its last
 * eligible backend: one that fails now and then carries more than none. A backend that gets no traffic anyway (unhealthy, in
 * maintenance, ejected already) is left as it is, and so is one that has another target than the one that failed.
 */
import { isEligible, viewpointOf, withPendingFacts, type EjectionPolicy } from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';
import type { Outlier } from '../ports.ts';

export type OutlierVerdict =
  | { readonly verdict: 'eject' }
  /** The report is out of date. */
  | { readonly verdict: 'ignore' }
  /** It stays, because the pool has no other or gives up no more; `why` is for people. */
  | { readonly verdict: 'spare'; readonly why: string };

/** How many of the pool's backends this node has ejected now, and under which policy. */
export interface OutlierContext {
  readonly folded: FoldedRoster;
  readonly policy: EjectionPolicy;
  readonly ejectedCount: number;
}

export function judgeOutlier(
  { pool: poolId, backend: id, target }: Outlier,
  { folded, policy, ejectedCount }: OutlierContext,
): OutlierVerdict {
  const { roster, node, pending } = folded;
  const pool = roster.pools.get(poolId);
  const outlier = folded.backend(poolId, id);
  if (pool === undefined || outlier?.target.value !== target) return { verdict: 'ignore' };
  const viewpoint = viewpointOf(roster, node);
  if (!isEligible(outlier, pool.spec, viewpoint)) return { verdict: 'ignore' };
  const { size } = pool.backends;
  if (ejectedCount > 0 && ejectedCount + 1 > policy.maxRatio * size) {
    return { verdict: 'spare', why: `${ejectedCount} of its ${size} backends are ejected, and no more may be` };
  }
  for (const other of pool.backends.values()) {
    if (other.id === id) continue;
    if (isEligible(withPendingFacts(other, node, pending), pool.spec, viewpoint)) return { verdict: 'eject' };
  }
  return { verdict: 'spare', why: 'it is the last eligible backend' };
}

/** How long ejection number `count` (1 for the first) lasts. */
export function termMs({ baseMs, maxMs }: EjectionPolicy, count: number): number {
  return Math.min(baseMs * count, maxMs);
}

/** From here on further ejections change nothing, and are not counted: they would only take longer to be forgiven. */
export function countMax({ baseMs, maxMs }: EjectionPolicy): number {
  return Math.max(1, Math.ceil(maxMs / baseMs));
}
