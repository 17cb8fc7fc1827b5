/**
 * Virtual time for tests: a clock that stands still until it is told to go on.
 *
 * `advance` goes from deadline to deadline. At each it lets promises and immediates settle, so that whatever a timer
 * started (a probe that answers at once, an append) has had its effects before the next one fires.
 */
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../src/ports.ts';

/** Turns of the event loop that count as "everything has settled". */
const SETTLING_TURNS = 12;

interface Timer {
  readonly fn: () => void;
  readonly atMs: number;
  readonly order: number;
}

export class SimulatedClock implements Clock {
  #nowMs = 0;
  /** How far `now` is from `elapsedMs`: changed where the system's clock is set. */
  #offsetMs = 1_700_000_000_000;
  #ordersCount = 0;
  readonly #timers = new Set<Timer>();

  /** Timers that are set and have not fired. */
  get armedCount(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#nowMs + this.#offsetMs;
  }

  elapsedMs(): number {
    return this.#nowMs;
  }

  /** Sets the system's clock forward, or back with a negative number. Timers do not care. */
  step(byMs: number): void {
    this.#offsetMs += byMs;
  }

  setTimeout(fn: () => void, delayMs: number): unknown {
    const timer: Timer = { fn, atMs: this.#nowMs + Math.max(0, delayMs), order: this.#ordersCount++ };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(id: unknown): void {
    this.#timers.delete(id as Timer);
  }

  /** Lets everything that needs no time happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < SETTLING_TURNS; turn++) await setImmediate();
  }

  /** The process stands still: time passes and no timer fires. What is overdue fires when time goes on. */
  standStill(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  async advance(durationMs: number): Promise<void> {
    const untilMs = this.#nowMs + durationMs;
    await this.settle();
    for (;;) {
      const due = this.#earliest(untilMs);
      if (due.length === 0) break;
      this.#nowMs = Math.max(this.#nowMs, due[0]!.atMs);
      for (const timer of due) if (this.#timers.delete(timer)) timer.fn();
      await this.settle();
    }
    this.#nowMs = untilMs;
  }

  /** The timers of the next deadline, if it is not after `untilMs`, in the order in which they were set. */
  #earliest(untilMs: number): Timer[] {
    let atMs = Infinity;
    for (const timer of this.#timers) atMs = Math.min(atMs, timer.atMs);
    if (atMs > untilMs) return [];
    return [...this.#timers].filter((timer) => timer.atMs === atMs).sort((left, right) => left.order - right.order);
  }
}
