/**
 * Keeps the snapshot on this machine fresh: at most `SAVE_INTERVAL_MS` behind the roster, and exact after a stop.
 *
 * What is saved is the recorded roster alone. Pending facts are not in it: what a node saw before it was restarted is old news,
 * and its first probes see for themselves.
 */
import { encodeInTurns } from '@muster/journal';
import { rosterHash, type Roster, messageOf } from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { Clock, LocalSnapshot, Logger } from '../ports.ts';

/** From one save to the next, at least; and how far the snapshot may be behind the roster, at most. */
const SAVE_INTERVAL_MS = 5_000;

export interface LocalSnapshotPorts {
  readonly localSnapshot: LocalSnapshot;
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly clock: Clock;
  readonly log: Logger;
}

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
