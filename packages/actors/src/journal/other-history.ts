/**
 * Another history has taken the place of the one that the node serves: how far it has been read, who waits for it, and whether it
 * may be adopted.
 *
 *     it holds all that is served, as it is      adopted by itself once it has been read to its end
 *     it lacks something of it                   served on, until a person says: take it as it is, or restore the served one in it
 *
 * A history that lacks something may be an accident: a stream that somebody made anew, a node that filled it from its config. To
 * take it would lose what only the nodes remember, and nobody could tell the nodes to give it back. What is written into it before
 * it is adopted is in `handover.ts`. Until then an error in the log says so once a minute, because nothing that this node sees
 * or is told is recorded.
 */
import { emptyRoster, messageOf, restorationSteps, type RestorationStep, type Roster } from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { AdoptionStore, NodeHandle } from '../node-handle.ts';
import type { Adoption, EpochChange } from '../node-status.ts';
import type { Clock, Logger } from '../ports.ts';
import { Handover, type HandoverOutcome, type HistoryWriter } from './handover.ts';
import { RosterBuilder } from './roster-builder.ts';

const REMINDER_INTERVAL_MS = 60_000;
/** How long a wish to adopt waits for the other history to be read; it is then answered `unavailable`. */
const ADOPT_TIMEOUT_MS = 60_000;

export type AdoptOutcome = Awaited<ReturnType<NodeHandle['adoptEpoch']>>;

/** A person's word on the other history. */
export interface Wish {
  /** Who it is, for example `cli:alice@host`. */
  readonly by: string;
  /** Whether everything that is served is written into it before. */
  readonly isRestoring: boolean;
}

export interface OtherHistoryPorts {
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly node: string;
  readonly cluster: string;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Missing {
  readonly served: Roster;
  readonly other: Roster;
  readonly steps: readonly RestorationStep[];
  readonly names: ReadonlySet<string>;
  /** Whether the other history had been read to its end. */
  readonly wasRead: boolean;
}

interface BegunHandover {
  readonly builder: RosterBuilder;
  /** Null while it is under way. */
  outcome: HandoverOutcome | null;
}

/** What a step is about: `BackendRegistered` of one backend is not its `BackendModeSet`. */
function nameOf({ entity, event }: RestorationStep): string {
  return `${event.type} ${JSON.stringify(entity)}`;
}

interface Waiting extends Wish {
  readonly answered: PromiseWithResolvers<AdoptOutcome>;
}

export class OtherHistory {
  /** Told before another history is adopted, so that they write into it what they would miss. */
  readonly writers = new Set<HistoryWriter>();
  readonly #ports: OtherHistoryPorts;
  /** What a history holds that is not there. */
  readonly #nothing: Roster;
  #builder: RosterBuilder | null = null;
  /** What is being written into it, or was, and what came of that; null before there is anything to write. */
  #handover: BegunHandover | null = null;
  #reminder: unknown = null;
  #wish: Waiting | null = null;
  #missing: Missing | null = null;

  constructor(ports: OtherHistoryPorts) {
    this.#ports = ports;
    this.#nothing = emptyRoster(ports.cluster);
  }

  /** What the status says of it; null while the journal is the served history. */
  get change(): EpochChange | null {
    const { contact } = this.#ports;
    if (contact.replacement === null) return null;
    const { epoch: to, sinceMs } = contact.replacement;
    const roster = this.#builder?.folded.roster;
    const poolsCount = roster?.pools.size ?? 0;
    const missingCount = this.#builder?.isCaughtUp ? this.missing().length : null;
    return { from: contact.epoch!, to, sinceMs, revision: roster?.revision ?? 0, poolsCount, missingCount };
  }

  /** Who wants it adopted; null while nobody said so, and it is adopted by itself or not at all. */
  get wishedBy(): string | null {
    return this.#wish?.by ?? null;
  }

  /** Whether the other history has been read to its end; false also where there is none. */
  get isRead(): boolean {
    return this.#builder?.isCaughtUp ?? false;
  }

  /**
   * What the other history lacks of what is served, as far as it has been read; all of it where there is no other. What was there
   * once after it had been read to its end is not lacking any more: whatever became of it since, somebody published it there.
   */
  missing(): readonly RestorationStep[] {
    const { folded } = this.#ports;
    const served = folded.roster;
    const other = this.#builder?.folded.roster ?? this.#nothing;
    const before = this.#missing?.served === served ? this.#missing : null;
    if (before?.other === other) return before.steps;
    const found = restorationSteps(served, other);
    const steps = before?.wasRead ? found.filter((step) => before.names.has(nameOf(step))) : found;
    this.#missing = { served, other, steps, names: new Set(steps.map(nameOf)), wasRead: this.isRead };
    return steps;
  }

