/**
 * Time as a recording tells it: it stands where the present line says, and a timer fires when the recorded actor took its
 * event, not by itself. A real timer fires late by as much as the process was busy, and other events came before it.
 */

interface Timer {
  readonly event: string | null;
  readonly dueMs: number;
  readonly fire: () => void;
}

export class RecordedClock {
  #nowMs: number;
  readonly #timers = new Set<Timer>();
  /** What the timer that is armed next will send. */
  #announced: string | null = null;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  elapsedMs(): number {
    return this.#nowMs;
  }

  set(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** XState arms a timer right after it has said for which event; the clock is told the delay alone. */
  announce(event: string): void {
    this.#announced = event;
  }

  setTimeout(fire: () => void, delayMs: number): Timer {
    const timer: Timer = { event: this.#announced, dueMs: this.#nowMs + delayMs, fire };
    this.#announced = null;
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.#timers.delete(timer);
  }

  /** Fires the timer that sends such an event; `early` when it is not due yet, `missing` when none is armed. */
  fire(event: string): 'fired' | 'early' | 'missing' {
    for (const timer of this.#timers) {
      if (timer.event !== event) continue;
      if (timer.dueMs > this.#nowMs + TIMER_EARLY_MS) return 'early';
      this.#timers.delete(timer);
      timer.fire();
      return 'fired';
    }
    return 'missing';
  }
}

/** Node's timers count in whole milliseconds and may fire that much before their time by a finer clock. */
const TIMER_EARLY_MS = 1;
