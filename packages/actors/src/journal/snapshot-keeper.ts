/**
 * Snapshots of the node's roster: one in the journal now and then, for all nodes, and one on this machine, for a start while
 * the journal is away.
 *
 * Encoding a roster costs about 7 µs a backend, 70 ms for 10,000: so it is done in parts with turns of the event loop between
 * them, after `SNAPSHOT_EVENTS_MIN` to twice as many events, at most every `SNAPSHOT_INTERVAL_MIN_MS`, and at the stop. The
 * number varies by chance, and a snapshot that another node has announced counts as saved: so of many nodes on one journal
 * one saves, and the others find it done. A snapshot that cannot be saved costs time at the next start, and nothing else.
 *
 * Where somebody has cut the log in front of the newest snapshot that is known, nobody could start any more: then one is saved at
 * once.
 */
import { encodeInTurns } from '@muster/journal';
import { messageOf, rosterHash, type Roster } from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { NodeHandle } from '../node-handle.ts';
import type { Clock, LocalSnapshot, Logger } from '../ports.ts';
import type { WorkerFeed } from '../workers/worker-feed.ts';

const SNAPSHOT_EVENTS_MIN = 1_000;
const SNAPSHOT_INTERVAL_MIN_MS = 10_000;
/** Between two tries to store a snapshot for a log that was cut. */
const CUT_INTERVAL_MIN_MS = 5_000;

