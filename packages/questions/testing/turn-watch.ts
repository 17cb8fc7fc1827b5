/**
 * The longest turn of this process's event loop, as the CPU time that its main thread spent in it: time on the wall would count what
 * others do to the machine. A collection of garbage counts where the thread itself does it, because whoever waits does not care why.
 */

/** No turn may hold the event loop for longer. */
export const TURN_MS_MAX = 50;

/** So often is work done that seems to hold the event loop. */
const ATTEMPTS_MAX = 5;

/**
 * Does some work, and gives the longest turn meanwhile, in ms. Where that is too long the work is done again, and the attempt with the
 * shortest one counts: a turn that is too long is so each time, and one that a compiler or a neighbour disturbed is not.
 */
export async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  let shortestMs = Infinity;
  for (let attempt = 0; attempt < ATTEMPTS_MAX && shortestMs >= TURN_MS_MAX; attempt++) {
    shortestMs = Math.min(shortestMs, await longestTurnOnceMs(work));
  }
  return shortestMs;
}

async function longestTurnOnceMs(work: () => Promise<unknown>): Promise<number> {
  let longestMs = 0;
  let before = process.threadCpuUsage();
  const look = (): void => {
    const { user, system } = process.threadCpuUsage(before);
    longestMs = Math.max(longestMs, (user + system) / 1_000);
    before = process.threadCpuUsage();
    next = setImmediate(look);
  };
  let next = setImmediate(look);
  try {
    await work();
    look();
  } finally {
    clearImmediate(next);
  }
  return longestMs;
}
