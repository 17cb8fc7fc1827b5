/**
 * The fact writer: what this node saw acts at once, and reaches the journal when the journal takes it.
 *
 *     finding ──► laid over the roster, told to the workers ──► waiting ──► in flight ──► recorded ──► folded: settled
 *                                                                 ▲            │
 *                                                                 └─ backoff ◄─┘ unavailable, unknown: same id again
 *
 * Bounded: per backend and axis one fact waits, the newest, one is in flight, and one may still come back from the journal
 * to be folded; of those in flight there are at most `FACTS_IN_FLIGHT_MAX`. So a journal that is away for a day leaves as
 * many facts waiting as there are backends whose state differs from what is recorded, and no more.
 *
 * A fact whose target is no longer current, or that says what the roster says already, is dropped. One that the journal
 * refuses is not tried again: it keeps acting on this node, because it is true, and is logged as an error.
 */
import { randomUUIDv7 } from 'node:crypto';
import type { AppendOutcome } from '@muster/journal';
import {
  axisOf,
  backoffMs,
  formatSubject,
  type HealthEvent,
  observationBy,
  type PendingFact,
  type RecordedEvent,
  RETRY_BACKOFF,
  type Roster,
} from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import { isNews, isSaid, ownFindings } from './own-findings.ts';
import type { Clock, Logger } from '../ports.ts';

/** Facts that wait for the journal's answer at once; further ones wait their turn, one per backend and axis. */
const FACTS_IN_FLIGHT_MAX = 512;
/** Of a fact's reason; the rest is cut off. With it a fact has about 2 KiB, and no backend has more than four. */
export const REASON_CHARACTERS_MAX = 500;

export interface FactWriterPorts {
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onChanged: (added: readonly PendingFact[], settled: readonly PendingFact[]) => void;
}

export class FactWriter {
  readonly #ports: FactWriterPorts;
  /** Every fact that may still be recorded, or acts on this node. */
  readonly #factsById = new Map<string, PendingFact>();
  readonly #waitingByKey = new Map<string, PendingFact>();
  readonly #inFlightByKey = new Map<string, PendingFact>();
  /** The newest fact of each key whose event may be in the journal and is not folded: the roster is not the last word there. */
  readonly #uncertainByKey = new Map<string, PendingFact>();
  /** Counts the rosters that took the place of another: an answer from before says nothing about the one after. */
  #rostersCount = 0;
  #failuresInARow = 0;
  #retryTimer: unknown = null;
  #onIdle: (() => void) | null = null;
  #isClosed = false;