  /** What reads the other history, from where it was. */
  builder(epoch: string): RosterBuilder {
    this.#reminder ??= this.#remindLater();
    if (this.#builder?.epoch !== epoch) {
      this.#missing = null;
      this.#builder = new RosterBuilder({ ...this.#ports, journal: this.#ports.contact.journal, epoch });
    }
    return this.#builder;
  }

  mayAdopt({ isCaughtUp }: RosterBuilder): boolean {
    return isCaughtUp && (this.#wish !== null || this.missing().length === 0);
  }

  /**
   * Whether everything that was to be is written into it; null while that is under way, and then `onSettled` is called. To be asked
   * while it may be adopted.
   */
  handOver(builder: RosterBuilder, onSettled: () => void): HandoverOutcome | null {
    if (this.#handover?.builder !== builder) this.#beginHandover(builder, onSettled);
    return this.#handover?.outcome ?? null;
  }

  #beginHandover(builder: RosterBuilder, onSettled: () => void): void {
    const { contact, folded, clock, log } = this.#ports;
    const { writers } = this;
    const restoredBy = this.#wish?.isRestoring ? this.#wish.by : null;
    if (restoredBy === null && writers.size === 0) {
      this.#handover = { builder, outcome: 'written' };
      return;
    }
    const begun: BegunHandover = { builder, outcome: null };
    this.#handover = begun;
    const handover = new Handover({ contact, clock, log, builder, served: folded.roster, restoredBy, writers });
    void handover.write().then((outcome) => {
      begun.outcome = outcome;
      onSettled();
    });
  }

  /** What was to be written could not be: whoever wished it is told, and may wish it again. */
  handoverFailed(message: string): void {
    this.#handover = null;
    this.answer({ outcome: 'unavailable', message });
  }

  /** A person wants it, whatever it holds. Resolves with what came of it. Of two wishes at once the first counts. */
  async wish(wish: Wish): Promise<AdoptOutcome> {
    const { clock } = this.#ports;
    if (this.#wish === null) {
      this.#wish = { ...wish, answered: Promise.withResolvers() };
      this.#handover = null;
    }
    const { answered } = this.#wish;
    const timer = clock.setTimeout(() => {
      const message = `the other history was not read to its end, and prepared, within ${ADOPT_TIMEOUT_MS / 1_000} s; try again`;
      this.answer({ outcome: 'unavailable', message });
    }, ADOPT_TIMEOUT_MS);
    const outcome = await answered.promise;
    clock.clearTimeout(timer);
    return outcome;
  }

  /** Answers those who wished. */
  answer(outcome: AdoptOutcome): void {
    this.#wish?.answered.resolve(outcome);
    this.#wish = null;
  }

  /** What was read of it is of no use: it begins again. */
  startOver(): void {
    this.#builder = null;
    this.#handover = null;
    this.#missing = null;
  }

  /** There is no other history any more, or nobody who waits for it. */
  end(outcome: AdoptOutcome): void {
    this.startOver();
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

/** Remembers that this node adopted another history: when, which, and by whose word; over restarts where there is a place for it. */
export class LastAdoption {
  readonly #store: AdoptionStore | null;
  readonly #log: Logger;
  #newest: Adoption | null = null;
  #saving: Promise<void> = Promise.resolve();

  constructor({ adoptionStore = null, log }: { readonly adoptionStore?: AdoptionStore | null; readonly log: Logger }) {
    this.#store = adoptionStore;
    this.#log = log;
    void this.#load();
  }

  /** Null for never, and until it has been read after a start. */
  get newest(): Adoption | null {
    return this.#newest;
  }

  note(adoption: Adoption): void {
    this.#newest = adoption;
    this.#saving = this.#saving.then(() => this.#save(adoption));
  }

  async #load(): Promise<void> {
    try {
      const loaded = (await this.#store?.load()) ?? null;
      // One of this process is newer.
      this.#newest ??= loaded;
    } catch (error) {
      this.#log.warn({ err: error }, `which history this node adopted before cannot be read: ${messageOf(error)}`);
    }
  }

  async #save(adoption: Adoption): Promise<void> {
    try {
      await this.#store?.save(adoption);
    } catch (error) {
      const text = `that history ${adoption.to} was adopted cannot be kept for after a restart: ${messageOf(error)}`;
      this.#log.warn({ err: error }, text);
    }
  }
}
