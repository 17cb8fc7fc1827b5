/** How far heartbeats drift apart. */
import { expect, test } from 'vitest';
import { jittered } from './heartbeat-timer.ts';

test('a heartbeat comes a tenth early or late at most', () => {
  expect([0, 0.5, 1].map((random) => jittered(5_000, () => random))).toEqual([4_500, 5_000, 5_500]);
});
