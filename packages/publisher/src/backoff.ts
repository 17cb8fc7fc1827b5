/** Waits between attempts: exponential, with jitter, so that a thousand members do not come back in one moment. */

const RETRY_WAIT_MIN_MS = 100;
/** However often it failed, it is tried again after this. */
export const RETRY_WAIT_MAX_MS = 5_000;

/** The wait after the n-th failure (1, 2, …), ms: 100 doubled each time up to 5,000, of which the upper half is random. */
export function retryWaitMs(failureCount: number, random: () => number = Math.random): number {
  const fullMs = Math.min(RETRY_WAIT_MAX_MS, RETRY_WAIT_MIN_MS * 2 ** Math.min(failureCount - 1, 16));
  return fullMs * (1 - random() / 2);
}

const JITTER_RATIO = 0.1;

/** The interval ±10 %. */
export function jittered(intervalMs: number, random: () => number = Math.random): number {
  return intervalMs * (1 + JITTER_RATIO * (2 * random() - 1));
}
