/**
 * Another history has taken the place of the one that the node serves: how far it has been read, and who waits for it.
 *
 * It is adopted by itself once it has been read to its end and holds a pool: a journal that somebody has begun to fill is
 * meant. An empty one may be an accident, and is adopted by a person's word alone. Until then an error in the log says so
 * once a minute, because nothing that this node sees or is told is recorded.
 */
import type { JournalContact } from './journal-contact.ts';
import type { EpochChange, NodeHandle } from './node-handle.ts';
import type { Clock, Logger } from './ports.ts';
import { RosterBuilder } from './roster-builder.ts';

const REMINDER_INTERVAL_MS = 60_000;
/** How long a wish to adopt waits for the other history to be read; it is then answered `unavailable`. */
const ADOPT_TIMEOUT_MS = 60_000;

export type AdoptOutcome = Awaited<ReturnType<NodeHandle['adoptEpoch']>>;

export interface SuccessionPorts {
  readonly contact: JournalContact;
  readonly node: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Succession {
  readonly #ports: SuccessionPorts;
  #builder: RosterBuilder | null = null;
  #reminder: unknown = null;
  #wish: PromiseWithResolvers<AdoptOutcome> | null = null;

  constructor(ports: SuccessionPorts) {
    this.#ports = ports;
  }

  /** As in the status; null while the journal is the served history. */
  get change(): EpochChange | null {
    const { contact } = this.#ports;
    if (contact.replacement === null) return null;
    const { epoch: to, sinceMs } = contact.replacement;
    const roster = this.#builder?.folded.roster;
    const poolsCount = roster?.pools.size ?? 0;
    return { from: contact.epoch!, to, sinceMs, revision: roster?.revision ?? 0, poolsCount };
  }

  /** What reads the other history, from where it was. */
  builder(epoch: string): RosterBuilder {
    this.#reminder ??= this.#remindLater();
    if (this.#builder?.epoch !== epoch) {
      this.#builder = new RosterBuilder({ ...this.#ports, journal: this.#ports.contact.journal, epoch });
    }
    return this.#builder;
  }

  mayAdopt({ isCaughtUp, folded }: RosterBuilder): boolean {
    return isCaughtUp && (folded.roster.pools.size > 0 || this.#wish !== null);
  }

  /** A person wants it, whatever it holds. Resolves with what came of it. */
  async wish(): Promise<AdoptOutcome> {
    const { clock } = this.#ports;
    this.#wish ??= Promise.withResolvers<AdoptOutcome>();
    const timer = clock.setTimeout(() => {
      const message = `the other history was not read to its end within ${ADOPT_TIMEOUT_MS / 1_000} s; try again`;
      this.answer({ outcome: 'unavailable', message });
    }, ADOPT_TIMEOUT_MS);
    const outcome = await this.#wish.promise;
    clock.clearTimeout(timer);
    return outcome;
  }

  /** Answers those who wished. */
  answer(outcome: AdoptOutcome): void {
    this.#wish?.resolve(outcome);
    this.#wish = null;
  }

  /** What was read of it is of no use: it begins again. */
  startOver(): void {
    this.#builder = null;
  }

  /** There is no other history any more, or nobody who waits for it. */
  end(outcome: AdoptOutcome): void {
    this.#builder = null;
    this.#ports.clock.clearTimeout(this.#reminder);
    this.#reminder = null;
    this.answer(outcome);
  }

  #remindLater(): unknown {
    const { clock, log, contact } = this.#ports;
    return clock.setTimeout(() => {
      const { change } = this;
      if (change === null) return;
      log.error({ ...change }, contact.appendRefusal() ?? 'the journal was replaced');
      this.#reminder = this.#remindLater();
    }, REMINDER_INTERVAL_MS);
  }
}
