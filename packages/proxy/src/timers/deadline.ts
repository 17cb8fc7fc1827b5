/**
 * One deadline that moves often: a kept-alive connection has a new one with every request.
 *
 * Moving it on is an assignment, because the timer on the wheel stays where it is and looks, when it fires, whether it is time
 * yet. Only a deadline that is earlier than the timer moves the timer.
 */
import { TICK_MS, WheelTimer, type TimerOwner, type TimerWheel } from './timer-wheel.ts';

const SHORT_MS = 10_000;

export class Deadline implements TimerOwner {
  readonly #wheel: TimerWheel;
  readonly #onReached: () => void;
  readonly #timer = new WheelTimer(this);
  /** Infinity: there is none. */
  #tick = Infinity;

  constructor(wheel: TimerWheel, onReached: () => void) {
    this.#wheel = wheel;
    this.#onReached = onReached;
  }

  /**
   * Reached in `delayMs`, plus at most two ticks. A short one is counted from the clock: the wheel may be late, and what was
   * begun after a stall must have its whole time.
   */
  set(delayMs: number): void {
    const wheel = this.#wheel;
    this.#tick = delayMs < SHORT_MS ? wheel.tickIn(delayMs) : wheel.tick + Math.ceil(delayMs / TICK_MS) + 1;
    if (!this.#timer.isSet || this.#timer.deadlineTick > this.#tick) this.#wheel.setTick(this.#timer, this.#tick);
  }

  /** There is none until it is set again. */
  clear(): void {
    this.#tick = Infinity;
  }

  /** Nothing is left on the wheel. */
  dispose(): void {
    this.#tick = Infinity;
    this.#wheel.clear(this.#timer);
  }

  onTimer(): void {
    if (this.#tick === Infinity) return;
    if (this.#tick > this.#wheel.tick) return this.#wheel.setTick(this.#timer, this.#tick);
    this.#tick = Infinity;
    this.#onReached();
  }
}
