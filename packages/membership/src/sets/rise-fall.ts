/**
 * Rise and fall: from single findings to a judgement that does not flap. Pure.
 *
 * A judgement changes only when enough findings in a row speak against it: `rise` passed probes for an unhealthy backend,
 * `fall` failed ones for a healthy one. Of a backend that nobody has seen yet, the first finding decides alone.
 */
import type { HealthPolicy } from '../vocabulary/health-policy.ts';
import type { Health } from '../fold/roster.ts';

export interface Judgement {
  readonly health: Health;
  /** Findings in a row that speak against `health`; less than rise or fall. */
  readonly againstCount: number;
}

/**
 * Whether a probe's outcome is a finding about its target. A fault of this machine says nothing about it, nor does a probe that was
 * taken back. `code`: a `ProbeFailureCode`; null or left out where it passed.
 */
export function isFinding({ passed, code }: { readonly passed: boolean; readonly code?: string | null }): boolean {
  return passed || (code !== 'local_fault' && code !== 'aborted');
}

/** The judgement after one more finding. It has flipped where `health` differs. */
export function judge({ health, againstCount }: Judgement, hasPassed: boolean, policy: HealthPolicy): Judgement {
  const found = hasPassed ? 'healthy' : 'unhealthy';
  if (found === health) return { health, againstCount: 0 };
  const neededCount = health === 'unknown' ? 1 : hasPassed ? policy.rise : policy.fall;
  const hasFlipped = againstCount + 1 >= neededCount;
  return hasFlipped ? { health: found, againstCount: 0 } : { health, againstCount: againstCount + 1 };
}

/** From the end of a probe to the next, in ms: an interval of the policy, varied by its jitter. */
export function jitteredMs(intervalMs: number, { jitterRatio }: HealthPolicy, random: () => number): number {
  return intervalMs * (1 + jitterRatio * (2 * random() - 1));
}
