/**
 * Requests of one pool that wait because every backend is at its limit of connections: first come, first served, and no more
 * than `maxWaitingRequests`. How long one waits is its own business.
 */
const MAX_WAITING_DEFAULT = 1_024;

export interface Waiting {
  /** There may be room now: leaves the line if it found a place, else it keeps its turn. */
  onRoom(): void;
}

export class WaitingLine {
  readonly #waiting = new Set<Waiting>();
  /** Places that have become free and were offered to nobody yet. */
  #roomsCount = 0;
  #isServing = false;

  get count(): number {
    return this.#waiting.size;
  }

  /** False: the line is full. */
  join(waiting: Waiting, maxCount: number = MAX_WAITING_DEFAULT): boolean {
    if (this.#waiting.size >= maxCount) return false;
    this.#waiting.add(waiting);
    return true;
  }

  leave(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  /**
   * A connection was released or closed: whoever waits longest and can use it has it. One that is served may be over at once, and
   * make room in its turn: that is counted, and offered by the call under way, so that no stack grows with the line.
   */
  serveOne(): void {
    if (this.#waiting.size === 0) return;
    this.#roomsCount++;
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#roomsCount > 0) {
      this.#roomsCount--;
      this.#offer();
    }
    this.#isServing = false;
  }

  /** The set has changed: everybody tries. */
  serveAll(): void {
    if (this.#waiting.size === 0) return;
    const isOuter = !this.#isServing;
    this.#isServing = true;
    const all = Array.from(this.#waiting);
    for (const waiting of all) if (this.#waiting.has(waiting)) waiting.onRoom();
    if (!isOuter) return;
    this.#isServing = false;
    if (this.#roomsCount > 0) {
      this.#roomsCount--;
      this.serveOne();
    }
  }

  #offer(): void {
    for (const waiting of this.#waiting) {
      waiting.onRoom();
      if (!this.#waiting.has(waiting)) return;
    }
  }
}
