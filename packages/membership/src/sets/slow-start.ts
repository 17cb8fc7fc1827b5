/**
 * Slow start: a backend that has just become eligible gets a part of its share, which grows until it is warm.
 *
 *     weight                    ┌──────────  its own
 *      100 %                 ╱  ┊
 *                         ╱     ┊
 *                      ╱        ┊
 *       10 %  ┌─────╱           ┊
 *             │                 ┊
 *     ────────┴─────────────────┴──────────  time
 *          became eligible   + slowStartMs
 *
 * It became eligible at the newest event that it owes that to: the one that gave it its target, its mode, and what this node
 * saw of its health and of its ejection. All of these times are the journal's, so that any past weight can be had again.
 * Where a quorum decides on health, too, it is this node's own observation that counts: the moment at which a majority
 * came about is not on the roster.
 *
 * HAProxy's `slowstart` and Envoy's slow start mode grow in the same way, and 10 % is Envoy's smallest part, too.
 */
import type { PoolSpec } from '../vocabulary/event.ts';
import { observationBy, type Backend } from '../fold/roster.ts';

/**
 * Weights in a pool with slow start are this many times the backends' own, always and not only while somebody starts: a
 * tenth of 1 is no whole number, and a policy that keeps state in units of weight would go astray if the unit changed.
 */
export const SLOW_START_SCALE = 100;
const RATIO_MIN = 0.1;

/** When a backend that is eligible on this node became that: ms since 1970, the journal's clock. */
export function eligibleSinceMs(backend: Backend, spec: Pick<PoolSpec, 'health'>, node: string): number {
  const { health, ejection } = observationBy(node, backend.observations);
  const healthMs = spec.health === undefined ? 0 : health.timeMs;
  return Math.max(backend.target.timeMs, backend.mode.timeMs, healthMs, ejection.timeMs);
}

/** The part of its weight that it has by now, 0.1 to 1. A journal whose clock runs ahead makes it wait at 0.1. */
export function slowStartRatio(sinceMs: number, slowStartMs: number, nowMs: number): number {
  return Math.min(1, Math.max(RATIO_MIN, (nowMs - sinceMs) / slowStartMs));
}
