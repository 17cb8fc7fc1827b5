/**
 * Kills, and what they explain. A process that was sent SIGKILL may still accept for a moment, and on a busy machine for longer; so a
 * kill lasts until the process is surely gone.
 */
import { eventually, isAlive } from './process.ts';

/** In performance.now(). */
export interface Kill {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Ends them with SIGKILL and waits until none lives. Their parent has to be another process, which waits for them. */
export function killProcesses(...pids: readonly number[]): Promise<Kill> {
  return killAs(async () => {
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await eventually('they are gone', () => !pids.some(isAlive));
  });
}

/** Whatever kills something and resolves when that is gone. */
export async function killAs(kill: () => Promise<unknown>): Promise<Kill> {
  const fromMs = performance.now();
  await kill();
  return { fromMs, untilMs: performance.now() };
}

/** Failures of connections or requests that were not under way during any of the kills. */
export function failuresNotAt<Failure extends { readonly begunMs: number; readonly failedMs: number }>(
  failures: readonly Failure[],
  kills: readonly Kill[],
): Failure[] {
  return failures.filter(
    ({ begunMs, failedMs }) => !kills.some(({ fromMs, untilMs }) => begunMs <= untilMs && failedMs >= fromMs),
  );
}
