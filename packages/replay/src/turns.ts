/**
 * Long work in turns: a node that answers a question about the past has leases to watch and workers to feed meanwhile.
 */
import { setImmediate } from 'node:timers/promises';

/** About how long one turn takes, in ms, until whatever else waits has its own. */
const TURN_MS = 8;

/** Gives a function that is to be called after each small piece of work; it waits now and then, and costs nothing otherwise. */
export function inTurns(): () => Promise<void> | undefined {
  let endsAt = performance.now() + TURN_MS;
  return () => (performance.now() < endsAt ? undefined : nextTurn());

  async function nextTurn(): Promise<void> {
    await setImmediate();
    endsAt = performance.now() + TURN_MS;
  }
}
