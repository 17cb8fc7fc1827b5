/**
 * A roster that is built anew from the journal, beside the one that is served and without touching it.
 *
 *     newest trusted snapshot ──► fold, batch by batch ──► caught up ──► goes on folding, until somebody takes it
 *
 * It is read at the pace of whoever iterates: each step is one batch and a turn of the event loop. A builder whose reading
 * broke off is iterated again and goes on where it was. It decides nothing: the follower decides when it is good enough, and what it
 * takes the place of.
 */
import { setImmediate } from 'node:timers/promises';
import { JournalError, newestTrustedSnapshot, type Journal } from '@muster/journal';
import { backoffMs, RETRY_BACKOFF, messageOf } from '@muster/membership';
import { pause } from '../clock.ts';
import { FoldedRoster } from '../folded-roster.ts';
import type { Clock, Logger } from '../ports.ts';

export interface RosterBuilderOptions {
  readonly journal: Journal;
  readonly node: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** The history to build from. */
  readonly epoch: string;
  /** The newest revision that a snapshot to begin with may have. Default: the newest there is. */
  readonly atOrBefore?: number;
}

export type BuildStep =
  | { readonly kind: 'read' }
  | { readonly kind: 'away'; readonly reason: string }
  /** The history is gone; nothing comes after this. */
  | { readonly kind: 'replaced'; readonly epoch: string };

export class RosterBuilder {
  readonly epoch: string;
  readonly folded: FoldedRoster;
  /** True once it has come to the journal's end. */
  isCaughtUp = false;
  readonly #options: RosterBuilderOptions;
  #hasBegun = false;

  constructor(options: RosterBuilderOptions) {
    this.#options = options;
    this.epoch = options.epoch;
    this.folded = new FoldedRoster(options);
  }

  /** Reads on. Ends when the signal says so; throws `JournalError`. */
  async *steps(signal: AbortSignal): AsyncGenerator<BuildStep, void> {
    const { journal } = this.#options;
    if (!this.#hasBegun) {
      const head = await journal.head();
      if (signal.aborted) return;
      if (head.epoch !== this.epoch) return yield { kind: 'replaced', epoch: head.epoch };
      this.folded.heardOf(head.revision);
      await this.#begin(head.revision);
    }
    const { revision } = this.folded.roster;
    for await (const item of journal.follow({ afterRevision: revision, epoch: this.epoch, signal })) {
      if (signal.aborted) return;
      switch (item.kind) {
        case 'events':
          this.folded.apply(item.events);
          this.folded.wakeWaiters();
          yield { kind: 'read' };
          await setImmediate();
          break;
        case 'caught-up':
          this.isCaughtUp = true;
          yield { kind: 'read' };
          break;
        case 'away':
          yield item;
          break;
        case 'epoch-changed':
          return yield { kind: 'replaced', epoch: item.epoch };
      }
    }
    if (!signal.aborted) throw new Error('the journal ended its follower without a reason');
  }

  async #begin(headRevision: number): Promise<void> {
    const { journal, cluster, log, atOrBefore = headRevision } = this.#options;
    // A history that has lost its end may have snapshots of what it lost.
    const query = { epoch: this.epoch, cluster, atOrBefore: Math.min(atOrBefore, headRevision) };
    const snapshot = await newestTrustedSnapshot(journal, { ...query, onPassedOver: passingOver(log) });
    if (snapshot !== null) this.folded.adopt(snapshot.roster);
    this.#hasBegun = true;
  }
}

export interface RebuildOptions extends RosterBuilderOptions {
  readonly random: () => number;
  /** Told each time that the log is found not to have what comes behind the newest snapshot there is. */
  readonly onStuck: (reason: string, error: unknown) => void;
}

/**
 * Builds a roster up to the journal's end; a try that breaks off is followed by another. Null when the history is gone or the signal
 * says so. Never rejects.
 */
export async function builtToTheEnd(options: RebuildOptions, signal: AbortSignal): Promise<RosterBuilder | null> {
  const { clock, random, log, onStuck } = options;
  let builder = new RosterBuilder(options);
  for (let failuresCount = 0; !signal.aborted; failuresCount++) {
    try {
      for await (const step of builder.steps(signal)) {
        if (step.kind === 'replaced') return null;
        if (builder.isCaughtUp) return builder;
      }
    } catch (error) {
      log.warn({ err: error }, `building the roster anew is tried again: ${messageOf(error)}`);
      if (error instanceof JournalError && error.code === 'compacted') {
        // What it began with is too old by now, so it begins with the newest snapshot, whatever was asked for.
        const { atOrBefore: _atOrBefore, ...anew } = options;
        builder = new RosterBuilder(anew);
        if (failuresCount > 0) onStuck(messageOf(error), error);
      }
      await pause(clock, backoffMs(failuresCount, RETRY_BACKOFF, random), signal);
    }
  }
  return null;
}

/** Logs each snapshot in the journal that is not trusted. */
export function passingOver(log: Logger): (revision: number, reason: string) => void {
  return (revision, reason) =>
    log.warn({ revision, reason }, `the snapshot at revision ${revision} is passed over: ${reason}`);
}
