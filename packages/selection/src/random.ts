/**
 * A backend by chance, each as likely as its weight says: O(log n) a pick, O(1) with equal weights.
 *
 * It needs no memory of earlier picks, so that many balancers in front of the same backends do not fall into step. The price
 * is variance: of n picks a backend with share p gets n·p, give or take √(n·p). `least_requests` costs one draw more and has
 * far less of it.
 */
import type { Candidate } from '@muster/membership';
import type { RandomSequence } from './random-sequence.ts';
import type { PickRequest, PickSet, SelectionPolicy } from './selection-policy.ts';
import { WeightedDraw } from './weighted-draw.ts';

export class RandomPolicy implements SelectionPolicy {
  readonly inputs = { cursor: 0, weights: null, consulted: [], inFlightTotal: 0 };
  readonly #sequence: RandomSequence;
  readonly #draw = new WeightedDraw();
  #set: PickSet | null = null;

  constructor(sequence: RandomSequence) {
    this.#sequence = sequence;
  }

  pick(set: PickSet, request: PickRequest): Candidate | null {
    if (set !== this.#set) {
      this.#set = set;
      this.#draw.adopt(set.backends);
    }
    this.inputs.cursor = this.#sequence.state;
    return set.backends[this.#draw.draw(this.#sequence, request, -1)] ?? null;
  }
}
