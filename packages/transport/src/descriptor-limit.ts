/**
 * How many files this process may have open, and from where on it takes no more connections.
 *
 * At the limit itself the event loop accepts what waits and closes it without a word to anybody, so that nobody could count it. The
 * kernel gives the lowest free number to each new descriptor: a number near the limit says that hardly any are left. So dials end a
 * little before the limit, and accepts a little before dials, because a client that cannot be served is better refused.
 */
import { readFileSync } from 'node:fs';

const ACCEPTS_RESERVE = 64;
const DIALS_RESERVE = 32;

const limit = openFilesMax();
/** An accepted connection whose descriptor has this number, or a higher one, is closed. */
export const ACCEPTED_FD_MAX = limit - Math.min(ACCEPTS_RESERVE, limit >> 2);
/**
 * A dial whose descriptor has this number, or a higher one, fails.
 */
export const DIALLED_FD_MAX = limit - Math.min(DIALS_RESERVE, limit >> 3);

/** What the kernel allows, which Node has raised as far as it may; 2³⁰ where that cannot be known. */
function openFilesMax(): number {
  const unknown = 2 ** 30;
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return Math.min(unknown, Number(soft ?? unknown));
  } catch {
    // Only Linux tells it in a file.
    return unknown;
  }
}
