/** That turns are taken one by one, in order, and that others have theirs in between. */
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { OwnTurns } from './own-turns.ts';

test('who comes together has a turn each, in order; who comes later is not forgotten', async () => {
  const turns = new OwnTurns();
  const had: number[] = [];
  let loopTurns = 0;
  const take = async (index: number): Promise<number> => {
    await turns.next();
    had.push(index);
    return loopTurns;
  };
  const taking = Array.from({ length: 50 }, (_, index) => take(index));
  const all = Promise.all(taking);
  for (; had.length < 50; loopTurns++) await setImmediate();
  expect(had).toEqual([...Array(50).keys()]);
  expect(new Set(await all).size).toBeGreaterThanOrEqual(49);
  await take(50);
  expect(had.at(-1)).toBe(50);
});
