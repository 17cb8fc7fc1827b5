/**
 * What a node saw itself and the journal has not taken yet, laid over the roster by the function that folds it later.
 *
 * A pending fact acts on this node's own routing at once. When the journal has recorded it, the roster says the same,
 * and it is settled here. The roster's hash does not cover it. At most one fact is kept per backend and axis: a newer
 * one takes the place of an older one, so the number of facts is bounded by twice the number of backends.
 */
import { type Backend, observe } from '../fold/roster.ts';
import type { HealthEvent } from '../vocabulary/event.ts';

export interface PendingFact {
  /** The id under which it is appended. */
  readonly id: string;
  readonly pool: string;
  readonly backend: string;
  readonly timeMs: number;
  readonly event: HealthEvent;
}

/** By `pool/backend`, then by axis. A plain map, changed in place by its one owner. */
export type PendingFacts = Map<string, { health?: PendingFact; ejection?: PendingFact }>;

export function addPendingFact(pending: PendingFacts, fact: PendingFact): void {
  const key = `${fact.pool}/${fact.backend}`;
  pending.set(key, { ...pending.get(key), [axisOf(fact.event)]: fact });
}

/** Takes a fact out again once it is recorded, refused or out of date. A newer fact on the same axis stays. */
export function settlePendingFact(pending: PendingFacts, fact: Pick<PendingFact, 'id' | 'pool' | 'backend'>): void {
  const key = `${fact.pool}/${fact.backend}`;
  const facts = pending.get(key);
  if (facts === undefined) return;
  const { health, ejection } = facts;
  const kept = {
    ...(health !== undefined && health.id !== fact.id && { health }),
    ...(ejection !== undefined && ejection.id !== fact.id && { ejection }),
  };
  if (kept.health ?? kept.ejection) pending.set(key, kept);
  else pending.delete(key);
}

const NO_FACTS: readonly PendingFact[] = [];

/** The facts about one pool, in no order that matters; mostly none, which is the same empty list each time. O(all facts). */
export function pendingFactsOf(pool: string, pending: PendingFacts): readonly PendingFact[] {
  if (pending.size === 0) return NO_FACTS;
  const found: PendingFact[] = [];
  for (const { health, ejection } of pending.values()) {
    if (health?.pool === pool) found.push(health);
    if (ejection?.pool === pool) found.push(ejection);
  }
  return found.length === 0 ? NO_FACTS : found;
}

/** The backend as this node sees it: its recorded self with the node's pending facts on top. Revision 0 marks those. */
export function withPendingFacts(backend: Backend, node: string, pending: PendingFacts): Backend {
  const facts = pending.size === 0 ? undefined : pending.get(`${backend.pool}/${backend.id}`);
  if (facts === undefined) return backend;
  let { observations } = backend;
  for (const fact of [facts.health, facts.ejection]) {
    if (fact === undefined || fact.event.target !== backend.target.value) continue;
    observations = observe(observations, node, { event: fact.event, recorded: { revision: 0, timeMs: fact.timeMs } });
  }
  return { ...backend, observations };
}

/** Which of the backend's axes a fact is about. */
export function axisOf(event: HealthEvent): 'health' | 'ejection' {
  return event.type === 'BackendTurnedHealthy' || event.type === 'BackendTurnedUnhealthy' ? 'health' : 'ejection';
}
