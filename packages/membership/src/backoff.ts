/**
 * How long to wait before trying again: exponential, with chance in it, so that many who failed at one moment do not come back in
 * one. Pure: time and chance come from the caller.
 *
 *     attempt           0      1      2      3   …
 *     backoffLimitMs    min    2·min  4·min  8·min, up to max
 *     backoffMs         half of the limit certain, half by chance: for whoever has to be back soon, and not at once
 *
 * Chance times the limit is the full jitter of Brooker ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015): of all ways it
 * spreads many clients best, and it may be no wait at all.
 */

export interface Backoff {
  /** The limit of the first wait, in ms; each further one is twice as long. */
  readonly minMs: number;
  /** No wait is longer, in ms. */
  readonly maxMs: number;
}

/** For whatever is tried for ever: the journal, workers, actors that crashed, a member's events. */
export const RETRY_BACKOFF: Backoff = { minMs: 100, maxMs: 5_000 };

/** The longest that the wait before try `attempt` may be, in ms; 0 is the first retry. */
export function backoffLimitMs(attempt: number, { minMs, maxMs }: Backoff): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
}

/** The wait before try `attempt` (0 for the first retry), in ms: half of its limit certain, half by chance. */
export function backoffMs(attempt: number, backoff: Backoff, random: () => number): number {
  return (backoffLimitMs(attempt, backoff) / 2) * (1 + random());
}
