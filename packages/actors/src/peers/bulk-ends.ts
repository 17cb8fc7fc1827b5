/**
 * Notices that many leases ended together, whichever nodes ended them: the mark that somebody who looks hours later still finds.
 *
 * Only what this node folded since it began to serve; the events in the journal tell the rest.
 */
import type { BulkEnd } from '../node-status.ts';
import type { Clock } from '../ports.ts';

/** Ends that follow each other within so many ms belong together: one sweep ends at most 64. */
const GAP_MS = 5_000;
/** So many make a bulk. */
const COUNT_MIN = 5;

export class BulkEnds {
  readonly #clock: Clock;
  #run: BulkEnd | null = null;
  #lastElapsedMs = -Infinity;
  #newest: BulkEnd | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get newest(): BulkEnd | null {
    return this.#newest;
  }

  /** A lease has ended. */
  note(): void {
    const [nowMs, elapsedMs] = [this.#clock.now(), this.#clock.elapsedMs()];
    const isTogether = elapsedMs - this.#lastElapsedMs <= GAP_MS;
    const run = (isTogether ? this.#run : null) ?? { count: 0, firstMs: nowMs, lastMs: nowMs };
    this.#lastElapsedMs = elapsedMs;
    this.#run = { ...run, count: run.count + 1, lastMs: nowMs };
    if (this.#run.count >= COUNT_MIN) this.#newest = this.#run;
  }
}
