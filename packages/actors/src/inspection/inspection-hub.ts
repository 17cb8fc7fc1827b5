/**
 * Where somebody can look at the live actors of a node, and then stop looking.
 *
 * It knows the groups in which actors live, not the actors: a node that nobody looks at keeps nothing per actor, and pays one
 * comparison when one is born. XState itself asks at each event whether anybody inspects. An event costs more only while
 * somebody looks, and only in the actors looked at.
 *
 * Bounded: what a reader does not take is dropped and said (`NOTES_WAITING_MAX`, `WEIGHT_WAITING_MAX`); how many may look at once is
 * the admin API's limit.
 */
import { setImmediate } from 'node:timers/promises';
import type { AnyActor } from 'xstate';
import type { Clock } from '../ports.ts';
import { InspectionFollower } from './inspection-follower.ts';
import type { InspectionLine, InspectionQuery, MachineKind } from './inspection-line.ts';

/** Actors that are found in one turn of the event loop, at most: 10,000 backends are no reason to stand still. */
const FOUND_SLICE = 256;

/** Root actors of one kind. */
export interface InspectedGroup {
  readonly kind: MachineKind;
  /** The living actors of the group, by id. The group may change between two steps. */
  inspected(): Iterable<readonly [id: string, actor: AnyActor]>;
}

export class InspectionHub {
  readonly #clock: Clock;
  readonly #groups = new Set<InspectedGroup>();
  readonly #followers = new Set<InspectionFollower>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(group: InspectedGroup): void {
    this.#groups.add(group);
  }

  remove(group: InspectedGroup): void {
    this.#groups.delete(group);
  }

  /** To be called before an actor starts. */
  isBorn(kind: MachineKind, id: string, actor: AnyActor): void {
    if (this.#followers.size === 0) return;
    for (const follower of this.#followers) follower.expect(kind, id, actor);
  }

  /**
   * First what lives, then a line of type `following`, then what happens, until the signal aborts. Read at the caller's
   * pace; nothing is looked at before the first read.
   */
  async *follow(query: InspectionQuery, signal: AbortSignal): AsyncGenerator<readonly InspectionLine[], void> {
    const follower = new InspectionFollower(query, this.#clock);
    this.#followers.add(follower);
    try {
      let actorsCount = 0;
      let metCount = 0;
      for (const [kind, id, actor] of this.#living()) {
        actorsCount += follower.meet(kind, id, actor);
        metCount += 1;
        if (metCount % FOUND_SLICE > 0) continue;
        yield follower.take();
        await setImmediate();
        if (signal.aborted) return;
      }
      yield* this.#waiting(follower, signal);
      if (signal.aborted) return;
      yield [{ type: 'following', timeMs: this.#clock.now(), actorsCount }];
      while (!signal.aborted) {
        await follower.filled(signal);
        yield* this.#waiting(follower, signal);
      }
    } finally {
      this.#followers.delete(follower);
      follower.end();
    }
  }

  /** All that waits, some of it a turn: a reader that was slow finds thousands of notes. */
  async *#waiting(follower: InspectionFollower, signal: AbortSignal): AsyncGenerator<readonly InspectionLine[], void> {
    while (follower.isFilled && !signal.aborted) {
      const lines = follower.take();
      if (lines.length > 0) yield lines;
      if (follower.isFilled) await setImmediate();
    }
  }

  *#living(): Generator<readonly [MachineKind, string, AnyActor]> {
    for (const group of this.#groups) {
      for (const [id, actor] of group.inspected()) yield [group.kind, id, actor];
    }
  }
}
