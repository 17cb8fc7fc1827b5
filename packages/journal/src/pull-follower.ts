/**
 * A follower over a log that can be read from any revision: the loop that the in-memory and the embedded journal share.
 *
 * A follower has a cursor and nothing else. It reads from the cursor to what is newest, and then sleeps until the log
 * says that it grew. There is no queue per follower, so a thousand slow ones cost what a thousand numbers cost.
 *
 *     round:   cursor ────── batch ── batch ──► newest when the round began
 *              at most one batch: the follower is caught up; more: it had fallen behind, and reads another round
 *
 * The mark `caught-up` therefore comes after a round that began within one batch of the newest revision. A reader that
 * keeps up at all gets there, however steadily the log grows, and the mark never claims a revision that was the newest
 * a long replay ago.
 *
 * It does not buffer, retry or time out: a source that fails ends the follower with that failure.
 */
import type { RecordedEvent } from '@muster/membership';
import type { FollowItem, FollowOptions } from './journal.ts';

/** Lets any number of sleepers wait for the next time something happens. */
export class WakeUp {
  #next = Promise.withResolvers<void>();

  /** Resolves at the next `wake`. Check the condition and take this in one go, without an await between. */
  get next(): Promise<void> {
    return this.#next.promise;
  }

  wake(): void {
    const woken = this.#next;
    this.#next = Promise.withResolvers<void>();
    woken.resolve();
  }
}

/** A log as a follower sees it. */
export interface PullSource {
  /** The newest revision. Throws what the follower shall end with, once the log is closed or has failed. */
  newestRevision(): number;
  /** The events with `after < revision ≤ upTo`, in order, in batches of 1 to `FOLLOW_BATCH_EVENTS`. */
  batches(after: number, upTo: number): AsyncIterable<readonly RecordedEvent[]>;
  /** Woken whenever an answer of `newestRevision` would differ. */
  readonly changed: WakeUp;
  readonly epoch: string;
}

/** Follows a log as `Journal.follow` promises. */
export async function* pullFollower(source: PullSource, options: FollowOptions): AsyncGenerator<FollowItem, void> {
  const { signal } = options;
  // One abort wakes every sleeper. The others look at their cursor and sleep again, which is cheaper than a listener per wait.
  const wake = (): void => source.changed.wake();
  signal.addEventListener('abort', wake);
  try {
    let cursor = options.afterRevision;
    let isCaughtUp = false;
    while (!signal.aborted) {
      const newest = source.newestRevision();
      // A cursor from the future belongs to a history that is not this one.
      if (cursor > newest || (options.epoch ?? source.epoch) !== source.epoch)
        return yield { kind: 'epoch-changed', epoch: source.epoch };
      if (cursor === newest && isCaughtUp) {
        await source.changed.next;
        continue;
      }
      let batchCount = 0;
      for await (const events of source.batches(cursor, newest)) {
        if (signal.aborted) return;
        batchCount += 1;
        cursor = events.at(-1)!.revision;
        yield { kind: 'events', events };
      }
      if (signal.aborted) return;
      const wasCaughtUp = isCaughtUp;
      isCaughtUp = batchCount <= 1;
      if (isCaughtUp && !wasCaughtUp) yield { kind: 'caught-up', revision: cursor };
    }
  } finally {
    signal.removeEventListener('abort', wake);
  }
}
