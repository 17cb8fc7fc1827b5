/** The waits between attempts, at both ends of what chance may give. */
import { expect, test } from 'vitest';
import { backoffLimitMs, backoffMs, RETRY_BACKOFF } from './backoff.ts';

test('the limit doubles with each failure, up to the longest wait', () => {
  const backoff = { minMs: 50, maxMs: 500 };
  const limits = [0, 1, 2, 3, 4, 50, 5_000].map((attempt) => backoffLimitMs(attempt, backoff));
  expect(limits).toEqual([50, 100, 200, 400, 500, 500, 500]);
});

test('a wait is at least half of its limit', () => {
  const at = (chance: number) => [0, 1, 5, 6, 1_000].map((attempt) => backoffMs(attempt, RETRY_BACKOFF, () => chance));
  expect(at(0)).toEqual([50, 100, 1_600, 2_500, 2_500]);
  expect(at(1)).toEqual([100, 200, 3_200, 5_000, 5_000]);
});
