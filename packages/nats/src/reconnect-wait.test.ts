/** The waits between attempts, at both ends of what chance may give. */
import { expect, test } from 'vitest';
import { reconnectWaitMs } from './reconnect-wait.ts';

test('the limit doubles with each failure, up to the longest wait', () => {
  const limits = [0, 1, 2, 3, 4, 50, 5000].map((failureCount) =>
    reconnectWaitMs(failureCount, { waitMaxMs: 500, random: () => 1 }),
  );
  expect(limits).toEqual([50, 100, 200, 400, 500, 500, 500]);
});

test('the wait is spread from nothing to the limit', () => {
  const at = (chance: number) => reconnectWaitMs(3, { waitMaxMs: 500, random: () => chance });
  expect([0, 0.25, 0.5].map(at)).toEqual([0, 100, 200]);
});
