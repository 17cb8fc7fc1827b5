/** When the next heartbeat is due: one timer per member, jittered, so that members that joined together drift apart. */

export class HeartbeatTimer {
  readonly #intervalMs: number;
  readonly #beat: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number, beat: () => void) {
    this.#intervalMs = intervalMs;
    this.#beat = beat;
  }

  /** One at once, so that a member that came back within its lease is heard of; the second within the interval, at random. */
  start(): void {
    this.#schedule(this.#intervalMs * Math.random());
    this.#beat();
  }

  /** One at once and the next an interval later; nothing where it does not run. */
  beatNow(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#schedule(jittered(this.#intervalMs));
    this.#beat();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => this.beatNow(), delayMs);
  }
}

const JITTER_RATIO = 0.1;

/** The interval ±10 %. */
export function jittered(intervalMs: number, random: () => number = Math.random): number {
  return intervalMs * (1 + JITTER_RATIO * (2 * random() - 1));
}
