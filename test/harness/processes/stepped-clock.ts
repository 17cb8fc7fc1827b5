/**
 * A wall clock that a test can set, for processes that it starts: what an operator's `date -s` or a bad time server does to
 * them. Only what `Date` says is shifted; timers and `performance.now` go by the clock that never steps, as on a real machine.
 *
 * The kernel has no such clock for one process (a time namespace shifts the clocks that never step). So a module is loaded
 * into each process before all others (`stepped-clock-preload.ts`), which reads the shift from a file.
 */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often a process looks at the file, in ms. */
export const CLOCK_LOOK_INTERVAL_MS = 20;
/** By then every process has looked, unless the machine is very busy. */
const SEEN_AFTER_MS = 25 * CLOCK_LOOK_INTERVAL_MS;
export const CLOCK_SHIFT_FILE = 'STEPPED_CLOCK_SHIFT_FILE';

export interface SteppedClock {
  /** For the processes that go by it. */
  readonly env: Record<string, string>;
  /** Sets it so far ahead of the real time, in ms; negative: behind. Resolves when the processes have seen it. */
  set(shiftMs: number): Promise<void>;
}

export async function steppedClock(folder: string, name: string): Promise<SteppedClock> {
  const file = join(folder, `${name}.clock-shift`);
  const write = async (shiftMs: number) => {
    await writeFile(`${file}.new`, `${shiftMs}`);
    await rename(`${file}.new`, file);
  };
  await write(0);
  const preload = new URL('stepped-clock-preload.ts', import.meta.url).href;
  return {
    env: { NODE_OPTIONS: `--import ${preload}`, [CLOCK_SHIFT_FILE]: file },
    set: async (shiftMs) => {
      await write(shiftMs);
      await sleep(SEEN_AFTER_MS);
    },
  };
}
