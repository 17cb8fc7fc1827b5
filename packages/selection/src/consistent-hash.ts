/**
 * The same key to the same backend, on every worker and node and after every restart, and with as little change as can be when
 * the set changes: weighted rendezvous hashing (`rendezvous.ts`), with owners remembered where the set is large.
 *
 * No backend is given more than its share of the load and a quarter: consistent hashing with bounded loads (Mirrokni,
 * Thorup, Zadimoghaddam: SODA 2018, arXiv:1608.01350, 2016). With T connections and requests under way, the next one
 * included, a backend of weight w takes none above ⌈1.25 · T · w / Σw⌉; its key's next backend does. So a popular key is
 * spread over as many backends as it needs, always the same ones in the same order. The load is this worker's own, and with
 * few requests under way the bound is one request a backend: two at once with the same key may then part.
 *
 * Excluded backends are passed over in the same manner, so a key goes where it would go if they were not in the set. Where
 * everybody that is left is at the bound, the key's first takes it all the same: a bound on load refuses nobody.
 *
 * A pick costs O(1) where the key's owner takes it, O(n) where it does not.
 */
import type { Candidate } from '@muster/membership';
import { Consulted } from './consulted.ts';
import { OwnerMemo } from './owner-memo.ts';
import { Rendezvous, slotOf } from './rendezvous.ts';
import type { PickRequest, PickSet, SelectionPolicy } from './selection-policy.ts';

/** The bound, as a multiple of the fair share. Less is more even and moves more keys; 2 would hardly bound anything. */
const LOAD_RATIO_MAX = 1.25;

/** Below, a scan (under 0.3 µs) is not worth remembering; above, the memo's numbers are used up too soon, and each pick scans. */
const MEMO_BACKENDS_MIN = 64;
const MEMO_BACKENDS_MAX = 16_384;

export class ConsistentHash implements SelectionPolicy {
  readonly inputs;
  readonly #consulted = new Consulted();
  readonly #rendezvous = new Rendezvous();
  /** Made by the first large set, and kept. */
  #memo: OwnerMemo | null = null;
  #set: PickSet | null = null;

  constructor() {
    this.inputs = { cursor: 0, weights: null, consulted: this.#consulted.list, inFlightTotal: 0 };
  }

  pick(set: PickSet, request: PickRequest): Candidate | null {
    if (set !== this.#set) {
      this.#set = set;
      this.#rendezvous.adopt(set.backends);
    }
    this.inputs.inFlightTotal = request.inFlightTotal;
    this.#consulted.begin();
    const picked = set.backends.length === 0 ? null : this.#pickFor(slotOf(request.keyHash), request);
    this.#consulted.end();
    return picked;
  }

  #pickFor(slot: number, request: PickRequest): Candidate | null {
    const owner = this.#ownerOf(slot);
    if (request.isExcluded?.(owner) !== true && this.#hasRoom(owner, request)) return owner;
    this.#consulted.begin();
    return this.#nextOf(slot, request);
  }

  #ownerOf(slot: number): Candidate {
    const { members } = this.#rendezvous;
    if (members.length < MEMO_BACKENDS_MIN || members.length > MEMO_BACKENDS_MAX) {
      return members[this.#rendezvous.first(slot, null)]!.candidate;
    }
    this.#memo ??= new OwnerMemo(this.#rendezvous);
    return this.#memo.ownerOf(slot);
  }

  /** The first in the slot's order that is not excluded and has room, else the first that is not excluded. */
  #nextOf(slot: number, request: PickRequest): Candidate | null {
    let crowded: Candidate | null = null;
    let crowdedWait = Infinity;
    const index = this.#rendezvous.first(slot, (backend, waitTime) => {
      if (request.isExcluded?.(backend) === true) return false;
      if (this.#hasRoom(backend, request)) return true;
      if (waitTime < crowdedWait) {
        crowded = backend;
        crowdedWait = waitTime;
      }
      return false;
    });
    return index < 0 ? crowded : this.#rendezvous.members[index]!.candidate;
  }

  #hasRoom(backend: Candidate, request: PickRequest): boolean {
    const share = backend.weight / this.#rendezvous.weightTotal;
    // For whole numbers the same as inFlight + 1 <= ceil(bound).
    return this.#consulted.inFlightOf(backend, request) < LOAD_RATIO_MAX * (request.inFlightTotal + 1) * share;
  }
}
