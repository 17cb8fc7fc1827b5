/**
 * How many probes a node has under way at once. A further one waits in line.
 *
 * The limit keeps 10,000 first probes from opening 10,000 sockets in one turn of the event loop. The line is first come,
 * first served, and holds at most one entry per prober, so it is bounded by the number of backends.
 */

/** Probes under way at once, per node. */
const PROBES_IN_FLIGHT_MAX = 256;

export class ProbeSlots {
  #freeCount: number;
  /** A set keeps the order of arrival and forgets in O(1). */
  readonly #waiting = new Set<() => void>();

  constructor(slotsCount = PROBES_IN_FLIGHT_MAX) {
    this.#freeCount = slotsCount;
  }

  /** Calls `begin` now or when a slot is free; it then holds the slot until `leave`. */
  enter(begin: () => void): void {
    if (this.#freeCount === 0) {
      this.#waiting.add(begin);
      return;
    }
    this.#freeCount -= 1;
    begin();
  }

  /** Takes a waiting entry out of the line; false when it holds a slot already. */
  cancel(begin: () => void): boolean {
    return this.#waiting.delete(begin);
  }

  /** Hands the slot to the next in line. */
  leave(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#freeCount += 1;
  }
}
