/**
 * Who waits in a pool, and for what: for a connection where every backend is at its limit of them, or for a turn to be tried again
 * where the budget for retries is used up. First come, first served, and no more than `maxWaitingRequests`; how long one waits is its
 * own business.
 */
export const MAX_WAITING_DEFAULT = 1_024;
const RETRIES_MIN = 3;
export const RETRY_BUDGET_RATIO_DEFAULT = 0.2;

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

/**
 * How much of a pool's work may be under way a second time: a part of the requests under way, but three always may (Envoy's retry
 * budget). A backend that fails for everybody must not double the load on the others.
 */
export class RetryBudget {
  requestsCount = 0;
  #retriesCount = 0;

  /** Counts a request that makes a further attempt, which `giveBack` ends, if there is room for it. */
  take(ratio: number = RETRY_BUDGET_RATIO_DEFAULT): boolean {
    if (this.#retriesCount >= Math.max(RETRIES_MIN, Math.floor(this.requestsCount * ratio))) return false;
    this.#retriesCount++;
    return true;
  }

  giveBack(): void {
    this.#retriesCount--;
  }
}
