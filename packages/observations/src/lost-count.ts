/** What could not be kept: how much, and from when to when, until there is room to say so. */
import type { ObservationsLost } from './observation.ts';

export class LostCount {
  /** Since the process started. */
  count = 0;
  #unsaidCount = 0;
  #sinceMs = Infinity;
  #timeMs = -Infinity;

  add(timeMs: number): void {
    this.addMany({ count: 1, fromMs: timeMs, toMs: timeMs });
  }

  addMany({ count, fromMs, toMs }: { readonly count: number; readonly fromMs: number; readonly toMs: number }): void {
    this.count += count;
    this.#unsaidCount += count;
    this.#sinceMs = Math.min(this.#sinceMs, fromMs);
    this.#timeMs = Math.max(this.#timeMs, toMs);
  }

  /** The word about so many was lost itself; its time is that of the frame that held it. */
  sayAgain(count: number): void {
    this.#unsaidCount += count;
  }

  /** The word about what was lost since the last time; null for nothing. Whoever takes it keeps it, or counts it as lost. */
  take(): ObservationsLost | null {
    if (this.#unsaidCount === 0) return null;
    const lost = { kind: 'lost', timeMs: this.#timeMs, sinceMs: this.#sinceMs, count: this.#unsaidCount } as const;
    this.#unsaidCount = 0;
    this.#sinceMs = Infinity;
    this.#timeMs = -Infinity;
    return lost;
  }
}
