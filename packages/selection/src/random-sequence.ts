/**
 * The chance that policies use: a generator whose whole state is one 32-bit integer, so that a pick records it in one number
 * and can be made again from it.
 *
 * SplitMix (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014), narrowed to 32 bits: the state steps
 * by a constant and visits all 2³² values; what comes out is the state, mixed. Good enough to spread load; not for secrets.
 */
import { mix } from './hash.ts';

/** 2³² divided by the golden ratio, made odd: neighbouring states come out far apart. */
const STEP = 0x9e3779b9;

export class RandomSequence {
  #state: number;

  /** Any integer; sequences of different seeds have nothing to do with each other. */
  constructor(seed: number) {
    this.#state = mix(seed + 1) >>> 0;
  }

  /** The sequence whose next number follows that state. */
  static from(state: number): RandomSequence {
    const sequence = new RandomSequence(0);
    sequence.#state = state >>> 0;
    return sequence;
  }

  /** An unsigned 32-bit integer. */
  get state(): number {
    return this.#state;
  }

  /** At least 0, less than 1, in steps of 2⁻³². */
  next(): number {
    this.#state = (this.#state + STEP) >>> 0;
    return (mix(this.#state) >>> 0) / 0x1_0000_0000;
  }
}
