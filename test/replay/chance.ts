/** What happens next in a scene, by a seed: the same seed, the same scene. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, less than 1. mulberry32 (Tommy Ettinger, 2017). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  /** A whole number of 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  isWithin(probability: number): boolean {
    return this.next() < probability;
  }

  /** Undefined where there is nothing to take. */
  one<Value>(values: readonly Value[]): Value | undefined {
    return values[this.below(values.length)];
  }
}
