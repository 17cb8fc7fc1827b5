/**
 * How often a member that nobody knows registers itself again.
 *
 * The first `unknown` after a quiet time is believed at once. Where it keeps coming (its pool does not exist, a node lags far
 * behind) the waits double from one heartbeat to a minute, so that a mistake does not fill the journal.
 */

const REGISTER_AGAIN_WAIT_MAX_MS = 60_000;

export class RegistrationPace {
  readonly #heartbeatMs: number;
  #waitMs: number;
  #dueMs = 0;

  constructor(heartbeatMs: number) {
    this.#heartbeatMs = heartbeatMs;
    this.#waitMs = heartbeatMs;
  }

  /** Recorded at `nowMs`. A node that is a little behind may still answer `unknown` to the first heartbeat after it. */
  onRegistered(nowMs: number): void {
    this.#dueMs = nowMs + this.#waitMs;
  }

  /** A node said `unknown` at `nowMs`: whether to register again. */
  isDue(nowMs: number): boolean {
    if (nowMs < this.#dueMs) return false;
    const isRepeated = this.#dueMs > 0 && nowMs < this.#dueMs + 2 * this.#waitMs;
    const longerMs = Math.min(Math.max(REGISTER_AGAIN_WAIT_MAX_MS, this.#heartbeatMs), 2 * this.#waitMs);
    this.#waitMs = isRepeated ? longerMs : this.#heartbeatMs;
    return true;
  }
}