export interface SnapshotPorts {
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly feed: WorkerFeed;
  /** Null where nothing is kept on this machine. */
  readonly local: LocalSnapshotKeeper | null;
  /** Whether other nodes' hashes say that this node's roster may be wrong: nobody should begin with it. */
  readonly isInDoubt: () => boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export class SnapshotKeeper {
  readonly #ports: SnapshotPorts;
  /** The newest in the journal that is known of. */
  #knownRevision = 0;
  #ownRevision = 0;
  /** By `elapsedMs`. */
  #savedAtMs: number;
  #eventsBetween: number;
  #isSaving = false;
  /** When a log that was cut was last answered with a snapshot. */
  #cutAtMs = -Infinity;
  /** Counts the histories: what was begun in one is not finished in the next. */
  #historiesCount = 0;

  constructor(ports: SnapshotPorts) {
    this.#ports = ports;
    // Nothing is saved in the middle of the start.
    this.#savedAtMs = ports.clock.elapsedMs();
    this.#eventsBetween = this.#nextDistance();
  }

  /** Revision of the newest snapshot that this node saved in the journal or loaded from it; 0 for none. */
  get newestRevision(): number {
    return this.#ownRevision;
  }

  /** The node began with this one. */
  loaded(revision: number): void {
    this.#ownRevision = revision;
    this.#knownRevision = revision;
  }

  /** Another node says that the journal holds one. */
  heardOfSnapshot(revision: number): void {
    this.#knownRevision = Math.max(this.#knownRevision, revision);
  }

  /** The node serves another history, whose snapshots it knows nothing of. */
  startOver(): void {
    this.#historiesCount += 1;
    this.#knownRevision = 0;
    this.#ownRevision = 0;
  }

  onRosterChanged(): void {
    this.#ports.local?.saveSoon();
    const { folded, clock } = this.#ports;
    if (this.#isSaving || folded.roster.revision - this.#knownRevision < this.#eventsBetween) return;
    if (clock.elapsedMs() - this.#savedAtMs < SNAPSHOT_INTERVAL_MIN_MS) return;
    void this.#saveInJournal();
  }

  /** The journal's first event has this revision; told by everybody who asks for it. */
  logBegins(firstRevision: number): void {
    const { folded, clock, log } = this.#ports;
    const { revision } = folded.roster;
    const isCovered = this.#knownRevision + 1 >= firstRevision;
    if (isCovered || this.#isSaving || revision + 1 < firstRevision) return;
    if (clock.elapsedMs() - this.#cutAtMs < CUT_INTERVAL_MIN_MS) return;
    this.#cutAtMs = clock.elapsedMs();
    const text = `the log was cut before revision ${firstRevision}, and no snapshot is known that reaches there: one is stored`;
    log.warn({ firstRevision, revision }, text);
    void this.#saveInJournal();
  }

  /** Saves both by a person's word, whether there is anything new or not. */
  async saveNow(): Promise<Awaited<ReturnType<NodeHandle['saveSnapshot']>>> {
    const { contact, isInDoubt, local } = this.#ports;
    const { epoch } = contact;
    const doubt = isInDoubt() ? 'other nodes disagree with this one, so nobody should begin with what it has' : null;
    const refusal = contact.journalRefusal() ?? doubt;
    if (refusal !== null || epoch === null) {
      return { outcome: 'unavailable', message: refusal ?? 'this node has no roster yet' };
    }
    try {
      const [revision] = await Promise.all([this.#store(epoch), local?.saveNow()]);
      return { outcome: 'saved', epoch, revision };
    } catch (error) {
      return { outcome: 'unavailable', message: messageOf(error) };
    }
  }

  /** Saves both now, as far as there is anything new. Resolves whatever becomes of it. */
  async save(): Promise<void> {
    await Promise.all([this.#ports.local?.save(), this.#saveInJournal()]);
  }

  async #saveInJournal(): Promise<void> {
    const { contact, folded, isInDoubt, log } = this.#ports;
    const { revision } = folded.roster;
    const { epoch } = contact;
    if (revision <= this.#knownRevision || epoch === null) return;
    // Whoever has read all of it may save one, the node of that name or not: it says nothing of its own.
    if (contact.journalRefusal() !== null || isInDoubt()) return;
    await this.#store(epoch).catch((error: unknown) => {
      const text = `the snapshot at revision ${revision} could not be saved: ${messageOf(error)}`;
      log.warn({ revision, err: error }, text);
    });
  }

  /** Answers its revision. */
  async #store(epoch: string): Promise<number> {
    const { contact, folded, feed, clock } = this.#ports;
    const { roster } = folded;
    const historiesCount = this.#historiesCount;
    const { revision } = roster;
    this.#isSaving = true;
    this.#savedAtMs = clock.elapsedMs();
    try {
      const data = await encodeInTurns(roster);
      if (historiesCount !== this.#historiesCount) return revision;
      feed.remember({ revision, text: data });
      await contact.journal.saveSnapshot({ epoch, revision, hash: rosterHash(roster), data });
      if (historiesCount !== this.#historiesCount) return revision;
      this.#ownRevision = revision;
      this.#eventsBetween = this.#nextDistance();
      this.heardOfSnapshot(revision);
      return revision;
    } finally {
      this.#isSaving = false;
    }
  }

  #nextDistance(): number {
    return SNAPSHOT_EVENTS_MIN * (1 + this.#ports.random());
  }
}

/** From one save on this machine to the next, at least; and how far that snapshot may be behind the roster, at most. */
const SAVE_INTERVAL_MS = 5_000;

type LocalSnapshotPorts = Pick<SnapshotPorts, 'contact' | 'folded' | 'clock' | 'log'> & {
  readonly localSnapshot: LocalSnapshot;
};

/**
 * Keeps the snapshot on this machine fresh, and exact after a stop. Pending facts are not in it: what a node saw before it was restarted
 * is old news, and its first probes see for themselves.
 */
export class LocalSnapshotKeeper {
  readonly #ports: LocalSnapshotPorts;
  #saved: Roster | null = null;
  /** Set from the moment a save is due until it is done. */
  #timer: unknown = null;
  #saving: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(ports: LocalSnapshotPorts) {
    this.#ports = ports;
  }

  /** What the node serves is what is saved: it began with it. */
  loaded(roster: Roster): void {
    this.#saved = roster;
  }

  /** The roster has changed: it is saved within `SAVE_INTERVAL_MS`. */
  saveSoon(): void {
    if (this.#timer !== null || this.#isStopped) return;
    this.#timer = this.#ports.clock.setTimeout(() => {
      this.#timer = null;
      void this.#saveNext();
    }, SAVE_INTERVAL_MS);
  }

  /** Saves what there is now, after what is being saved. */
  saveNow(): Promise<void> {
    return this.#saveNext();
  }

  /** At the stop: saves what there is now, and nothing after that. */
  async save(): Promise<void> {
    this.#isStopped = true;
    this.#ports.clock.clearTimeout(this.#timer);
    await this.#saveNext();
  }

  /** One save at a time, in order. */
  #saveNext(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveNow());
    return this.#saving;
  }

  async #saveNow(): Promise<void> {
    const { localSnapshot, contact, folded, log } = this.#ports;
    const { roster } = folded;
    const { epoch } = contact;
    if (roster === this.#saved || epoch === null) return;
    const { revision } = roster;
    try {
      const data = await encodeInTurns(roster);
      await localSnapshot.save({ epoch, revision, hash: rosterHash(roster), data });
      this.#saved = roster;
    } catch (error) {
      const text = `the local snapshot at revision ${revision} could not be saved: ${messageOf(error)}`;
      log.warn({ revision, err: error }, text);
    }
  }
}
