/**
 * For processes that are killed at any moment: a line is with the kernel when `say` returns. A pipe whose reader is slow is waited
 * for; Node itself would throw EAGAIN.
 */
import { writeSync } from 'node:fs';

const STDOUT = 1;
const RETRY_MS = 1;
const pause = new Int32Array(new SharedArrayBuffer(4));

export function say(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(STDOUT, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(pause, 0, 0, RETRY_MS);
    }
  }
}
