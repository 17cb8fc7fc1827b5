/**
 * The journal of a simulated cluster: the history that is there now, and those that were there before.
 *
 * Each history keeps beside its events what they fold to: the roster's hash at every revision, made here by the plain fold
 * from the beginning. That is what every reader is compared with.
 */
import {
  createMemoryJournal,
  type AppendOptions,
  type AppendOutcome,
  type Journal,
  type NewEvent,
} from '@muster/journal';
import { emptyRoster, encodeSnapshot, fold, rosterHash, type RecordedEvent, type Roster } from '@muster/membership';

export const CLUSTER = 'sim';

export class History {
  readonly epoch: string;
  readonly journal: Journal;
  /** By revision; at 0 the empty roster's. As far as `catchUp` has read. */
  readonly hashes: string[] = [rosterHash(emptyRoster(CLUSTER))];
  /** By revision minus 1. */
  readonly events: RecordedEvent[] = [];
  roster: Roster = emptyRoster(CLUSTER);
  /** The newest revision that was stored. */
  revision = 0;
  /** The oldest that is still held. */
  firstRevision = 1;
  /** The newest revision when it became the present history. */
  revisionWhenPresented = 0;
  /** Why nothing may be appended to it, since somebody edited the stream; null while it is as it should be. */
  unfit: string | null = null;
  /** By the simulation's clock. */
  unfitSinceMs = -Infinity;
  /** What was acknowledged, by id. */
  readonly acknowledgedById = new Map<string, number>();

  constructor(epoch: string, now: () => number) {
    this.epoch = epoch;
    this.journal = createMemoryJournal({ epoch, now });
  }

  async store(event: NewEvent, options?: AppendOptions): Promise<AppendOutcome> {
    const outcome = await this.journal.append(event, options);
    if (outcome.outcome === 'appended') this.revision = Math.max(this.revision, outcome.revision);
    return outcome;
  }

  /** Folds what has been stored since the last time. */
  async catchUp(): Promise<void> {
    if (this.events.length === this.revision) return;
    for await (const event of this.journal.read({ fromRevision: this.events.length + 1 })) {
      this.events.push(event);
      this.roster = fold(this.roster, event).roster;
      this.hashes.push(rosterHash(this.roster));
    }
  }

  /** A snapshot that cannot be read is the newest; not in the place of the one that the log rests on, without which all is lost. */
  async damageSnapshot(): Promise<void> {
    await this.catchUp();
    const { epoch, roster } = this;
    if (roster.revision < this.firstRevision) return;
    const damaged = encodeSnapshot(roster).replace(/.$/, '');
    await this.journal.saveSnapshot({ epoch, revision: roster.revision, hash: rosterHash(roster), data: damaged });
  }

  /** Somebody edits the stream so that it may lose events. */
  edit(nowMs: number): void {
    this.unfit ??= 'its setting max_age was changed: events would be lost';
    this.unfitSinceMs = nowMs;
  }

  /** Everything is removed, and nobody has saved a snapshot. */
  purge(): void {
    this.firstRevision = this.revision + 1;
  }

  /** Somebody saves a snapshot, and what lies before it is removed, as by retention. */
  async cut(): Promise<void> {
    await this.catchUp();
    const { epoch, roster } = this;
    const { revision } = roster;
    await this.journal.saveSnapshot({ epoch, revision, hash: rosterHash(roster), data: encodeSnapshot(roster) });
    this.firstRevision = revision + 1;
  }
}

export class JournalStore {
  readonly historiesByEpoch = new Map<string, History>();
  /** Called when another history takes the place of the present one. */
  onReplaced: () => void = () => undefined;
  /** True while the stream is deleted, and not made again. */
  isGone = false;
  readonly #now: () => number;
  #present: History;

  constructor(now: () => number) {
    this.#now = now;
    this.#present = this.#make();
  }

  get present(): History {
    return this.#present;
  }

  /** Deleted. */
  remove(): void {
    this.isGone = true;
    this.onReplaced();
  }

  /** Restored as it was. */
  bringBack(): void {
    if (this.isGone) this.#presentNow(this.#present);
  }

  /** Deleted, and made again: empty. */
  makeAgain(): void {
    this.#presentNow(this.#make());
  }

  /** The history before this one is put back, as somebody does who restores a backup in time. */
  putBack(): void {
    const epochs = [...this.historiesByEpoch.keys()];
    const before = epochs[epochs.indexOf(this.#present.epoch) - 1];
    if (before !== undefined) this.#presentNow(this.historiesByEpoch.get(before)!);
    else this.bringBack();
  }

  async catchUp(): Promise<void> {
    for (const history of this.historiesByEpoch.values()) await history.catchUp();
  }

  #presentNow(history: History): void {
    history.revisionWhenPresented = history.revision;
    this.#present = history;
    this.isGone = false;
    this.onReplaced();
  }

  #make(): History {
    const history = new History(`epoch-${this.historiesByEpoch.size + 1}`, this.#now);
    this.historiesByEpoch.set(history.epoch, history);
    return history;
  }
}
