/** The waits between attempts. */
import { expect, test } from 'vitest';
import { jittered, retryWaitMs } from './backoff.ts';

test('waits double up to five seconds, and at most half of each is taken off at random', () => {
  expect([1, 2, 3, 6, 7, 1_000].map((count) => retryWaitMs(count, () => 0))).toEqual([
    100, 200, 400, 3_200, 5_000, 5_000,
  ]);
  expect(retryWaitMs(1_000, () => 1)).toBe(2_500);
});

test('a heartbeat comes a tenth early or late at most', () => {
  expect([0, 0.5, 1].map((random) => jittered(5_000, () => random))).toEqual([4_500, 5_000, 5_500]);
});
