/** How often a member that nobody knows registers itself again. */
import { expect, test } from 'vitest';
import { RegistrationPace } from './registration-pace.ts';

test('a member that nobody knows registers again at once, unless it did within a heartbeat', () => {
  const pace = new RegistrationPace(5_000);
  pace.onRegistered(0);
  expect(pace.isDue(4_999)).toBe(false);
  expect(pace.isDue(60_000)).toBe(true);
});

test('it registers less and less often while that does not help, down to once a minute', () => {
  const pace = new RegistrationPace(5_000);
  const registeredMs: number[] = [];
  pace.onRegistered(0);
  for (let nowMs = 0; nowMs <= 400_000; nowMs += 1_000) {
    if (!pace.isDue(nowMs)) continue;
    registeredMs.push(nowMs);
    pace.onRegistered(nowMs);
  }
  const waits = registeredMs.map((nowMs, index) => nowMs - (registeredMs[index - 1] ?? 0));
  expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000, 60_000, 60_000]);
});

test('it is believed at once again after a quiet time', () => {
  const pace = new RegistrationPace(5_000);
  pace.onRegistered(0);
  expect(pace.isDue(5_000)).toBe(true);
  pace.onRegistered(5_000);
  expect(pace.isDue(100_000)).toBe(true);
  pace.onRegistered(100_000);
  expect(pace.isDue(105_000)).toBe(true);
});
