/**
 * Smooth weighted round robin: each backend gets exactly its weight in every full round, and heavy ones are spread
 * out instead of bunched. Weights 5, 1, 1 give a a b a c a a, never a a a a a b c.
 *
 * The algorithm is nginx's (`ngx_http_upstream_get_peer`, 2012): at each pick every candidate's current weight grows
 * by its weight; the largest wins, the first one on a tie, and is lowered by the candidates' total. O(n) a pick.
 * With equal weights that sequence is a plain rotation in id order, which is done as one: O(1) a pick.
 *
 * What a pick was made from is kept as it is made: for the rotation a position, otherwise the current weights. Each pick
 * then writes them into a new array, which is cheap beside the O(n) of the pick itself, up to `WEIGHTS_KEPT_MAX` of them.
 *
 * State is kept by id, so a new set keeps everybody's turn: the rotation goes on after the last picked id, present or
 * not, and a backend that stays keeps its current weight. It knows nothing of health, limits or connections.
 */
import type { Candidate } from '@muster/membership';
import type { PolicyOptions, RepickObstacle } from './policies.ts';
import {
  ANY_BACKEND,
  type PickInputs,
  type PickRequest,
  type PickSet,
  type SelectionPolicy,
} from './selection-policy.ts';

/** Backends with different weights up to which a pick can be made again: 2 KiB of numbers for each one that is recorded. */
export const WEIGHTS_KEPT_MAX = 256;

export function smoothWeightedRoundRobin({ startOffset }: PolicyOptions): SelectionPolicy {
  return new SmoothWeightedRoundRobin(startOffset);
}

/** The policy as it was before the pick that recorded `inputs`. */
export function smoothWeightedRoundRobinFrom(set: PickSet, inputs: PickInputs): SelectionPolicy | RepickObstacle {
  const policy = new SmoothWeightedRoundRobin(0);
  return policy.resume(set, inputs) ?? policy;
}

class SmoothWeightedRoundRobin implements SelectionPolicy {
  readonly inputs: {
    cursor: number;
    weights: readonly number[] | null;
    consulted: readonly [];
    inFlightTotal: number;
  } = {
    cursor: 0,
    weights: null,
    consulted: [],
    inFlightTotal: 0,
  };
  #set: PickSet | null = null;
  #backends: readonly Candidate[] = [];
  #isRotation = true;
  /** Position of the next backend in the rotation; always below the set's length, 0 for an empty set. */
  #nextIndex = 0;
  #lastPickedId: string | null = null;
  /** By position in the set; unused while all weights are equal, and empty until they first differ. */
  #currentWeights: number[] = [];
  /** Turns still to be skipped at the first set that has a backend. */
  #startOffset: number;

  constructor(startOffset: number) {
    this.#startOffset = startOffset;
  }

  pick(set: PickSet, request: PickRequest): Candidate | null {
    if (set !== this.#set) this.#adopt(set);
    const index = this.#isRotation ? this.#rotate(request) : this.#pickHeaviest(request);
    if (index < 0) return null;
    const picked = this.#backends[index]!;
    this.#lastPickedId = picked.id;
    return picked;
  }

  /** Null: done. */
  resume(set: PickSet, { cursor, weights }: PickInputs): RepickObstacle | null {
    this.#adopt(set);
    if (this.#isRotation) {
      if (weights !== null || cursor >= Math.max(1, set.backends.length)) return 'inputs_of_another_set';
      this.#nextIndex = cursor;
      return null;
    }
    if (weights === null) return set.backends.length > WEIGHTS_KEPT_MAX ? 'weights_not_kept' : 'inputs_of_another_set';
    if (weights.length !== set.backends.length) return 'inputs_of_another_set';
    this.#currentWeights = [...weights];
    return null;
  }

  #adopt(set: PickSet): void {
    const before = this.#backends;
    const isFirst = this.#lastPickedId === null;
    this.#set = set;
    this.#backends = set.backends;
    this.#isRotation = set.backends.every(({ weight }) => weight === set.backends[0]!.weight);
    const hasWeights = !this.#isRotation || this.#currentWeights.length > 0;
    if (hasWeights) this.#currentWeights = carryOver(before, this.#currentWeights, set.backends);
    this.#nextIndex = isFirst ? 0 : indexAfter(set.backends, this.#lastPickedId!);
    if (isFirst && set.backends.length > 0) this.#skipToStart();
  }

  #skipToStart(): void {
    const turns = this.#startOffset % this.#backends.length;
    this.#startOffset = 0;
    for (let turn = 0; turn < turns; turn++) this.pick(this.#set!, ANY_BACKEND);
  }

  #rotate({ isExcluded }: PickRequest): number {
    const backends = this.#backends;
    this.inputs.cursor = this.#nextIndex;
    this.inputs.weights = null;
    for (let step = 0; step < backends.length; step++) {
      const index = (this.#nextIndex + step) % backends.length;
      if (isExcluded?.(backends[index]!) === true) continue;
      this.#nextIndex = index + 1 === backends.length ? 0 : index + 1;
      return index;
    }
    return -1;
  }

  #pickHeaviest({ isExcluded }: PickRequest): number {
    const isKept = this.#currentWeights.length <= WEIGHTS_KEPT_MAX;
    this.inputs.cursor = 0;
    this.inputs.weights = isKept ? this.#currentWeights : null;
    const weights = isKept ? this.#currentWeights.slice() : this.#currentWeights;
    this.#currentWeights = weights;
    let best = -1;
    let weightTotal = 0;
    for (let index = 0; index < weights.length; index++) {
      const backend = this.#backends[index]!;
      if (isExcluded?.(backend) === true) continue;
      weightTotal += backend.weight;
      weights[index]! += backend.weight;
      if (best < 0 || weights[index]! > weights[best]!) best = index;
    }
    if (best >= 0) weights[best]! -= weightTotal;
    return best;
  }
}

/** The current weights of `after`, taken from `before` where an id is in both; new ids start at 0. Both are ordered. */
function carryOver(before: readonly Candidate[], weights: readonly number[], after: readonly Candidate[]): number[] {
  let index = 0;
  return after.map(({ id }) => {
    // Most ids are the same text object as before, which is told at a glance; their order takes a comparison.
    while (index < before.length && before[index]!.id !== id && before[index]!.id < id) index++;
    return before[index]?.id === id ? (weights[index] ?? 0) : 0;
  });
}

/** Position of the first id greater than `id`, or 0 where there is none: the rotation starts again. Binary search. */
function indexAfter(backends: readonly Candidate[], id: string): number {
  let low = 0;
  let high = backends.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (backends[middle]!.id <= id) low = middle + 1;
    else high = middle;
  }
  return low === backends.length ? 0 : low;
}
