/**
 * The BackendSet: what a proxy reads. The backends of one pool that may be picked on one node, ordered by id, immutable.
 *
 * It is made when a reader asks after a change, not at every event: a reader keeps the newest set and needs no step
 * in between. Making one costs O(backends of the pool); keeping the roster up to date costs O(log n) an event.
 *
 * Two things make it more than a list of the eligible ones. In a pool that says so, a backend starts slowly
 * (`slow-start.ts`). And when most of a pool is suspected at once, the pool is in **panic**: what is left would not bear the
 * load, and the suspicion is likely a mistake of the observer, so that those who are suspected take traffic again, and are
 * marked. As with Envoy, panic begins below a part of the backends that are wanted (`panicThreshold`). Other than with Envoy
 *
 *   - a pool without any eligible backend is not in panic: its set is empty, and clients are told so (503). All of its
 *     backends being down is what health checks are for; some of them being up is what makes the rest worth a try;
 *   - a backend that was never probed neither counts nor comes in: its process may not have started yet.
 *
 * A set says what it was made of (`rosterRevision`, `madeMs`, `pendingFacts`), so that it can be made again from the journal.
 */
import { standing, viewpointOf, type Viewpoint } from './eligibility.ts';
import type { PoolSpec } from '../vocabulary/event.ts';
import { pendingFactsOf, withPendingFacts, type PendingFact, type PendingFacts } from './pending-facts.ts';
import type { Pool, Roster } from '../fold/roster.ts';
import { eligibleSinceMs, SLOW_START_SCALE, slowStartRatio } from './slow-start.ts';

/** A backend that may be picked. */
export interface Candidate {
  readonly id: string;
  readonly target: string;
  /**
   * Its share, relative to the others of the same set. Its own, 1 to 1,000; in a pool with `slowStartMs` 100 times that, 100 to
   * 100,000, and down to a tenth of it while it starts slowly.
   */
  readonly weight: number;
  /** False: it is here because the pool is in panic, and is to be preferred to nobody. */
  readonly isEligible: boolean;
}

export interface BackendSet {
  readonly pool: string;
  readonly spec: PoolSpec;
  /**
   * The newest event that changed the pool or, where a quorum decides on health, started or stopped a node. Facts that
   * are still pending do not move it.
   */
  readonly revision: number;
  /** In code-unit order of their ids. */
  readonly backends: readonly Candidate[];
  /** Whether so few are eligible that those who are suspected take traffic, too. */
  readonly isPanic: boolean;
  /**
   * Until then weights grow by time alone, and a reader makes the set again now and then (about once a second); ms since
   * 1970, the journal's clock. Null: nobody starts slowly, and the set stays right until the next change.
   */
  readonly steadyAtMs: number | null;
  /** The roster that it was made of. Nothing that counts here has changed between `revision` and this one. */
  readonly rosterRevision: number;
  /** The time for which it was made, ms since 1970. */
  readonly madeMs: number;
  /** What of this pool was laid over the roster for it. */
  readonly pendingFacts: readonly PendingFact[];
}

export interface View {
  readonly roster: Roster;
  readonly node: string;
  readonly pending: PendingFacts;
}

/** Part of the backends that count, below which the eligible ones are too few. */
const PANIC_THRESHOLD = 0.5;

/**
 * The set of one pool as one node routes by it at `nowMs` (ms since 1970), which matters to pools with `slowStartMs` alone.
 * Null where no such pool exists, which is not an empty one.
 */
export function backendSet({ roster, node, pending }: View, poolId: string, nowMs: number): BackendSet | null {
  const pool = roster.pools.get(poolId);
  if (pool === undefined) return null;
  const view: PoolView = { pool, viewpoint: viewpointOf(roster, node), pending, nowMs };
  const ordinary = candidates(view, { isPanic: false });
  const { backends, steadyAtMs } = ordinary;
  const head = { pool: pool.id, spec: pool.spec, revision: revisionOf(pool, roster) };
  const origin = { rosterRevision: roster.revision, madeMs: nowMs, pendingFacts: pendingFactsOf(poolId, pending) };
  const isPanic = isBelowThreshold(pool.spec, backends.length, ordinary.suspectedCount);
  if (!isPanic) return { ...head, backends, isPanic, steadyAtMs, ...origin };
  return { ...head, backends: candidates(view, { isPanic }).backends, isPanic, steadyAtMs: null, ...origin };
}

function isBelowThreshold({ panicThreshold }: PoolSpec, eligibleCount: number, suspectedCount: number): boolean {
  if (eligibleCount === 0 || suspectedCount === 0) return false;
  return eligibleCount < (panicThreshold ?? PANIC_THRESHOLD) * (eligibleCount + suspectedCount);
}

interface PoolView {
  readonly pool: Pool;
  readonly viewpoint: Viewpoint;
  readonly pending: PendingFacts;
  readonly nowMs: number;
}

interface Candidates {
  readonly backends: readonly Candidate[];
  readonly suspectedCount: number;
  readonly steadyAtMs: number | null;
}

function candidates({ pool, viewpoint, pending, nowMs }: PoolView, { isPanic }: { isPanic: boolean }): Candidates {
  const { slowStartMs } = pool.spec;
  const scale = slowStartMs === undefined ? 1 : SLOW_START_SCALE;
  const backends: Candidate[] = [];
  let suspectedCount = 0;
  let steadyAtMs: number | null = null;
  for (const recorded of pool.backends.values()) {
    const backend = withPendingFacts(recorded, viewpoint.node, pending);
    const found = standing(backend, pool.spec, viewpoint);
    if (found === 'suspected') suspectedCount += 1;
    if (found === 'out' || (found === 'suspected' && !isPanic)) continue;
    let weight = backend.weight.value * scale;
    // In panic nobody starts slowly: one that has just become healthy is better than all those that are not.
    if (slowStartMs !== undefined && !isPanic) {
      const sinceMs = eligibleSinceMs(backend, pool.spec, viewpoint.node);
      weight = Math.round(weight * slowStartRatio(sinceMs, slowStartMs, nowMs));
      if (sinceMs + slowStartMs > nowMs) steadyAtMs = Math.max(steadyAtMs ?? 0, sinceMs + slowStartMs);
    }
    backends.push({ id: backend.id, target: backend.target.value, weight, isEligible: found === 'eligible' });
  }
  return { backends, suspectedCount, steadyAtMs };
}

function revisionOf({ spec, changedRevision }: Pool, { nodes }: Roster): number {
  if (spec.healthView === 'own') return changedRevision;
  let newest = changedRevision;
  for (const { state } of nodes.values()) newest = Math.max(newest, state.revision);
  return newest;
}