  constructor(ports: FactWriterPorts) {
    this.#ports = ports;
    ports.contact.onBack(() => this.#onJournalBack());
  }

  /** This node found something of a backend: by its probes, or by its traffic. */
  add(pool: string, backend: string, found: HealthEvent): void {
    const fact = this.#lay(pool, backend, found);
    this.#ports.onChanged([fact], []);
    this.#pump();
  }

  /**
   * The roster was built anew, in the place of `before`. Facts that are still true and not in it wait once more, and what
   * this node had found and the new roster does not know is laid over it. So a backend that is in both stays as it was, on
   * this node at once and for all once it is recorded. O(backends).
   */
  judgeAnew(before: Roster): void {
    const { folded, onChanged } = this.#ports;
    this.#rostersCount += 1;
    this.#uncertainByKey.clear();
    this.#waitingByKey.clear();
    const findings = [...ownFindings(before, folded)];
    const settled: PendingFact[] = [];
    for (const fact of this.#factsById.values()) {
      const key = keyOf(fact);
      if (this.#inFlightByKey.get(key) === fact) continue;
      if (folded.isPending(fact) && !this.#isPointless(key, fact)) this.#waitingByKey.set(key, fact);
      else {
        this.#forget(fact);
        settled.push(fact);
      }
    }
    const added = findings
      .filter(([backend, event]) => isNews(backend, event, folded))
      .map(([{ pool, id }, event]) => this.#lay(pool, id, event));
    onChanged(added, settled);
    this.#retryNow();
  }

  /** Settles what a batch of folded events has recorded, and returns it. */
  settleRecorded(events: readonly RecordedEvent[]): PendingFact[] {
    const settled: PendingFact[] = [];
    if (this.#factsById.size === 0) return settled;
    for (const { id } of events) {
      const fact = this.#factsById.get(id);
      if (fact === undefined) continue;
      if (this.#waitingByKey.get(keyOf(fact)) === fact) this.#waitingByKey.delete(keyOf(fact));
      this.#forget(fact);
      settled.push(fact);
    }
    return settled;
  }

  /** A backend is gone or has another target: what was seen of the old one is of no use any more. */
  drop(pool: string, backend: string): void {
    const facts = this.#ports.folded.pending.get(`${pool}/${backend}`);
    const current = this.#ports.folded.backend(pool, backend)?.target.value;
    for (const fact of [facts?.health, facts?.ejection]) {
      if (fact === undefined || fact.event.target === current || this.#inFlightByKey.get(keyOf(fact)) === fact)
        continue;
      this.#waitingByKey.delete(keyOf(fact));
      this.#settleNow(fact);
    }
  }

  /** Resolves when no fact waits or is in flight. */
  whenIdle(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    this.#reportIdle();
    return promise;
  }

  /** Appends nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#ports.clock.clearTimeout(this.#retryTimer);
    this.#waitingByKey.clear();
    this.#reportIdle();
  }

  /** Lays a finding over the roster; its fact waits to be appended. */
  #lay(pool: string, backend: string, found: HealthEvent): PendingFact {
    const event = { ...found, reason: found.reason.slice(0, REASON_CHARACTERS_MAX) };
    const fact: PendingFact = { id: randomUUIDv7(), pool, backend, timeMs: this.#ports.clock.now(), event };
    const key = keyOf(fact);
    this.#supersede(key, this.#ports.folded.pending.get(`${pool}/${backend}`)?.[axisOf(event)]);
    this.#factsById.set(fact.id, fact);
    this.#waitingByKey.set(key, fact);
    this.#ports.folded.lay(fact);
    return fact;
  }

  /** What was taken and has not been read since may have gone into another history: the same id again makes sure. */
  #onJournalBack(): void {
    for (const [key, fact] of this.#uncertainByKey) if (this.#ports.folded.isPending(fact)) this.#waitAgain(key, fact);
    this.#retryNow();
  }

  #retryNow(): void {
    this.#ports.clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = null;
    this.#failuresInARow = 0;
    this.#pump();
  }

  /** A newer fact takes the place of the one that acts, whether that waits or was refused. */
  #supersede(key: string, older: PendingFact | undefined): void {
    this.#waitingByKey.delete(key);
    if (older === undefined || this.#inFlightByKey.get(key) === older) return;
    // Where its try may have succeeded, its event is still recognised when it is folded.
    if (this.#uncertainByKey.get(key) !== older) this.#factsById.delete(older.id);
  }

  /** Its event may come. One per key: of an older one it no longer matters whether it does. */
  #expect(key: string, fact: PendingFact): void {
    const older = this.#uncertainByKey.get(key);
    if (older !== undefined && older !== fact) this.#factsById.delete(older.id);
    this.#uncertainByKey.set(key, fact);
  }

  #pump(): void {
    if (this.#retryTimer !== null || this.#isClosed || this.#ports.contact.appendRefusal() !== null) return;
    for (const [key, fact] of this.#waitingByKey) {
      if (this.#inFlightByKey.size >= FACTS_IN_FLIGHT_MAX) return;
      if (this.#inFlightByKey.has(key)) continue;
      this.#waitingByKey.delete(key);
      if (this.#isPointless(key, fact)) this.#settleNow(fact);
      else void this.#append(key, fact);
    }
    this.#reportIdle();
  }

  #isPointless(key: string, { pool, backend, event }: PendingFact): boolean {
    const { roster, node } = this.#ports.folded;
    const recorded = roster.pools.get(pool)?.backends.get(backend);
    if (recorded?.target.value !== event.target) return true;
    if (this.#uncertainByKey.has(key)) return false;
    return isSaid(event, observationBy(node, recorded.observations));
  }

  async #append(key: string, fact: PendingFact): Promise<void> {
    const { contact, folded } = this.#ports;
    const rostersCount = this.#rostersCount;
    this.#inFlightByKey.set(key, fact);
    const entity = { kind: 'health', node: folded.node, pool: fact.pool, backend: fact.backend } as const;
    const outcome = await contact.append({
      id: fact.id,
      subject: formatSubject(folded.roster.cluster, entity),
      origin: `node:${folded.node}`,
      payload: JSON.stringify(fact.event),
    });
    this.#inFlightByKey.delete(key);
    if (rostersCount === this.#rostersCount) this.#conclude(key, fact, outcome);
    else this.#waitAgain(key, fact);
    this.#pump();
  }

  #conclude(key: string, fact: PendingFact, outcome: AppendOutcome): void {
    const { folded, log } = this.#ports;
    switch (outcome.outcome) {
      case 'appended':
        return this.#taken(key, fact, outcome.revision);
      case 'conflict':
      case 'refused': {
        const why = outcome.outcome === 'refused' ? outcome.message : 'an expectation was not met';
        const { pool, backend, event } = fact;
        log.error({ pool, backend, event, why }, `the journal refused a fact about ${pool}/${backend}: ${why}`);
        if (!folded.isPending(fact) || this.#isPointless(key, fact)) this.#settleNow(fact);
        return;
      }
      case 'unknown':
        if (this.#factsById.has(fact.id)) this.#expect(key, fact);
        return this.#failed(key, fact, outcome.message);
      case 'unavailable':
        return this.#failed(key, fact, outcome.message);
    }
  }

  /** Where it has been read up to there without this fact, it went into another history, which the follower has yet to notice. */
  #taken(key: string, fact: PendingFact, revision: number): void {
    const { contact, folded } = this.#ports;
    const isOpen = this.#factsById.has(fact.id);
    const isElsewhere = isOpen && revision <= folded.roster.revision;
    if (isElsewhere) this.#waitAgain(key, fact);
    else if (isOpen) this.#expect(key, fact);
    folded.heardOf(revision);
    // After that, because this may pump: a newer fact is then judged by what is still to come.
    contact.tookAppend();
    if (isElsewhere) return this.#retryLater();
    this.#failuresInARow = 0;
  }

  #failed(key: string, fact: PendingFact, reason: string): void {
    this.#ports.contact.failed(reason);
    this.#waitAgain(key, fact);
    this.#retryLater();
  }

  #retryLater(): void {
    const { clock, random } = this.#ports;
    if (this.#retryTimer !== null || this.#isClosed) return;
    this.#retryTimer = clock.setTimeout(
      () => {
        this.#retryTimer = null;
        this.#pump();
      },
      backoffMs(this.#failuresInARow, RETRY_BACKOFF, random),
    );
    this.#failuresInARow += 1;
  }

  /** A newer fact takes its place; one that was folded meanwhile is not sent again. */
  #waitAgain(key: string, fact: PendingFact): void {
    if (this.#waitingByKey.has(key) || !this.#factsById.has(fact.id)) return;
    if (this.#isPointless(key, fact)) this.#settleNow(fact);
    else this.#waitingByKey.set(key, fact);
  }

  #settleNow(fact: PendingFact): void {
    this.#forget(fact);
    this.#ports.onChanged([], [fact]);
  }

  #forget(fact: PendingFact): void {
    const key = keyOf(fact);
    if (this.#uncertainByKey.get(key) === fact) this.#uncertainByKey.delete(key);
    this.#factsById.delete(fact.id);
    this.#ports.folded.settle(fact);
  }

  #reportIdle(): void {
    if (!this.#isClosed && this.#waitingByKey.size + this.#inFlightByKey.size > 0) return;
    this.#onIdle?.();
    this.#onIdle = null;
  }
}

function keyOf({ pool, backend, event }: PendingFact): string {
  return `${pool}/${backend}/${axisOf(event)}`;
}
