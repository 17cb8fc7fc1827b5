/**
 * The time of one simulated process: its machine's wall clock, which may be set, and timers that die with the process.
 *
 * Timers fire at whole tenths of a second, as those of a real node do (`coarse-clock.ts`): a run then has a few hundred moments
 * at which anything happens, and is cheap.
 */
import type { Clock } from '@muster/actors';
import type { SimulatedClock } from '@muster/actors/testing';

const TICK_MS = 100;

/** How far a machine's wall clock is off. Shared by all processes that ever run there. */
export interface WallClock {
  offsetMs: number;
}

export class ProcessClock implements Clock {
  readonly #clock: SimulatedClock;
  readonly #wall: WallClock;
  readonly #armed = new Set<unknown>();
  isDead = false;

  constructor(clock: SimulatedClock, wall: WallClock) {
    this.#clock = clock;
    this.#wall = wall;
  }

  /** Timers that are set and have not fired. */
  get armedCount(): number {
    return this.#armed.size;
  }

  now(): number {
    return this.#clock.now() + this.#wall.offsetMs;
  }

  elapsedMs(): number {
    return this.#clock.elapsedMs();
  }

  setTimeout(fn: () => void, delayMs: number): unknown {
    if (this.isDead) return null;
    const presentMs = this.#clock.elapsedMs();
    const atMs = Math.ceil((presentMs + Math.max(0, delayMs)) / TICK_MS) * TICK_MS;
    const fire = (): void => {
      this.#armed.delete(timer);
      fn();
    };
    const timer = this.#clock.setTimeout(fire, atMs - presentMs);
    this.#armed.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#armed.delete(timer);
    this.#clock.clearTimeout(timer);
  }

  /** As `PlaneClock.every`. */
  every(intervalMs: number, callBack: () => void): () => void {
    let timer: unknown = null;
    const arm = (): void => {
      timer = this.setTimeout(() => {
        arm();
        callBack();
      }, intervalMs);
    };
    arm();
    return () => this.clearTimeout(timer);
  }

  nowMs(): number {
    return this.#clock.elapsedMs();
  }

  /** The process is gone: nothing of it ever happens again. */
  kill(): void {
    this.isDead = true;
    for (const timer of this.#armed) this.#clock.clearTimeout(timer);
    this.#armed.clear();
  }
}
