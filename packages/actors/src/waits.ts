/**
 * How long to wait before trying again, and when to stop trying. Pure: time and chance come from the caller.
 *
 * Two questions, kept apart. What the world does (a journal that is away, a taken port, a killed worker) is retried for
 * ever, ever more slowly. A defect of our own is not cured by repetition: an actor that keeps crashing is given up.
 */

export interface Backoff {
  /** The first wait, in ms; each further one is twice as long. */
  readonly minMs: number;
  /** No wait is longer, in ms. */
  readonly maxMs: number;
}

/** For the journal, workers, and actors that crashed. */
export const RETRY_BACKOFF: Backoff = { minMs: 100, maxMs: 5_000 };
/** An actor that crashes more often than this within `RESTARTS_WINDOW_MS` is given up. */
const RESTARTS_MAX = 5;
const RESTARTS_WINDOW_MS = 60_000;

/** The wait before try `attempt` (0 for the first retry), in ms: half of it certain, half by chance. */
export function backoffMs(attempt: number, { minMs, maxMs }: Backoff, random: () => number): number {
  const fullMs = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30));
  return (fullMs / 2) * (1 + random());
}

export type RestartVerdict =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly crashedAtMs: readonly number[] }
  | { readonly kind: 'give-up' };

/** What to do about a crash now, after those at `crashedAtMs`, all by `elapsedMs`. Keeps at most `RESTARTS_MAX` times. */
export function judgeCrash(
  crashedAtMs: readonly number[],
  { nowMs, random }: { readonly nowMs: number; readonly random: () => number },
): RestartVerdict {
  const recent = crashedAtMs.filter((atMs) => atMs > nowMs - RESTARTS_WINDOW_MS);
  if (recent.length >= RESTARTS_MAX) return { kind: 'give-up' };
  return { kind: 'restart', delayMs: backoffMs(recent.length, RETRY_BACKOFF, random), crashedAtMs: [...recent, nowMs] };
}
