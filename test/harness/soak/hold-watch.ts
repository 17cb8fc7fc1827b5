/**
 * Whether a process's event loop was ever held: its longest turns, measured from within by `hold-watch-preload.ts`, which is
 * loaded before the process's own code.
 *
 * What counts is the CPU time that the main thread spent between two ticks of a timer, not the time on the wall: on a machine with
 * more to do than cores, a thread waits for its core without having held anything up.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Names the folder that the watched processes write into, one file each. */
export const HOLD_FOLDER = 'MUSTER_HOLD_FOLDER';
export const HOLD_TICK_MS = 5;
/** Shorter turns are not written down. */
export const HOLD_NOTED_MS = 30;

const PRELOAD = fileURLToPath(new URL('hold-watch-preload.ts', import.meta.url));

export interface Hold {
  readonly pid: number;
  /** Ms since 1970, when the turn was over. */
  readonly atMs: number;
  readonly cpuMs: number;
  /** Functions in which the turn was spent, with ms each, where the process was profiled (`MUSTER_HOLD_PROFILE=1`). */
  readonly where?: readonly string[];
}

/** The environment of a process that is to be watched. */
export function watchedEnv(folder: string): Record<string, string> {
  return { [HOLD_FOLDER]: folder, NODE_OPTIONS: `--import ${PRELOAD}` };
}

/** The long turns of these processes since a moment (ms since 1970), the longest first. */
export function holdsSince(sinceMs: number, { folder, pids }: { folder: string; pids: readonly number[] }): Hold[] {
  const texts = pids.map((pid) => join(folder, `${pid}.holds`)).filter((file) => existsSync(file));
  const lines = texts.flatMap((file) => readFileSync(file, 'utf8').split('\n'));
  const holds = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Hold);
  return holds.filter(({ atMs }) => atMs >= sinceMs).toSorted((left, right) => right.cpuMs - left.cpuMs);
}
