/** What this node has seen of its backends itself, and what of it a roster that was built anew does not know. Pure. */
import {
  ejectionPolicyOf,
  observationBy,
  withPendingFacts,
  type Backend,
  type HealthEvent,
  type Observation,
  type PendingFacts,
  type PoolSpec,
  type Roster,
} from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';

/** Something that this node saw of one backend: its probes, or its traffic. */
export interface Finding {
  readonly pool: string;
  readonly backend: string;
  readonly event: HealthEvent;
}

/** The newest findings about each backend that is being probed, and about each that is ejected, unrecorded ones included. */
export function* ownFindings(
  roster: Roster,
  { node, pending }: { readonly node: string; readonly pending: PendingFacts },
): Generator<Finding> {
  for (const { id: pool, spec, backends } of roster.pools.values()) {
    for (const recorded of backends.values()) {
      const backend = withPendingFacts(recorded, node, pending);
      const { health, ejection } = observationBy(node, backend.observations);
      const target = backend.target.value;
      if (health.value !== 'unknown' && isProbed(backend, spec)) {
        const type = health.value === 'healthy' ? 'BackendTurnedHealthy' : 'BackendTurnedUnhealthy';
        const reason = health.reason ?? `found ${health.value} before`;
        yield { pool, backend: backend.id, event: { type, target, reason } };
      }
      if (ejection.value === 'ejected') {
        const reason = ejection.reason ?? 'ejected before';
        yield { pool, backend: backend.id, event: { type: 'BackendEjected', target, reason } };
      }
    }
  }
}

/** Whether a finding holds for the backend as it is now, and is neither recorded nor waiting to be. */
export function isNews({ pool, backend, event }: Finding, folded: FoldedRoster): boolean {
  const found = folded.backend(pool, backend);
  const spec = folded.roster.pools.get(pool)?.spec;
  if (spec === undefined || found?.target.value !== event.target) return false;
  const isEjection = event.type === 'BackendEjected' || event.type === 'BackendReinstated';
  if (isEjection ? ejectionPolicyOf(spec) === null : !isProbed(found, spec)) return false;
  return !isSaid(event, observationBy(folded.node, found.observations));
}

/** Whether an observation says already what an event says. */
export function isSaid({ type }: HealthEvent, { health, ejection }: Observation): boolean {
  switch (type) {
    case 'BackendTurnedHealthy':
      return health.value === 'healthy';
    case 'BackendTurnedUnhealthy':
      return health.value === 'unhealthy';
    case 'BackendEjected':
      return ejection.value === 'ejected';
    case 'BackendReinstated':
      return ejection.value === 'admitting';
  }
}

function isProbed({ mode }: Backend, { health }: PoolSpec): boolean {
  return health !== undefined && mode.value !== 'maint';
}
