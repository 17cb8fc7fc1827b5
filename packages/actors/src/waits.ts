/**
 * Waits: until a time is over, for a piece of work that may take too long, and before something is tried again.
 *
 * Before a retry there are two questions, kept apart. What the world does (a journal that is away, a taken port, a killed worker) is retried for
 * ever, ever more slowly. A defect of our own is not cured by repetition: an actor that keeps crashing is given up.
 */
import { backoffMs, RETRY_BACKOFF } from '@muster/membership';
import type { Clock } from './ports.ts';

export { backoffMs, RETRY_BACKOFF, type Backoff } from '@muster/membership';

/** An actor that crashes more often than this within `RESTARTS_WINDOW_MS` is given up. */
const RESTARTS_MAX = 5;
const RESTARTS_WINDOW_MS = 60_000;

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

/** Resolves after `delayMs`, or as soon as the signal says so. Never rejects. */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimeout(resolve, delayMs);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort);
  await promise;
  signal.removeEventListener('abort', onAbort);
  clock.clearTimeout(timer);
}

/** What `work` comes to, or `late` after `timeoutMs`; it goes on by itself then. Rejects as `work` does. */
export async function inTime<Result>(
  work: Promise<Result>,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<Result | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>();
  const timer = clock.setTimeout(() => resolve('late'), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clock.clearTimeout(timer);
  }
}
