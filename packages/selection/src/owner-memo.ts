/**
 * Who owns which slot, remembered: O(1) a look-up in place of rendezvous hashing's O(n).
 *
 * Nothing is built, neither at the start nor after a change, and so nothing blocks: a slot's owner is found when a key of it
 * comes for the first time. What is remembered stays right with little work, because rendezvous hashing moves so little.
 *
 *     word of a slot:  | owner's number, 16 bits | newest number when it was checked, 16 bits |   0: not known
 *
 *     owner left, or has another weight   found anew, O(n): 1/n of the slots
 *     members came since it was checked   each of them is compared with the owner, O(1) each; where they are so many that
 *                                         finding anew is cheaper, that
 *
 * It is a memo and no more: answers are those of `Rendezvous.first`, whatever was asked before. So it needs no reset, and
 * its size is nobody's concern but the memory's: 4 MiB, of which the system provides what is touched.
 */
import type { Candidate } from '@muster/membership';
import { SLOTS, type Member, type Rendezvous } from './rendezvous.ts';

/** Comparing one newcomer costs about as much as four steps of a scan, which reads packed arrays in order. */
const COMPARISON_COST = 4;

export class OwnerMemo {
  readonly #rendezvous: Rendezvous;
  readonly #words = new Uint32Array(SLOTS);
  #numbering: number;

  constructor(rendezvous: Rendezvous) {
    this.#rendezvous = rendezvous;
    this.#numbering = rendezvous.numbering;
  }

  /** The first in a slot's order; the set has at least one. */
  ownerOf(slot: number): Candidate {
    const { membersByNumber, numbering } = this.#rendezvous;
    if (numbering !== this.#numbering) this.#forget(numbering);
    const word = this.#words[slot]!;
    const known = membersByNumber[word >>> 16] ?? null;
    const newest = membersByNumber.length - 1;
    const checked = word & 0xffff;
    if (known !== null && checked === newest) return known.candidate;
    const owner = this.#find(slot, known, checked + 1);
    this.#words[slot] = ((owner.number << 16) | newest) >>> 0;
    return owner.candidate;
  }

  #find(slot: number, known: Member | null, from: number): Member {
    const { members, membersByNumber } = this.#rendezvous;
    const newcomers = membersByNumber.length - from;
    if (known === null || newcomers * COMPARISON_COST > members.length) {
      return members[this.#rendezvous.first(slot, null)]!;
    }
    let owner = known;
    let ownerWait = this.#rendezvous.waitOf(owner, slot);
    for (let number = from; number < membersByNumber.length; number++) {
      const newcomer = membersByNumber[number] ?? null;
      if (newcomer === null) continue;
      const newcomerWait = this.#rendezvous.waitOf(newcomer, slot);
      // On a tie the lesser id is first, as it is in a scan.
      if (newcomerWait > ownerWait) continue;
      if (newcomerWait === ownerWait && newcomer.candidate.id > owner.candidate.id) continue;
      owner = newcomer;
      ownerWait = newcomerWait;
    }
    return owner;
  }

  #forget(numbering: number): void {
    this.#words.fill(0);
    this.#numbering = numbering;
  }
}
