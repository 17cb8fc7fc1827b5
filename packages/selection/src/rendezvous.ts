/**
 * Weighted rendezvous hashing: for every key an order of all backends, which depends on the set's ids and weights alone.
 *
 * Every backend rolls a die for the key, made of the hashes of both (Thaler, Ravishankar: Using Name-Based Mappings to
 * Increase Hit Rates, IEEE/ACM ToN 6(1), 1998). The roll is read as a waiting time, exponential with the weight as its
 * rate: E = -ln(1 - v) / weight, v uniform in [0, 1). The shortest wait owns the key. The first of independent exponential
 * times is that of backend i with probability weightᵢ / Σ weights, so shares are exact, for any weights; only their ratios
 * matter. And since nobody's wait depends on the others, a backend that comes takes keys for itself and moves no other, one
 * that leaves gives its keys to whoever is next in each key's order, and a changed weight moves keys of that backend only.
 *
 * The order is of slots, not of keys: keys with the same top 20 bits share one, so that an owner can be remembered for each
 * (`owner-memo.ts`). What a slot's quantum costs is in the record of the decision, docs/adr/0010.
 *
 * It knows nothing of load, limits or exclusion: whoever asks says which backends will do.
 */
import type { Candidate } from '@muster/membership';
import { hashOfKey, mix } from './hash.ts';

const SLOT_BITS = 20;
export const SLOTS = 2 ** SLOT_BITS;

/** The slot of a key's hash: its top bits. 0 to `SLOTS` - 1. */
export const slotOf = (keyHash: number): number => keyHash >>> (32 - SLOT_BITS);

/** A backend of the set with its hashes. It is another member when its weight changes: the slots it wins are others. */
export interface Member {
  candidate: Candidate;
  readonly seed: number;
  /** Odd. Two ids whose seeds are equal (one pair in 10,000 ids, on a bad day) still roll differently. */
  readonly factor: number;
  /** 1 for the first that came, counting on; starts again at 1 when the numbers are used up. */
  readonly number: number;
}

/** Numbers fit in 16 bits, so that a slot's owner does. */
const NUMBER_MAX = 0xffff;

export class Rendezvous {
  /** In the order of the set. */
  members: readonly Member[] = [];
  weightTotal = 0;
  /** By number; null for those who left, and for number 0, which nobody has. */
  membersByNumber: (Member | null)[] = [null];
  /** Counts how often the numbers started again, which makes those given before worthless. */
  numbering = 0;

  // By position, for the scan: packed arrays are several times quicker than 10,000 objects.
  #seeds = new Int32Array(0);
  #factors = new Int32Array(0);
  #inverseWeights = new Float64Array(0);

  /** Makes `backends`, ordered by id, the set. O(n); hashes only the ids that are new. */
  adopt(backends: readonly Candidate[]): void {
    const before = this.members;
    if (this.membersByNumber.length + backends.length > NUMBER_MAX + 1) this.#startNumbersAgain();
    if (backends.length !== before.length) this.#resize(backends.length);
    this.weightTotal = 0;
    let index = 0;
    this.members = backends.map((backend, position) => {
      while (index < before.length && isBefore(before[index]!.candidate, backend)) this.#leave(before[index++]!);
      const known = before[index]?.candidate.id === backend.id ? before[index++]! : null;
      const member = this.#memberFor(backend, known);
      this.#seeds[position] = member.seed;
      this.#factors[position] = member.factor;
      this.#inverseWeights[position] = 1 / backend.weight;
      this.weightTotal += backend.weight;
      return member;
    });
    while (index < before.length) this.#leave(before[index++]!);
  }

  /** How long a member waits for a slot. */
  waitOf({ candidate, seed, factor }: Member, slot: number): number {
    return wait(roll(seed, factor, mix(slot))) * (1 / candidate.weight);
  }

  /**
   * The first in a slot's order; -1 in an empty set. `isFit` is asked about a backend only if it would be better than the
   * best so far: about ln n times. O(n).
   */
  first(slot: number, isFit: ((backend: Candidate, waitTime: number) => boolean) | null): number {
    const slotHash = mix(slot);
    let best = -1;
    let bestWait = Infinity;
    for (let index = 0; ; index++) {
      index = this.#contender(index, slotHash, bestWait);
      if (index < 0) return best;
      const waitTime = wait(roll(this.#seeds[index]!, this.#factors[index]!, slotHash)) * this.#inverseWeights[index]!;
      if (waitTime >= bestWait || isFit?.(this.members[index]!.candidate, waitTime) === false) continue;
      best = index;
      bestWait = waitTime;
    }
  }

  /**
   * The next position, from `index` on, whose wait may be less than `bestWait`; -1 where there is none. A wait is never less
   * than its roll, which spares nearly all the logarithms. This loop is what a scan costs: 3 to 5 ns a backend.
   */
  #contender(from: number, slotHash: number, bestWait: number): number {
    const seeds = this.#seeds;
    const factors = this.#factors;
    const inverseWeights = this.#inverseWeights;
    for (let index = from; index < seeds.length; index++) {
      if (roll(seeds[index]!, factors[index]!, slotHash) * inverseWeights[index]! < bestWait) return index;
    }
    return -1;
  }

  #memberFor(backend: Candidate, known: Member | null): Member {
    if (known?.candidate.weight === backend.weight && this.membersByNumber[known.number] === known) {
      known.candidate = backend;
      return known;
    }
    if (known !== null) this.#leave(known);
    const member = {
      candidate: backend,
      seed: known?.seed ?? hashOfKey(backend.id) | 0,
      factor: known?.factor ?? hashOfKey(backend.id, FACTOR_BASIS) | 1,
      number: this.membersByNumber.length,
    };
    this.membersByNumber.push(member);
    return member;
  }

  #leave(member: Member): void {
    if (this.membersByNumber[member.number] === member) this.membersByNumber[member.number] = null;
  }

  #startNumbersAgain(): void {
    this.membersByNumber = [null];
    this.numbering += 1;
  }

  #resize(count: number): void {
    this.#seeds = new Int32Array(count);
    this.#factors = new Int32Array(count);
    this.#inverseWeights = new Float64Array(count);
  }
}

/** Any number but FNV's own basis. */
const FACTOR_BASIS = 0x2545f491;

/** Most ids are the same text object as before, which is told at a glance; their order takes a comparison. */
function isBefore(a: Candidate, b: Candidate): boolean {
  return a.id !== b.id && a.id < b.id;
}

/** Uniform, more than 0 and less than 1. */
function roll(seed: number, factor: number, slotHash: number): number {
  let hash = seed ^ slotHash;
  hash = Math.imul(hash ^ (hash >>> 16), factor);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) * 2 ** -32 + 2 ** -33;
}

/**
 * -ln(1 - v), to 9 digits, and never less than v. `Math.log` may differ between engines and processors, and then nodes would
 * send some keys to different backends; sums and products may not. With 1 - v = y·2⁻ᵏ, y in [½, 1) and z = (1 - y) / (1 + y),
 * it is k·ln 2 + 2·artanh z, whose series converges as 9⁻ⁿ.
 */
function wait(v: number): number {
  let y = 1 - v;
  let doublings = 0;
  for (; y < 0.5; y *= 2) doublings += Math.LN2;
  const z = (1 - y) / (1 + y);
  const q = z * z;
  const series = 1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13 + q * (1 / 15)))))));
  const time = doublings + 2 * z * series;
  return time < v ? v : time;
}
