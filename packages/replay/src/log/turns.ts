/**
 * Long work in turns: a node that answers a question about the past has leases to watch and workers to feed meanwhile.
 */
import { setImmediate } from 'node:timers/promises';

/** About how long one turn takes, in ms, until whatever else waits has its own. */
const TURN_MS = 8;

/** To be called after each small piece of work, and awaited where it gives something. */
export type Pace = () => Promise<void> | undefined;

/** The same items, with turns for others between them however fast they come. */
export async function* itemsInTurns<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item, void> {
  const pace = inTurns();
  for await (const item of items) {
    yield item;
    const turn = pace();
    if (turn !== undefined) await turn;
  }
}

/** Gives a function that is to be called after each small piece of work; it waits now and then, and costs nothing otherwise. */
export function inTurns(): Pace {
  let endsAt = performance.now() + TURN_MS;
  return () => (performance.now() < endsAt ? undefined : nextTurn());

  async function nextTurn(): Promise<void> {
    await setImmediate();
    endsAt = performance.now() + TURN_MS;
  }
}
