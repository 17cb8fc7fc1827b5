/** What this node found of its backends itself, and what of it a roster that was built anew does not know. Pure. */
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

/** What was found last of each backend that is being probed, and of each that is ejected, unrecorded or not. */
export function* ownFindings(
  roster: Roster,
  { node, pending }: { readonly node: string; readonly pending: PendingFacts },
): Generator<readonly [Backend, HealthEvent]> {
  for (const { spec, backends } of roster.pools.values()) {
    for (const recorded of backends.values()) {
      const backend = withPendingFacts(recorded, node, pending);
      const { health, ejection } = observationBy(node, backend.observations);
      const target = backend.target.value;
      if (health.value !== 'unknown' && isProbed(backend, spec)) {
        const type = health.value === 'healthy' ? 'BackendTurnedHealthy' : 'BackendTurnedUnhealthy';
        const reason = health.reason ?? `found ${health.value} before`;
        yield [backend, { type, target, reason }];
      }
      if (ejection.value === 'ejected') {
        const reason = ejection.reason ?? 'ejected before';
        yield [backend, { type: 'BackendEjected', target, reason }];
      }
    }
  }
}

/** Whether a finding holds for the backend as it is now, and is neither recorded nor waiting to be. */
export function isNews({ pool, id }: Backend, event: HealthEvent, folded: FoldedRoster): boolean {
  const found = folded.backend(pool, id);
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
