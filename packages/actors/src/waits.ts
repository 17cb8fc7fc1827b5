/** Waits: until a time is over, and for a piece of work that may take too long. Before what is tried again see `backoffMs`. */
import type { Clock } from './ports.ts';

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
