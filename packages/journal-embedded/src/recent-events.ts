/**
 * The newest events, in memory, shared by all followers of a journal.
 *
 * A follower that keeps up finds what it wants here and never asks the thread; one that lags finds that its place has
 * gone and reads pages from the file. So the memory that followers cost has one bound, however many there are.
 *
 * Revisions in here follow one another without gaps, as the embedded journal gives them out.
 */
import { FOLLOW_BATCH_EVENTS } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';

export interface RecentEventsLimits {
  /** Default 8,192. */
  readonly eventsMax: number;
  /** What the payloads may have together. Default 8 Mi. */
  readonly charactersMax: number;
}

const DEFAULT_LIMITS: RecentEventsLimits = { eventsMax: 8_192, charactersMax: 8_388_608 };

export class RecentEvents {
  readonly #limits: RecentEventsLimits;
  #events: RecordedEvent[] = [];
  #characters = 0;

  constructor(limits: RecentEventsLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  push(events: readonly RecordedEvent[]): void {
    for (const event of events) {
      this.#events.push(event);
      this.#characters += event.payload.length;
    }
    if (this.#isOverLimit()) this.#trim();
  }

  /** At most a batch of what follows a revision, empty when that is the newest; null when it is no longer all here. */
  after(revision: number, upTo: number): readonly RecordedEvent[] | null {
    const oldest = this.#events[0]?.revision ?? Infinity;
    if (revision >= upTo) return [];
    if (revision + 1 < oldest) return null;
    const start = revision + 1 - oldest;
    return this.#events.slice(start, Math.min(start + FOLLOW_BATCH_EVENTS, upTo + 1 - oldest));
  }

  #isOverLimit(): boolean {
    return this.#events.length > this.#limits.eventsMax || this.#characters > this.#limits.charactersMax;
  }

  /** Drops down to half of the limits at once, so that the cost of moving the rest is shared by many pushes. */
  #trim(): void {
    let dropped = 0;
    while (
      this.#events.length - dropped > this.#limits.eventsMax / 2 ||
      this.#characters > this.#limits.charactersMax / 2
    ) {
      this.#characters -= this.#events[dropped]!.payload.length;
      dropped += 1;
    }
    this.#events = this.#events.slice(dropped);
  }
}
