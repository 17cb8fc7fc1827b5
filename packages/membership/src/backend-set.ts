/**
 * The BackendSet: what a proxy reads. One pool's eligible backends on one node, ordered by id, immutable.
 *
 * It is made when a reader asks after a change, not at every event: a reader keeps the newest set and needs no step
 * in between. Making one costs O(backends of the pool); keeping the roster up to date costs O(log n) an event.
 */
import { isEligible, viewpointOf } from './eligibility.ts';
import type { PoolSpec } from './event.ts';
import { withPendingFacts, type PendingFacts } from './pending-facts.ts';
import type { Pool, Roster } from './roster.ts';

/** A backend that may be picked. */
export interface Candidate {
  readonly id: string;
  readonly target: string;
  /** 1 to 1,000; less than its own while it starts slowly. */
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
}

export interface View {
  readonly roster: Roster;
  readonly node: string;
  readonly pending: PendingFacts;
}

/** The set of one pool as one node routes by it; null where no such pool exists, which is not an empty one. */
export function backendSet({ roster, node, pending }: View, poolId: string): BackendSet | null {
  const pool = roster.pools.get(poolId);
  if (pool === undefined) return null;
  const viewpoint = viewpointOf(roster, node);
  const backends: Candidate[] = [];
  for (const recorded of pool.backends.values()) {
    const backend = withPendingFacts(recorded, node, pending);
    if (!isEligible(backend, pool.spec, viewpoint)) continue;
    backends.push({ id: backend.id, target: backend.target.value, weight: backend.weight.value, isEligible: true });
  }
  return { pool: pool.id, spec: pool.spec, revision: revisionOf(pool, roster), backends };
}

function revisionOf({ spec, changedRevision }: Pool, { nodes }: Roster): number {
  if (spec.healthView === 'own') return changedRevision;
  let newest = changedRevision;
  for (const { state } of nodes.values()) newest = Math.max(newest, state.revision);
  return newest;
}
