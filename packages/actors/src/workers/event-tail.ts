/**
 * The newest events, kept in memory for workers that are a little behind, and the hashes that the roster had after them.
 *
 * Bounded: of the events the last `TAIL_EVENTS` at least and twice as many at most, or fewer where they weigh more than
 * `TAIL_CHARACTERS_MAX` together, because a publisher may fill its payloads; of the hashes the last `HASHES_MAX`, one per batch.
 * A worker that is further behind starts over from a roster.
 */
import type { RecordedEvent } from '@muster/membership';
import { NewestMap } from '../newest-map.ts';

const TAIL_EVENTS = 20_000;
/** Characters of events; over it the oldest go, down to half of it. 16 MiB where they are ASCII, else 32 MiB. */
const TAIL_CHARACTERS_MAX = 16_777_216;
const HASHES_MAX = 4_096;
/** Beside its texts, an event is an object with six fields. */
const EVENT_CHARACTERS = 100;

export class EventTail {
  #events: RecordedEvent[] = [];
  #characters = 0;
  /** The revision after which the tail is complete. */
  #afterRevision = 0;
  readonly #hashByRevision = new NewestMap<number, string>(HASHES_MAX);

  /** Forgets everything: the next event comes after this revision, at which the roster has this hash. */
  restartAfter(revision: number, hash: string): void {
    this.#events = [];
    this.#characters = 0;
    this.#afterRevision = revision;
    this.#hashByRevision.clear();
    this.#hashByRevision.set(revision, hash);
  }

  /** Takes a batch of 1 event or more, and the hash of the roster after it. */
  push(events: readonly RecordedEvent[], hash: string): void {
    for (const event of events) {
      this.#events.push(event);
      this.#characters += charactersOf(event);
    }
    if (this.#events.length > 2 * TAIL_EVENTS) this.#drop(this.#events.length - TAIL_EVENTS);
    if (this.#characters > TAIL_CHARACTERS_MAX) this.#drop(this.#countAbove(TAIL_CHARACTERS_MAX / 2));
    this.#hashByRevision.set(events.at(-1)!.revision, hash);
  }

  /** How many of the oldest have to go until the others weigh no more than that. */
  #countAbove(charactersMax: number): number {
    let characters = this.#characters;
    let count = 0;
    while (characters > charactersMax) characters -= charactersOf(this.#events[count++]!);
    return count;
  }

  #drop(count: number): void {
    for (let index = 0; index < count; index++) this.#characters -= charactersOf(this.#events[index]!);
    this.#afterRevision = this.#events[count - 1]!.revision;
    this.#events = this.#events.slice(count);
  }

  /** True when everything after `revision` is here. */
  covers(revision: number): boolean {
    return revision >= this.#afterRevision;
  }

  /**
   * The first events after a revision that the tail covers; none when it is the newest. At most `countMax`, and only as many
   * as weigh `charactersMax` together, but one at least.
   */
  after(revision: number, countMax: number, charactersMax = Infinity): RecordedEvent[] {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#events[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    const start = low;
    const end = Math.min(this.#events.length, start + countMax);
    let characters = 0;
    let place = start;
    while (place < end && (place === start || characters + charactersOf(this.#events[place]!) <= charactersMax)) {
      characters += charactersOf(this.#events[place]!);
      place += 1;
    }
    return this.#events.slice(start, place);
  }

  /** The roster's hash at a revision, or undefined where no batch ended there or it is long past. */
  hashAt(revision: number): string | undefined {
    return this.#hashByRevision.get(revision);
  }
}

/** What an event weighs in memory and in a message, about. */
export function charactersOf({ id, subject, origin, payload }: RecordedEvent): number {
  return EVENT_CHARACTERS + id.length + subject.length + (origin?.length ?? 0) + payload.length;
}
