/**
 * Walking through the log event by event, forwards and back: what each found, what it changed, and the roster after it.
 *
 *     ──────┤ window: 512 events, folded one by one ├──────
 *                       ▲ here
 *
 * The rosters of a window are kept and share nearly all they are made of, so that a step within it costs nothing in either
 * direction. A step out of it makes the window around the next event: two rosters from the replay, which compares them with what nodes
 * recorded, and half a thousand folds in between.
 *
 * One walk is for one walker: its steps are taken one after another.
 */
import { fold, type RecordedEvent, type Rejection, type Roster } from '@muster/membership';
import { nameOfEntity, rosterChanges, type EntityChange } from './diff-view.ts';
import { eventRef, type EventRef } from '../log/event-ref.ts';
import type { EventPredicate } from '../log/event-filter.ts';
import type { HashCheck } from '../fold/hash-check.ts';
import type { Replay } from '../fold/replay.ts';

/** One event, and what it did. All of it but the roster is plain JSON. */
export interface Step {
  readonly event: RecordedEvent;
  readonly ref: EventRef;
  /** Why every reader passed it over; null where it was taken. */
  readonly rejection: Rejection | null;
  /** Empty where it was passed over. A node's stop may change whom a quorum admits; that is not among these. */
  readonly changes: readonly EntityChange[];
  readonly check: HashCheck;
  /** After it. */
  readonly roster: Roster;
}

export type Direction = 'forwards' | 'backwards';

export interface Walk {
  /** Where it stands: the newest step's revision; at first the one that the walk began with. */
  readonly revision: number;
  /** The event here, or the newest before where the log skips the number; null before the first. */
  here(): Promise<Step | null>;
  /** The event after, where there is one; else null, and the walk stays. */
  next(): Promise<Step | null>;
  /** The event before, where there is one that can be had; else null, and the walk stays. */
  previous(): Promise<Step | null>;
  /** As `here`, at another revision. Throws `ReplayError` where there is none. */
  jump(revision: number): Promise<Step | null>;
  /** The nearest event after or before this one that the predicate takes; null where there is none, and the walk stays. */
  search(isWanted: EventPredicate, direction: Direction): Promise<Step | null>;
}

/** Throws `ReplayError` at the first step where `fromRevision` cannot be had. `node`: whose eyes eligibility is seen with. */
export function walk(replay: Replay, fromRevision: number, { node }: { readonly node?: string } = {}): Walk {
  return new LogWalk(replay, { fromRevision, node: node ?? replay.source.node });
}

/** On either side of the event that a window is made for. */
const WINDOW_HALF = 256;
/** Events looked through in one step of a search backwards. */
const SEARCH_EVENTS = 10_000;

interface Folded {
  readonly event: RecordedEvent;
  readonly rejection: Rejection | null;
  readonly before: Roster;
  readonly after: Roster;
}

interface Window {
  /** Inclusive: every event of the log between these is in it. */
  readonly from: number;
  readonly to: number;
  readonly steps: readonly Folded[];
  readonly check: HashCheck;
}

class LogWalk implements Walk {
  revision: number;
  readonly #replay: Replay;
  readonly #node: string;
  #window: Window | null = null;

  constructor(replay: Replay, { fromRevision, node }: { readonly fromRevision: number; readonly node: string }) {
    this.#replay = replay;
    this.#node = node;
    this.revision = fromRevision;
  }

  here(): Promise<Step | null> {
    return this.jump(this.revision);
  }

  async jump(revision: number): Promise<Step | null> {
    const step = await this.#newestUpTo(revision);
    this.revision = revision;
    return this.#take(step);
  }

  async next(): Promise<Step | null> {
    const { source } = this.#replay;
    const { revision: headRevision } = await source.head();
    if (this.revision >= headRevision) return null;
    const window = this.#window;
    if (window !== null && window.from <= this.revision && this.revision <= window.to) {
      const step = window.steps.find(({ event }) => event.revision > this.revision);
      if (step !== undefined) return this.#take(step);
    }
    for await (const event of source.read({ fromRevision: this.revision + 1 })) return this.jump(event.revision);
    return null;
  }

  async previous(): Promise<Step | null> {
    const { firstRevision } = await this.#replay.source.head();
    if (this.revision <= Math.max(1, firstRevision)) return null;
    const before = await this.#newestUpTo(this.revision - 1);
    return before === null ? null : this.#take(before);
  }

  async search(isWanted: EventPredicate, direction: Direction): Promise<Step | null> {
    const found = direction === 'forwards' ? await this.#firstAfter(isWanted) : await this.#lastBefore(isWanted);
    return found === null ? null : this.jump(found);
  }

  async #firstAfter(isWanted: EventPredicate): Promise<number | null> {
    for await (const event of this.#replay.source.read({ fromRevision: this.revision + 1 })) {
      if (isWanted(event)) return event.revision;
    }
    return null;
  }

  async #lastBefore(isWanted: EventPredicate): Promise<number | null> {
    const { source } = this.#replay;
    const first = Math.max(1, (await source.head()).firstRevision);
    for (let to = this.revision - 1; to >= first; to -= SEARCH_EVENTS) {
      let found: number | null = null;
      const fromRevision = Math.max(first, to - SEARCH_EVENTS + 1);
      for await (const event of source.read({ fromRevision, toRevision: to })) {
        if (isWanted(event)) found = event.revision;
      }
      if (found !== null) return found;
    }
    return null;
  }

  /** The newest event at or before a revision; null where there is none. */
  async #newestUpTo(revision: number): Promise<Folded | null> {
    for (let at = revision; ;) {
      if (this.#window === null || at < this.#window.from || at > this.#window.to) {
        this.#window = await this.#windowAround(at);
      }
      const step = this.#window.steps.findLast(({ event }) => event.revision <= at);
      if (step !== undefined) return step;
      // The log skips every number of the window up to here.
      at = this.#window.from - 1;
      const { firstRevision } = await this.#replay.source.head();
      if (at < Math.max(1, firstRevision)) return null;
    }
  }

  async #windowAround(revision: number): Promise<Window> {
    const { source } = this.#replay;
    const head = await source.head();
    const from = Math.max(1, head.firstRevision, revision - WINDOW_HALF);
    const to = Math.max(revision, Math.min(head.revision, revision + WINDOW_HALF));
    const { roster } = await this.#replay.rosterAt(Math.min(from - 1, to));
    const { check } = await this.#replay.rosterAt(to);
    const steps: Folded[] = [];
    let before = roster;
    for await (const event of source.read({ fromRevision: from, toRevision: to })) {
      const { roster: after, rejection } = fold(before, event);
      steps.push({ event, rejection, before, after });
      before = after;
    }
    return { from, to, steps, check };
  }

  #take(step: Folded | null): Step | null {
    if (step === null) return null;
    const { event, rejection, before, after } = step;
    this.revision = event.revision;
    const ref = eventRef(event);
    const changes = rosterChanges(before, after, this.#node)
      .toArray()
      .map(({ entity, change, fields }): EntityChange => {
        const setByIt = fields.map((field) => ({ ...field, by: ref }));
        return { ...nameOfEntity(entity), change, by: ref, fields: setByIt };
      });
    return { event, ref, rejection, changes, check: this.#window!.check, roster: after };
  }
}
