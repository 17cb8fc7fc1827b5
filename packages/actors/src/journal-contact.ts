/**
 * Whether the journal answers, as everything in the node that talks to it found. One place, so that the status and the
 * log tell one story.
 *
 * Away: it cannot be read or does not take appends; that passes, and everybody keeps trying. Replaced: it is another
 * history now. That does not pass by itself: the node keeps serving what it has, and appends nothing to the other one.
 */
import type { Journal } from '@muster/journal';
import type { Clock, Logger } from './ports.ts';

export class JournalContact {
  readonly journal: Journal;
  /** The history that this node follows; null before the journal was first read. */
  epoch: string | null = null;
  /** The history that took its place, or null. */
  replacedBy: string | null = null;
  /** ms since 1970; null while it answers. */
  awaySinceMs: number | null = null;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(journal: Journal, { clock, log }: { clock: Clock; log: Logger }) {
    this.journal = journal;
    this.#clock = clock;
    this.#log = log;
  }

  failed(reason: string): void {
    if (this.awaySinceMs !== null) return;
    this.awaySinceMs = this.#clock.now();
    this.#log.warn({ reason }, `the journal is away, traffic goes on with what is known: ${reason}`);
  }

  answered(): void {
    if (this.awaySinceMs === null) return;
    const awayMs = this.#clock.now() - this.awaySinceMs;
    this.awaySinceMs = null;
    this.#log.info({ awayMs }, `the journal is back after ${Math.round(awayMs / 100) / 10} s`);
  }

  /** Takes note of the epoch that the journal has; false when it is not the one that is followed. */
  isSameEpoch(epoch: string): boolean {
    this.epoch ??= epoch;
    if (this.epoch === epoch) return true;
    this.replaced(epoch);
    return false;
  }

  /** The history that was followed is gone: another epoch, or the same one without what this node has folded of it. */
  replaced(epoch: string): void {
    if (this.replacedBy === null) {
      this.#log.error({ epoch: this.epoch, replacedBy: epoch }, this.#replacedMessage(epoch));
    }
    this.replacedBy = epoch;
  }

  /** Why nothing may be appended now, or null. */
  appendRefusal(): string | null {
    return this.replacedBy === null ? null : this.#replacedMessage(this.replacedBy);
  }

  #replacedMessage(epoch: string): string {
    const now = epoch === this.epoch ? 'has lost events of it' : `is ${epoch} now`;
    return `the journal was replaced: this node follows history ${this.epoch}, the journal ${now}; restart the node to adopt it`;
  }
}
