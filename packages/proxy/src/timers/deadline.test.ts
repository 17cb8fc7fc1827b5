/** A deadline is reached at its time, however often it was moved, and costs one timer. */
import { describe, expect, test } from 'vitest';
import { Deadline } from './deadline.ts';
import { TICK_MS, TimerWheel } from './timer-wheel.ts';

/** A wheel on a clock that a test moves, and the times at which the deadline was reached. */
function clockwork() {
  let nowMs = 0;
  const wheel = new TimerWheel({ nowMs: () => nowMs });
  const reachedMs: number[] = [];
  const deadline = new Deadline(wheel, () => void reachedMs.push(nowMs));
  const passTo = (timeMs: number) => {
    while (nowMs < timeMs) {
      nowMs += TICK_MS;
      wheel.turn();
    }
  };
  return { wheel, deadline, reachedMs, passTo, stallTo: (timeMs: number) => void (nowMs = timeMs) };
}

describe.each([250, 1_000, 9_999, 10_000, 60_000, 3_600_000])('a deadline in %i ms', (delayMs) => {
  test('is reached once, not before, and at most two ticks later', () => {
    const { deadline, reachedMs, passTo } = clockwork();
    deadline.set(delayMs);
    passTo(delayMs * 2 + 1_000);
    expect(reachedMs.length).toBe(1);
    expect(reachedMs[0]).toBeGreaterThanOrEqual(delayMs);
    expect(reachedMs[0]).toBeLessThanOrEqual(delayMs + 2 * TICK_MS);
  });

  test('is moved on by being set again', () => {
    const { deadline, reachedMs, passTo } = clockwork();
    deadline.set(delayMs);
    passTo(TICK_MS * Math.floor(delayMs / TICK_MS / 2));
    deadline.set(delayMs * 2);
    passTo(delayMs * 2);
    expect(reachedMs).toEqual([]);
    passTo(delayMs * 3 + 3 * TICK_MS);
    expect(reachedMs.length).toBe(1);
  });

  test('is not reached when it was cleared, and can be set again', () => {
    const { deadline, reachedMs, passTo } = clockwork();
    deadline.set(delayMs);
    deadline.clear();
    passTo(delayMs * 2);
    expect(reachedMs).toEqual([]);
    deadline.set(TICK_MS);
    passTo(delayMs * 2 + 3 * TICK_MS);
    expect(reachedMs.length).toBe(1);
  });
});

test('a nearer deadline replaces a farther one', () => {
  const { deadline, reachedMs, passTo } = clockwork();
  deadline.set(60_000);
  deadline.set(TICK_MS);
  passTo(60_000);
  expect(reachedMs.length).toBe(1);
  expect(reachedMs[0]).toBeLessThanOrEqual(3 * TICK_MS);
});

test('what is set after a stall has its whole time, although the wheel is late', () => {
  const { deadline, reachedMs, passTo, stallTo } = clockwork();
  stallTo(5_000);
  deadline.set(1_000);
  passTo(10_000);
  expect(reachedMs[0]).toBeGreaterThanOrEqual(6_000);
});

test('disposed of, it leaves nothing on the wheel', () => {
  const { wheel, deadline, reachedMs, passTo } = clockwork();
  deadline.set(1_000);
  deadline.dispose();
  passTo(5_000);
  expect(reachedMs).toEqual([]);
  expect(wheel.tick).toBe(50);
});

test('it may be set while it is reached', () => {
  let nowMs = 0;
  const wheel = new TimerWheel({ nowMs: () => nowMs });
  let count = 0;
  const deadline: Deadline = new Deadline(wheel, () => {
    count++;
    if (count < 3) deadline.set(TICK_MS);
  });
  deadline.set(TICK_MS);
  for (; nowMs < 5_000; nowMs += TICK_MS) wheel.turn();
  expect(count).toBe(3);
});
