/**
 * How long to wait before the next attempt: exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015): evenly spread over 0 to a limit that doubles with each failure. Of all ways to jitter it is the one
 * that spreads many clients best, which matters most at the first attempt: all of them lost their connection at once.
 */

/** The limit of the first wait is this part of the longest one. */
const FIRST_PART = 1 / 10;

/** In ms. `failureCount` is 0 for a connection that stood and was lost. `random` gives at least 0, below 1. */
export function reconnectWaitMs(
  failureCount: number,
  { waitMaxMs, random }: { waitMaxMs: number; random: () => number },
): number {
  return random() * Math.min(waitMaxMs, waitMaxMs * FIRST_PART * 2 ** failureCount);
}
