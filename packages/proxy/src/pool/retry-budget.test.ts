/** Retries are a part of the requests under way, and three always may. */
import { expect, test } from 'vitest';
import { RetryBudget } from './waiting-line.ts';

/** How many retries there is room for at once. */
function roomFor(requestsCount: number, ratio?: number): number {
  const budget = new RetryBudget();
  budget.requestsCount = requestsCount;
  let count = 0;
  while (count < 1_000 && budget.take(ratio)) count++;
  return count;
}

test.each([
  [0, 0.2, 3],
  [15, 0.2, 3],
  [19, 0.2, 3],
  [20, 0.2, 4],
  [1_000, 0, 3],
  [10, 1, 10],
])('of %i requests at a ratio of %f, %i may be tried again', (requestsCount, ratio, expected) => {
  expect(roomFor(requestsCount, ratio)).toBe(expected);
});

test('a fifth when nothing is said', () => {
  expect(roomFor(100)).toBe(20);
});

test('what is given back can be taken again, once', () => {
  const budget = new RetryBudget();
  for (let count = 0; count < 3; count++) budget.take();
  budget.giveBack();
  expect([budget.take(), budget.take()]).toEqual([true, false]);
});
