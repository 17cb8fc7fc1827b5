/**
 * What nodes ask each other before a lease ends: whether somebody else has heard the one who is silent here.
 *
 *     held ──nearly over──► doubted ──said in this node's announcement──► asked ──every other node has answered──► may end
 *       ▲                      ▲                                            │
 *       │                      └────────── deaf in between ─────────────────┤
 *       └────────── heard here, or another node says that it has heard it ──┘
 *
 * Words between clients of two NATS servers take one route, and no way round. Where one route of three is cut, the journal's leader
 * is heard on all servers, and a node hears part of the members: their silence shows nothing. Whoever is on the third server hears
 * all of them, and is heard by all. So questions and answers go with the announcements that nodes hear anyway (`doubts`, `hears`).
 *
 * A node that has not answered may be the only one that hears who is silent here. So a member's lease does not end before every
 * other node that the roster says has started has answered, or has been declared stopped. For a node's lease those are not waited for
 * whose own lease is over, or two nodes that died together would wait for each other.
 *
 * Only what was heard with own ears is told, since what others said would come back as news. A node of an older version is not asked.
 */
import { DOUBTS_MAX, fittedEntries, type Announcement } from '@muster/membership';
import type { Hearing } from './hearing.ts';
import { deadlineOf, describeHolder, type Lease } from './lease.ts';
import type { Clock } from '../ports.ts';

/**
 * Before the deadline a lease is doubted for so long: the question and the answer wait for one announcement each, of at most 1.1 s. A
 * short lease is doubted for half of it, which is when a heartbeat has been missed; it ends later than its deadline then.
 */
const DOUBT_MS = 2_500;
const DOUBTED_LEASE_PART_MAX = 1 / 2;
/** Questions of others that wait for an answer; what is beyond is asked again. */
const ASKED_MAX = 1_024;
/** Another node has heard somebody so much later, in leases, that it is not the way of the words alone: it heard a beat that this node missed. */
const MISSED_LEASE_PART = 1 / 4;

type Answer = NonNullable<Announcement['hears']>[number];

/** What this node says in an announcement. */
interface Words {
  readonly doubts: string[];
  readonly hears: Answer[];
}

/** A question to all other nodes. */
interface Doubt {
  /** When it was said for the first time. */
  readonly saidMs: number;
  /** The nodes that have not answered. */
  readonly awaited: Set<string>;
}

export interface DoubtsPorts {
  readonly hearing: Pick<Hearing, 'sinceMs'>;
  readonly clock: Pick<Clock, 'elapsedMs'>;
  /** Another node has heard somebody whom this one should have heard too. Both are for people. */
  readonly onMissed: (holder: string, hearer: string) => void;
}

export class Doubts {
  readonly #ports: DoubtsPorts;
  readonly #leasesByHolder = new Map<string, Lease>();
  /** The other nodes that the roster says have started: who is asked. */
  readonly #leasesByNode = new Map<string, Lease>();
  /** Those that were said least recently come first. */
  readonly #doubts = new Map<Lease, Doubt>();
  /** Whom others doubt, and this node has said nothing of yet. */
  readonly #asked = new Set<string>();

  constructor(ports: DoubtsPorts) {
    this.#ports = ports;
  }

  add(lease: Lease): void {
    this.#leasesByHolder.set(describeHolder(lease.entity), lease);
    if (lease.entity.kind === 'node') this.#leasesByNode.set(lease.entity.node, lease);
  }

