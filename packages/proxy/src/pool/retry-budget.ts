/**
 * How much of a pool's work may be under way a second time: a part of the requests under way, but three always may (Envoy's retry
 * budget). A backend that fails for everybody must not double the load on the others.
 */
const RETRIES_MIN = 3;
const RATIO_DEFAULT = 0.2;

export class RetryBudget {
  requestsCount = 0;
  #retriesCount = 0;

  /** Counts a request that makes a further attempt, which `giveBack` ends, if there is room for it. */
  take(ratio: number = RATIO_DEFAULT): boolean {
    if (this.#retriesCount >= Math.max(RETRIES_MIN, Math.floor(this.requestsCount * ratio))) return false;
    this.#retriesCount++;
    return true;
  }

  giveBack(): void {
    this.#retriesCount--;
  }
}
