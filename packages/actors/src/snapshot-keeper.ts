/**
 * Snapshots of the node's roster: the newest usable one at the start, a new one now and then.
 *
 * Encoding a roster costs about 7 µs a backend, 70 ms for 10,000: so it is done in parts with turns of the event loop
 * between them, after `SNAPSHOT_EVENTS` events, at most every `SNAPSHOT_INTERVAL_MIN_MS`, and at the stop. A snapshot that cannot be used or saved costs time at the next start, and nothing else.
 */
import { setImmediate } from 'node:timers/promises';
import type { StoredSnapshot } from '@muster/journal';
import { decodeSnapshot, rosterHash, snapshotParts, type Roster } from '@muster/membership';
import { messageOf } from './backoff.ts';
import type { FoldedRoster } from './folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { Clock, Logger } from './ports.ts';
import type { WorkerFeed } from './worker-feed.ts';

const SNAPSHOT_EVENTS = 1_000;
const SNAPSHOT_INTERVAL_MIN_MS = 10_000;

export interface SnapshotPorts {
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly feed: WorkerFeed;
  readonly clock: Clock;
  readonly log: Logger;
}

export class SnapshotKeeper {
  readonly #ports: SnapshotPorts;
  #savedRevision = 0;
  #savedAtMs = -Infinity;
  #isSaving = false;

  constructor(ports: SnapshotPorts) {
    this.#ports = ports;
  }

  /** Takes the newest snapshot as the starting point, if there is one that can be trusted. Throws `JournalError`. */
  async load(): Promise<void> {
    const { contact, folded, feed, clock, log } = this.#ports;
    const head = await contact.journal.head();
    contact.isSameEpoch(head.epoch);
    // Nothing is saved in the middle of the start.
    this.#savedAtMs = clock.now();
    const stored = await contact.journal.loadSnapshot();
    if (stored === null) return;
    const roster = usableRoster(stored, { epoch: head.epoch, cluster: folded.roster.cluster });
    if (typeof roster === 'string') {
      const { revision } = stored;
      log.warn({ revision, reason: roster }, `the snapshot at revision ${revision} is passed over: ${roster}`);
      return;
    }
    folded.adopt(roster);
    feed.adopt({ revision: stored.revision, text: stored.data });
    this.#savedRevision = stored.revision;
  }

  /** Saves one when enough has happened since the last. */
  saveWhenDue(): void {
    const { folded, clock } = this.#ports;
    if (this.#isSaving || folded.roster.revision - this.#savedRevision < SNAPSHOT_EVENTS) return;
    if (clock.now() - this.#savedAtMs < SNAPSHOT_INTERVAL_MIN_MS) return;
    void this.save();
  }

  /** Saves one now, unless there is one of this revision. Resolves whatever becomes of it. */
  async save(): Promise<void> {
    const { contact, folded, feed, clock, log } = this.#ports;
    const { roster } = folded;
    if (roster.revision === this.#savedRevision || contact.epoch === null || contact.replacedBy !== null) return;
    this.#isSaving = true;
    this.#savedAtMs = clock.now();
    const { revision } = roster;
    try {
      const data = await encodeInTurns(roster);
      feed.remember({ revision, text: data });
      await contact.journal.saveSnapshot({ epoch: contact.epoch, revision, hash: rosterHash(roster), data });
      this.#savedRevision = revision;
    } catch (error) {
      log.warn({ revision, reason: messageOf(error) }, `the snapshot at revision ${revision} could not be saved`);
    } finally {
      this.#isSaving = false;
    }
  }
}

/** The roster is immutable, so it may be encoded over many turns while newer ones are made. */
async function encodeInTurns(roster: Roster): Promise<string> {
  const parts: string[] = [];
  for (const part of snapshotParts(roster)) {
    parts.push(part);
    await setImmediate();
  }
  return parts.join('');
}

/** The roster in a stored snapshot, or why it cannot be used. */
function usableRoster(stored: StoredSnapshot, { epoch, cluster }: { epoch: string; cluster: string }): Roster | string {
  if (stored.epoch !== epoch) return `it is of another history, ${stored.epoch}`;
  const decoded = decodeSnapshot(stored.data);
  if (decoded.outcome !== 'decoded') return decoded.message;
  const { roster } = decoded;
  if (roster.cluster !== cluster) return `it is of cluster "${roster.cluster}"`;
  if (roster.revision !== stored.revision) return `its content is of revision ${roster.revision}`;
  return roster;
}
