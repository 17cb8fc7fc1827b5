/**
 * The one rule that combines a backend's three axes: may it get new traffic on this node, and if not, which event
 * keeps it out?
 */
import type { HealthPolicy } from './health-policy.ts';
import { observationBy, type Backend } from './roster.ts';

export type Eligibility =
  | { readonly isEligible: true }
  | {
      readonly isEligible: false;
      readonly axis: 'mode' | 'health' | 'ejection';
      readonly value: string;
      /** The event that keeps it out. For `unknown` health: the one that gave it its target. 0: a fact not recorded yet. */
      readonly revision: number;
      /** For people, as that event said it; null where it gave none. */
      readonly reason: string | null;
    };

const ELIGIBLE: Eligibility = { isEligible: true };

/** `health` is the pool's policy; without one every backend counts as healthy. */
export function eligibility(backend: Backend, node: string, health: HealthPolicy | undefined): Eligibility {
  const { mode } = backend;
  if (mode.value !== 'ready') return { isEligible: false, axis: 'mode', ...pick(mode) };
  const seen = observationBy(node, backend.observations);
  if (seen.ejection.value === 'ejected') return { isEligible: false, axis: 'ejection', ...pick(seen.ejection) };
  if (health === undefined || seen.health.value === 'healthy') return ELIGIBLE;
  if (seen.health.value === 'unhealthy') return { isEligible: false, axis: 'health', ...pick(seen.health) };
  const { revision } = backend.target;
  return { isEligible: false, axis: 'health', value: 'unknown', revision, reason: 'no probe has answered yet' };
}

export function isEligible(backend: Backend, node: string, health: HealthPolicy | undefined): boolean {
  return eligibility(backend, node, health).isEligible;
}

function pick({ value, revision, reason }: { value: string; revision: number; reason: string | null }) {
  return { value, revision, reason };
}
