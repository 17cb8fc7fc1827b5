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

  /** A connection was released or closed: whoever waits longest and can use it has it. */
  serveOne(): void {
    if (this.#waiting.size === 0) return;
    for (const waiting of this.#waiting) {
      waiting.onRoom();
      if (!this.#waiting.has(waiting)) return;
    }
  }

  /** The set has changed: everybody tries. */
  serveAll(): void {
    for (const waiting of this.#waiting) waiting.onRoom();
  }
}
