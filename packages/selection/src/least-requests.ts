/**
 * Two backends by chance, and the less busy one of them: the power of two choices (Mitzenmacher: The Power of Two Choices in
 * Randomized Load Balancing, IEEE TPDS 12(10), 2001). The busiest of n queues is then about log log n long, where it is
 * log n / log log n with one choice; a third choice gains little, and looking at all of them costs O(n) and makes every
 * balancer run to the same idle backend at once.
 *
 * Busy is (inFlight + 1) / weight: how full the backend would be with this request. On a tie the first one drawn takes it.
 *
 * The two are drawn by weight. Drawn uniformly, a backend is among the two in 2/n of the picks and can get no more than
 * that: one of weight 50 beside 50 of weight 1 should have half of the load, and would have 4 %. Drawn by weight, the shares
 * are about right before anything is compared, and the comparison takes the variance out. While everything is idle it
 * also gives the heavier one more than its share (weights 2 and 1: always the heavier of the two); with load it evens out.
 *
 * The counts are this worker's own. O(log n) a pick, O(1) with equal weights.
 */
import type { Candidate } from '@muster/membership';
import { Consulted } from './consulted.ts';
import type { RandomSequence } from './random-sequence.ts';
import type { PickRequest, PickSet, SelectionPolicy } from './selection-policy.ts';
import { WeightedDraw } from './weighted-draw.ts';

export class LeastRequests implements SelectionPolicy {
  readonly inputs;
  readonly #consulted = new Consulted();
  readonly #sequence: RandomSequence;
  readonly #draw = new WeightedDraw();
  #set: PickSet | null = null;

  constructor(sequence: RandomSequence) {
    this.#sequence = sequence;
    this.inputs = { cursor: 0, weights: null, consulted: this.#consulted.list, inFlightTotal: 0 };
  }

  pick(set: PickSet, request: PickRequest): Candidate | null {
    if (set !== this.#set) {
      this.#set = set;
      this.#draw.adopt(set.backends);
    }
    this.inputs.cursor = this.#sequence.state;
    this.#consulted.begin();
    const picked = this.#lessBusy(set.backends, request);
    this.#consulted.end();
    return picked;
  }

  #lessBusy(backends: readonly Candidate[], request: PickRequest): Candidate | null {
    const firstIndex = this.#draw.draw(this.#sequence, request, -1);
    if (firstIndex < 0) return null;
    const first = backends[firstIndex]!;
    const second = backends[this.#draw.draw(this.#sequence, request, firstIndex)];
    if (second === undefined) return first;
    const firstLoad = (this.#consulted.inFlightOf(first, request) + 1) * second.weight;
    const secondLoad = (this.#consulted.inFlightOf(second, request) + 1) * first.weight;
    return secondLoad < firstLoad ? second : first;
  }
}
