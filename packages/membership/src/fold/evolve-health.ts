/**
 * How an observation changes what is known of a backend. The fold uses it for recorded facts, and a node uses the
 * very same function to lay its own unrecorded facts over the roster (`pending-facts.ts`).
 */
import type { HealthEvent } from '../vocabulary/event.ts';
import { observationBy, type Observation } from './roster.ts';

export interface ObservedFact {
  readonly event: HealthEvent;
  readonly recorded: { readonly revision: number; readonly timeMs: number };
}

/** The observations with `node`'s own changed by one fact. */
export function observe(
  observations: readonly Observation[],
  node: string,
  fact: ObservedFact,
): readonly Observation[] {
  const index = observations.findIndex((observation) => observation.node === node);
  const changed = observeOne(observations[index] ?? observationBy(node, []), fact);
  if (index >= 0) return observations.with(index, changed);
  if (observations.length === 0) return [changed];
  return [...observations, changed].sort((left, right) => (left.node < right.node ? -1 : 1));
}

function observeOne(before: Observation, { event, recorded: { revision, timeMs } }: ObservedFact): Observation {
  const { node, health, ejection } = before;
  const { reason } = event;
  switch (event.type) {
    case 'BackendTurnedHealthy':
      return { node, health: { value: 'healthy', revision, timeMs, reason }, ejection };
    case 'BackendTurnedUnhealthy':
      return { node, health: { value: 'unhealthy', revision, timeMs, reason }, ejection };
    case 'BackendEjected':
      return { node, health, ejection: { value: 'ejected', revision, timeMs, reason } };
    case 'BackendReinstated':
      return { node, health, ejection: { value: 'admitting', revision, timeMs, reason } };
  }
}
