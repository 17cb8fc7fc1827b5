/** What this node's probes have found, and what of it a roster that was built anew does not know. Pure. */
import { observationBy, withPendingFacts, type PendingFacts, type Roster } from '@muster/membership';
import type { Flip } from './backend-machine.ts';
import type { FoldedRoster } from './folded-roster.ts';

/** The newest finding about each backend that is being probed, unrecorded ones included. */
export function* ownFindings(
  roster: Roster,
  { node, pending }: { readonly node: string; readonly pending: PendingFacts },
): Generator<Flip> {
  for (const { id: pool, spec, backends } of roster.pools.values()) {
    if (spec.health === undefined) continue;
    for (const recorded of backends.values()) {
      const { id: backend, target, mode, observations } = withPendingFacts(recorded, node, pending);
      const { value: health, reason } = observationBy(node, observations).health;
      if (mode.value === 'maint' || health === 'unknown') continue;
      yield { pool, backend, target: target.value, health, reason: reason ?? `found ${health} before` };
    }
  }
}

/** Whether a finding holds for the backend as it is now, and is neither recorded nor waiting to be. */
export function isNews({ pool, backend, target, health }: Flip, folded: FoldedRoster): boolean {
  const found = folded.backend(pool, backend);
  if (found?.target.value !== target || found.mode.value === 'maint') return false;
  if (folded.roster.pools.get(pool)?.spec.health === undefined) return false;
  return observationBy(folded.node, found.observations).health.value !== health;
}
