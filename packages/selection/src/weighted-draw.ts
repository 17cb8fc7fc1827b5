/**
 * Draws a backend of a set by chance, each as likely as its weight says: what `random` does, and `least_requests` twice.
 *
 * One random number a draw, found among the running totals of the weights: O(log n), and O(1) where all weights are equal.
 * Who is drawn and excluded is drawn again, which leaves the others' chances in proportion. After a few misses most of the
 * set is excluded, and the rest is counted: O(n), exact as well.
 */
import type { Candidate } from '@muster/membership';
import type { PickRequest } from './selection-policy.ts';
import type { RandomSequence } from './random-sequence.ts';

/** With half of a set excluded, one pick in 256 counts the rest. */
const MISSES_MAX = 8;

const NOBODY = -1;

export class WeightedDraw {
  #backends: readonly Candidate[] = [];
  /** By position: the sum of the weights up to and with that backend. Null while all weights are equal. */
  #totals: Float64Array | null = null;

  /** O(n). */
  adopt(backends: readonly Candidate[]): void {
    this.#backends = backends;
    const isEqual = backends.every(({ weight }) => weight === backends[0]!.weight);
    this.#totals = isEqual ? null : runningTotals(backends);
  }

  /** A position in the set, never `except` (-1: nobody to be left out) nor an excluded one; -1 where there is no other. */
  draw(sequence: RandomSequence, { isExcluded }: PickRequest, except: number): number {
    if (this.#backends.length - (except < 0 ? 0 : 1) <= 0) return NOBODY;
    for (let miss = 0; miss < MISSES_MAX; miss++) {
      const index = this.#find(sequence.next(), except);
      if (isExcluded?.(this.#backends[index]!) !== true) return index;
    }
    return this.#drawAmongRest(sequence, isExcluded!, except);
  }

  /** Where `ratio` of the way through the weights of all but `except` leads. */
  #find(ratio: number, except: number): number {
    const totals = this.#totals;
    if (totals === null) {
      const index = Math.floor(ratio * (this.#backends.length - (except < 0 ? 0 : 1)));
      return except >= 0 && index >= except ? index + 1 : index;
    }
    const left = except < 0 ? 0 : this.#backends[except]!.weight;
    let point = ratio * (totals[totals.length - 1]! - left);
    // Whoever is left out is stepped over, as if the others had moved together.
    if (except >= 0 && point >= totals[except]! - left) point += left;
    return firstAbove(totals, point);
  }

  #drawAmongRest(sequence: RandomSequence, isExcluded: (backend: Candidate) => boolean, except: number): number {
    let weightTotal = 0;
    this.#backends.forEach((backend, index) => {
      if (index !== except && !isExcluded(backend)) weightTotal += backend.weight;
    });
    let left = sequence.next() * weightTotal;
    return this.#backends.findIndex((backend, index) => {
      if (index === except || isExcluded(backend)) return false;
      left -= backend.weight;
      return left < 0;
    });
  }
}

function runningTotals(backends: readonly Candidate[]): Float64Array {
  const totals = new Float64Array(backends.length);
  let total = 0;
  for (let index = 0; index < backends.length; index++) totals[index] = total += backends[index]!.weight;
  return totals;
}

/** Binary search; `point` is less than the last one. */
function firstAbove(totals: Float64Array, point: number): number {
  let low = 0;
  let high = totals.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (totals[middle]! > point) high = middle;
    else low = middle + 1;
  }
  return low;
}
