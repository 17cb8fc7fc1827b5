/**
 * One rebuild of the served roster from the same history: brought to the journal's end while the old one is still followed.
 *
 * What comes after that is the follower's: the last events and the swap, with the served roster standing still.
 */
import { messageOf } from '@muster/membership';
import { JournalError } from '@muster/journal';
import { backoffMs, RETRY_BACKOFF } from '../backoff.ts';
import { pause } from '../pause.ts';
import type { Clock, Logger } from '../ports.ts';
import { RosterBuilder, type RosterBuilderOptions } from './roster-builder.ts';

export interface RosterRebuildOptions extends RosterBuilderOptions {
  /** For people: why the served roster is not good enough. */
  readonly reason: string;
  /** The log has not what comes behind the newest snapshot there is. Told each time that this is found. */
  readonly onStuck: (reason: string, error: unknown) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export class RosterRebuild {
  readonly reason: string;
  readonly #options: RosterRebuildOptions;
  readonly #ending = new AbortController();
  #builder: RosterBuilder;

  constructor(options: RosterRebuildOptions) {
    this.#options = options;
    this.reason = options.reason;
    this.#builder = new RosterBuilder(options);
  }

  get builder(): RosterBuilder {
    return this.#builder;
  }

  get isCaughtUp(): boolean {
    return this.#builder.isCaughtUp;
  }

  /** Reads to the journal's end; a broken try is followed by another. Resolves early when it is abandoned or the history is gone. */
  async prepare(): Promise<void> {
    const { clock, random, log } = this.#options;
    const { signal } = this.#ending;
    for (let failuresCount = 0; !signal.aborted; failuresCount++) {
      try {
        for await (const step of this.#builder.steps(signal)) if (step.kind === 'replaced' || this.isCaughtUp) return;
      } catch (error) {
        log.warn({ err: error }, `building the roster anew is tried again: ${messageOf(error)}`);
        if (error instanceof JournalError && error.code === 'compacted') {
          this.#startOver();
          if (failuresCount > 0) this.#options.onStuck(messageOf(error), error);
        }
        await pause(clock, backoffMs(failuresCount, RETRY_BACKOFF, random), signal);
      }
    }
  }

  abandon(): void {
    this.#ending.abort();
  }

  /** What it began with is too old by now: with the newest snapshot, whatever was asked for. */
  #startOver(): void {
    const { atOrBefore: _atOrBefore, ...options } = this.#options;
    this.#builder = new RosterBuilder(options);
  }
}
