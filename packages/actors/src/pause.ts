/** A wait that can be cut short. */
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
