/**
 * How an observation changes what is known of a backend. The fold uses it for recorded facts, and a node uses the
 * very same function to lay its own unrecorded facts over the roster (`pending-facts.ts`).
 */
import type { HealthEvent } from './event.ts';
import { UNOBSERVED, type Backend, type Observation } from './roster.ts';

export interface ObservedFact {
  readonly event: HealthEvent;
  readonly recorded: { readonly revision: number; readonly timeMs: number };
}

/** The observations with `node`'s own changed by one fact. */
export function observe(
  observations: Backend['observations'],
  node: string,
  fact: ObservedFact,
): Backend['observations'] {
  const changed = new Map(observations);
  changed.set(node, observeOne(observations.get(node) ?? UNOBSERVED, fact));
  return changed;
}

function observeOne(before: Observation, { event, recorded: { revision, timeMs } }: ObservedFact): Observation {
  const { reason } = event;
  switch (event.type) {
    case 'BackendTurnedHealthy':
      return { ...before, health: { value: 'healthy', revision, timeMs, reason } };
    case 'BackendTurnedUnhealthy':
      return { ...before, health: { value: 'unhealthy', revision, timeMs, reason } };
    case 'BackendEjected':
      return { ...before, ejection: { value: 'ejected', revision, timeMs, reason } };
    case 'BackendReinstated':
      return { ...before, ejection: { value: 'admitting', revision, timeMs, reason } };
  }
}