  remove(lease: Lease): void {
    const holder = describeHolder(lease.entity);
    this.#doubts.delete(lease);
    if (this.#leasesByHolder.get(holder) !== lease) return;
    this.#leasesByHolder.delete(holder);
    if (lease.entity.kind === 'node') this.#leasesByNode.delete(lease.entity.node);
  }

  /** What the next announcement says, in so many characters. What has no room waits for a later one. O(leases). */
  words(characters: number): Words {
    const doubts = fittedEntries(this.#doubtful().map(describeLease), characters / 2);
    for (const holder of doubts) this.#noteSaid(holder);
    return { doubts, hears: this.#answers(characters / 2) };
  }

  /** Takes the announcement of another node. `isSameHistory`: what it says is about the same members. */
  hear({ node, doubts = [], hears }: Announcement, { isSameHistory }: { readonly isSameHistory: boolean }): void {
    if (hears === undefined || !isSameHistory) {
      for (const { awaited } of this.#doubts.values()) awaited.delete(node);
      return;
    }
    for (const holder of doubts) if (this.#asked.size < ASKED_MAX) this.#asked.add(holder);
    for (const answer of hears) this.#hearAnswer(node, answer);
  }

  /** Whether everybody was asked who may have heard it, and has answered. O(nodes). */
  isSettled(lease: Lease): boolean {
    const { hearing, clock } = this.#ports;
    if (hearing.sinceMs === null) return false;
    const doubt = this.#doubts.get(lease);
    const saidMs = doubt?.saidMs ?? -Infinity;
    const isSaid = saidMs >= Math.max(lease.aliveMs, hearing.sinceMs);
    for (const [node, other] of this.#leasesByNode) {
      if (other === lease || (isSaid && doubt?.awaited.has(node) === false)) continue;
      const isOver = deadlineOf(other, hearing.sinceMs) <= clock.elapsedMs();
      if (lease.entity.kind !== 'node' || !isOver) return false;
    }
    return true;
  }

  /** Whose leases are nearly over: first those of whom nobody was asked yet, by their deadlines. Forgets what was asked about all others. */
  #doubtful(): Lease[] {
    const { sinceMs } = this.#ports.hearing;
    if (sinceMs === null || this.#leasesByNode.size === 0) {
      this.#doubts.clear();
      return [];
    }
    for (const [lease, { saidMs }] of this.#doubts) {
      const isOfNow = saidMs >= Math.max(lease.aliveMs, sinceMs) && this.#isDoubtful(lease, sinceMs);
      if (!isOfNow) this.#doubts.delete(lease);
    }
    const added: Lease[] = [];
    for (const lease of this.#leasesByHolder.values())
      if (!this.#doubts.has(lease) && this.#isDoubtful(lease, sinceMs)) added.push(lease);
    added.sort((one, other) => deadlineOf(one, sinceMs) - deadlineOf(other, sinceMs));
    return [...added.slice(0, DOUBTS_MAX - this.#doubts.size), ...this.#doubts.keys()];
  }

  #isDoubtful(lease: Lease, hearingSinceMs: number): boolean {
    const doubtMs = Math.min(DOUBT_MS, lease.leaseMs * DOUBTED_LEASE_PART_MAX);
    return this.#ports.clock.elapsedMs() >= deadlineOf(lease, hearingSinceMs) - doubtMs;
  }

  #noteSaid(holder: string): void {
    const lease = this.#leasesByHolder.get(holder)!;
    const doubt = this.#doubts.get(lease);
    const awaited = doubt?.awaited ?? new Set(this.#leasesByNode.keys());
    // So that it goes behind the others.
    this.#doubts.delete(lease);
    this.#doubts.set(lease, { saidMs: doubt?.saidMs ?? this.#ports.clock.elapsedMs(), awaited });
  }

  /** What this node says of somebody whom others doubt: the answer, or why there is none. */
  #answerAbout(holder: string): Answer[1] | 'cannot-know-yet' {
    const { hearing, clock } = this.#ports;
    const lease = this.#leasesByHolder.get(holder);
    if (lease === undefined) return null;
    const heardMsAgo = Math.ceil(clock.elapsedMs() - lease.heardMs);
    if (heardMsAgo < lease.leaseMs) return heardMsAgo;
    // Who has just begun to hear would say of everybody that they are silent.
    return hearing.sinceMs === null || this.#isDoubtful(lease, hearing.sinceMs) ? null : 'cannot-know-yet';
  }

  /** Those who were heard come first. What has no room stays asked. */
  #answers(characters: number): Answer[] {
    const answers: Answer[] = [];
    for (const holder of this.#asked) {
      const answer = this.#answerAbout(holder);
      if (answer === 'cannot-know-yet') this.#asked.delete(holder);
      else answers.push([holder, answer]);
    }
    const fitted = fittedEntries(answers.sort(byMsAgo), characters);
    for (const [holder] of fitted) this.#asked.delete(holder);
    return fitted;
  }

  #hearAnswer(node: string, [holder, heardMsAgo]: Answer): void {
    const lease = this.#leasesByHolder.get(holder);
    const doubt = lease && this.#doubts.get(lease);
    if (lease === undefined || doubt === undefined) return;
    doubt.awaited.delete(node);
    if (heardMsAgo === null || heardMsAgo >= lease.leaseMs) return;
    const { hearing, clock, onMissed } = this.#ports;
    const heardMs = clock.elapsedMs() - heardMsAgo;
    const ownMs = Math.max(lease.heardMs, hearing.sinceMs ?? Infinity);
    if (heardMs - ownMs > lease.leaseMs * MISSED_LEASE_PART) onMissed(holder, node);
    lease.aliveMs = Math.max(lease.aliveMs, heardMs);
  }
}

function describeLease({ entity }: Lease): string {
  return describeHolder(entity);
}

/** Who was heard latest comes first, and who was not heard last. */
function byMsAgo([, one]: Answer, [, other]: Answer): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  return one - other;
}
