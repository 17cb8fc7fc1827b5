/**
 * The newest events, kept in memory for workers that are a little behind, and the hashes that the roster had after them.
 *
 * Bounded: of the events the last `TAIL_EVENTS` at least and twice as many at most; of the hashes the last
 * `HASHES_MAX`, one per batch. A worker that is further behind starts over from a roster.
 */
import type { RecordedEvent } from '@muster/membership';
import { forgetOldest } from './forget-oldest.ts';

const TAIL_EVENTS = 20_000;
const HASHES_MAX = 4_096;

export class EventTail {
  #events: RecordedEvent[] = [];
  /** The revision after which the tail is complete. */
  #afterRevision = 0;
  readonly #hashByRevision = new Map<number, string>();

  /** Forgets everything: the next event comes after this revision, at which the roster has this hash. */
  restartAfter(revision: number, hash: string): void {
    this.#events = [];
    this.#afterRevision = revision;
    this.#hashByRevision.clear();
    this.#hashByRevision.set(revision, hash);
  }

  /** Takes a batch of 1 event or more, and the hash of the roster after it. */
  push(events: readonly RecordedEvent[], hash: string): void {
    this.#events.push(...events);
    if (this.#events.length > 2 * TAIL_EVENTS) {
      const dropped = this.#events.length - TAIL_EVENTS;
      this.#afterRevision = this.#events[dropped - 1]!.revision;
      this.#events = this.#events.slice(dropped);
    }
    this.#hashByRevision.set(events.at(-1)!.revision, hash);
    forgetOldest(this.#hashByRevision, HASHES_MAX);
  }

  /** True when everything after `revision` is here. */
  covers(revision: number): boolean {
    return revision >= this.#afterRevision;
  }

  /** The first events after a revision that the tail covers; none when it is the newest. */
  after(revision: number, countMax: number): RecordedEvent[] {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low, low + countMax);
  }

  /** The roster's hash at a revision, or undefined where no batch ended there or it is long past. */
  hashAt(revision: number): string | undefined {
    return this.#hashByRevision.get(revision);
  }
}
