/**
 * The leases that this node watches, members' and nodes' alike: the sweep that finds those that have run out, and the
 * event that says so.
 *
 *     held ──silent for the lease, while this node hears──► ending ──appended──► folded: let go by whoever held it
 *       ▲ ▲                                                   │
 *       │ └── heard again, or something newer on its subject ─┤
 *       └── not taken, or not answered: everybody has a full ─┘
 *           lease again, and is judged anew after it
 *
 * Every node watches all of them, and whichever is first ends one: the event has the same id on all nodes and expects the
 * standing that it ends, so exactly one is recorded. Each is said once. A leader that is cut off takes an end and cannot record it; said
 * again after the cut, it would take out somebody who was heard by all others all the time.
 *
 * A lease ends only where the journal's leader, backed by a majority, has spoken since its deadline, where no other node has heard its
 * holder (`doubts.ts`), and where not most others fell silent together (`crowd.ts`). Nothing here removes anything: it goes when the event is folded, here as everywhere.
 */
import { messageOf } from '@muster/membership';
import { randomUUID } from 'node:crypto';
import type { AppendOutcome, Journal } from '@muster/journal';
import type { Crowd } from './crowd.ts';
import type { Doubts } from './doubts.ts';
import { SWEEP_INTERVAL_MS, type Hearing } from './hearing.ts';
import { TickWheel } from '../tick-wheel.ts';
import { deadlineOf, describeHolder, endOfLease, type Lease } from './lease.ts';
import type { Clock, Logger } from '../ports.ts';

/** Ends that wait for the journal's answer at once; further ones wait for a later sweep. */
const ENDS_IN_FLIGHT_MAX = 64;
/** Before a lease is looked at again whose end has not come back to be folded. */
const END_RETRY_MS = 1_000;

/** What the journal said where it said something. */
type TakenOutcome = Exclude<AppendOutcome, { readonly outcome: 'unavailable' | 'unknown' }>;

export interface LeasesPorts {
  readonly node: string;
  readonly cluster: string;
  readonly journal: Pick<Journal, 'append'>;
  /** The newest folded revision. */
  readonly revision: () => number;
  readonly hearing: Hearing;
  readonly crowd: Crowd;
  readonly doubts: Pick<Doubts, 'add' | 'remove' | 'isSettled'>;
  /** Of which moment the newest word of the journal's leader is, by the clock that never steps. */
  readonly confirmedMs: () => number;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Leases {
  readonly #ports: LeasesPorts;
  readonly #wheel: TickWheel<Lease>;
  #inFlightCount = 0;
  #isClosed = false;

  constructor(ports: LeasesPorts) {
    this.#ports = ports;
    this.#wheel = new TickWheel({ tickMs: SWEEP_INTERVAL_MS, nowMs: ports.clock.elapsedMs() });
  }

  /** Watches a lease from now on, or again after its terms have changed. */
  hold(lease: Lease): void {
    this.#ports.crowd.add(lease);
    this.#ports.doubts.add(lease);
    this.#wheel.put(lease, lease.aliveMs + lease.leaseMs);
  }

  letGo(lease: Lease): void {
    this.#ports.crowd.remove(lease);
    this.#ports.doubts.remove(lease);
    this.#wheel.remove(lease);
  }

  /** Looks at what is due. Does nothing while this node is deaf: what is due then waits until it hears. */
  sweep(): void {
    const { hearing, clock, crowd } = this.#ports;
    const { sinceMs } = hearing;
    if (sinceMs === null || this.#isClosed) return;
    crowd.check();
    const nowMs = clock.elapsedMs();
    for (const lease of this.#wheel.takeDue(nowMs)) {
      // A crowd that fell silent, or an end that was not taken, has made it deaf: what is due waits until it hears.
      const deadlineMs = deadlineOf(lease, hearing.sinceMs ?? nowMs);
      if (deadlineMs > nowMs) this.#wheel.put(lease, deadlineMs);
      else if (this.#canEnd(lease, deadlineMs)) void this.#end(lease, nowMs);
      else this.#wheel.put(lease, nowMs + SWEEP_INTERVAL_MS);
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Its own voice after the deadline proves to the node that the wire was whole until then, the leader's that others were heard. */
  #canEnd(lease: Lease, deadlineMs: number): boolean {
    const { hearing, revision, confirmedMs, crowd, doubts } = this.#ports;
    if (lease.isEnding || this.#inFlightCount >= ENDS_IN_FLIGHT_MAX) return false;
    if (!hearing.hasHeardSelfSince(deadlineMs) || confirmedMs() < deadlineMs) return false;
    if (!doubts.isSettled(lease)) return false;
    return lease.newestRevision <= revision() && hearing.sinceMs !== null && crowd.mayEnd(hearing.sinceMs);
  }

  async #end(lease: Lease, nowMs: number): Promise<void> {
    const { journal, node, cluster } = this.#ports;
    const { revision, aliveMs } = lease;
    lease.isEnding = true;
    this.#inFlightCount += 1;
    this.#wheel.put(lease, nowMs + END_RETRY_MS);
    const { newestRevision: expectedRevision } = lease;
    const append = (unforeseen?: string): Promise<AppendOutcome> =>
      journal
        .append(endOfLease(lease, { cluster, node, ...(unforeseen !== undefined && { unforeseen }) }), {
          expectedRevision,
          isOnce: true,
        })
        .catch((error: unknown): AppendOutcome => ({ outcome: 'unknown', message: messageOf(error) }));
    let outcome = await append();
    if (outcome.outcome === 'refused' && outcome.reason === 'id-taken') {
      const { log } = this.#ports;
      const name = describeHolder(lease.entity);
      log.warn(
        { holder: name, ...outcome },
        `somebody used the id of the end of the lease of ${name}; it has another now`,
      );
      outcome = await append(randomUUID());
    }
    lease.isEnding = false;
    this.#inFlightCount -= 1;
    if (outcome.outcome === 'unavailable' || outcome.outcome === 'unknown') this.#unanswered(lease, outcome.message);
    else if (lease.revision === revision) this.#conclude(lease, outcome, nowMs - aliveMs);
  }

  #unanswered({ entity }: Lease, message: string): void {
    const name = describeHolder(entity);
    this.#ports.hearing.startOver(`the journal did not take the end of the lease of ${name} (${message})`);
  }

  #conclude(lease: Lease, outcome: TakenOutcome, silentMs: number): void {
    const { log } = this.#ports;
    const name = describeHolder(lease.entity);
    switch (outcome.outcome) {
      case 'appended':
        if (outcome.isDuplicate) return;
        log.warn(
          { holder: name, silentMs: Math.round(silentMs) },
          `the lease of ${name} has expired: silent for ${Math.round(silentMs / 100) / 10} s`,
        );
        return;
      case 'conflict':
        // Folded, it changes the lease or lets it go; rejected by the fold, it changes the expectation alone.
        lease.newestRevision = Math.max(lease.newestRevision, outcome.actualRevision);
        return;
      case 'refused':
        log.error(
          { holder: name, ...outcome },
          `the journal refuses the end of the lease of ${name}: ${outcome.message}`,
        );
        if (lease.tick !== null) this.#wheel.put(lease, this.#ports.clock.elapsedMs() + lease.leaseMs);
    }
  }
}
