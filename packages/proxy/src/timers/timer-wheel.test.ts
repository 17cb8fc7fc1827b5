/** The timer wheel, in virtual time. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RefusalLog, type RefusalLine } from '../listener/refusal-log.ts';
import { TICK_MS, TimerWheel, WheelTimer } from './timer-wheel.ts';

function virtualWheel() {
  const clock = { ms: 0 };
  const wheel = new TimerWheel({ nowMs: () => clock.ms });
  const advance = (ms: number) => {
    for (const end = clock.ms + ms; clock.ms < end; wheel.turn()) clock.ms = Math.min(end, clock.ms + TICK_MS);
  };
  return { clock, wheel, advance };
}

describe('the timer wheel', () => {
  test('fires never early and at most one tick late, for any delay and start', () => {
    fc.assert(
      fc.property(fc.nat({ max: 200_000 }), fc.nat({ max: 5_000 }), (delayMs, startMs) => {
        const { clock, wheel, advance } = virtualWheel();
        advance(startMs);
        let firedMs = -1;
        wheel.set(new WheelTimer({ onTimer: () => (firedMs = clock.ms) }), delayMs);
        advance(delayMs + 3 * TICK_MS);
        expect(firedMs).toBeGreaterThanOrEqual(startMs + delayMs);
        expect(firedMs).toBeLessThanOrEqual(startMs + delayMs + 2 * TICK_MS);
      }),
    );
  });

  test('a timer that is set again moves, one that is cleared is silent, and both may happen inside a callback', () => {
    const { clock, wheel, advance } = virtualWheel();
    const fired: string[] = [];
    const named = (name: string, also = () => undefined as void) =>
      new WheelTimer({
        onTimer() {
          fired.push(`${name} ${clock.ms}`);
          also();
        },
      });
    const cleared = named('cleared');
    const repeating: WheelTimer = named('again', () => clock.ms < 500 && wheel.set(repeating, 200));
    const moved = named('moved');
    wheel.set(
      named('clears', () => wheel.clear(cleared)),
      100,
    );
    wheel.set(cleared, 100);
    wheel.set(moved, 100);
    wheel.set(moved, 300);
    wheel.set(repeating, 200);
    advance(1_000);
    expect(fired).toEqual(['clears 100', 'again 200', 'moved 300', 'again 400', 'again 600']);
    expect(repeating.isSet).toBe(false);
  });

  test('a stall of any length loses nothing', () => {
    const { clock, wheel } = virtualWheel();
    let firedCount = 0;
    for (let delayMs = 0; delayMs < 100_000; delayMs += 997) {
      wheel.set(new WheelTimer({ onTimer: () => firedCount++ }), delayMs);
    }
    clock.ms = 1_000_000;
    wheel.turn();
    expect(firedCount).toBe(101);
  });
});

test('refusals are logged at once, then at most every 5 s with the number of those between', () => {
  const { wheel, advance } = virtualWheel();
  const counts: number[] = [];
  const log = new RefusalLog(wheel, ({ suppressedCount }: RefusalLine) => counts.push(suppressedCount));
  const refuse = (times: number) => {
    for (let time = 0; time < times; time++) log.refused({ listener: 'l', pool: 'p', reason: 'empty_set' });
  };
  refuse(10);
  expect(counts).toEqual([0]);
  advance(5_100);
  expect(counts).toEqual([0, 9]);
  advance(20_000);
  refuse(1);
  expect(counts).toEqual([0, 9, 0]);
  log.close();
});
