/** A clock that stands still until a test moves it on. */
import type { DialClock } from '../src/names/resolver-settings.ts';

export class ManualClock implements DialClock {
  #nowMs = 0;
  readonly #timers = new Set<{ readonly dueMs: number; readonly callBack: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callBack: () => void): () => void {
    const timer = { dueMs: this.#nowMs + delayMs, callBack };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Moves on by `ms`, and calls what is due on the way, in order. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ dueMs }) => dueMs <= untilMs).toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = due.dueMs;
      due.callBack();
    }
    this.#nowMs = untilMs;
  }
}
