/**
 * The one place where what the node serves changes: by a batch of events, or by a roster that was built anew.
 *
 * Both pass everybody who has to know in one turn of the event loop, in an order that leaves no gap: the fold first, then this
 * node's own facts, then the workers, then whoever asked to be told, and at last those who wait for a revision. Only the
 * reconciler takes more turns.
 */
import { messageOf, type RecordedEvent } from '@muster/membership';
import type { FactWriter } from './fact-writer.ts';
import type { FoldedBatch, FoldedRoster } from '../folded-roster.ts';
import type { JournalContact } from './journal-contact.ts';
import type { RosterSwap } from './journal-reading.ts';
import type { RosterListener } from '../node-handle.ts';
import type { Observer } from '../observer.ts';
import type { Logger } from '../ports.ts';
import type { SnapshotKeeper } from './snapshot-keeper.ts';
import type { WorkerFeed } from '../workers/worker-feed.ts';

export interface ServedRosterPorts {
  readonly contact: JournalContact;
  readonly folded: FoldedRoster;
  readonly facts: FactWriter;
  readonly feed: WorkerFeed;
  readonly snapshots: SnapshotKeeper;
  readonly observer: Observer;
  readonly log: Logger;
  /** Makes the actors what the roster says. */
  readonly reconcile: () => void;
}

export class ServedRoster {
  readonly #ports: ServedRosterPorts;
  readonly #rosterListeners = new Set<RosterListener>();
  readonly #adoptionListeners = new Set<() => void>();

  constructor(ports: ServedRosterPorts) {
    this.#ports = ports;
  }

  /** Calls back as `NodeHandle.onRosterChanged` says. */
  onChanged(listener: RosterListener): () => void {
    this.#rosterListeners.add(listener);
    return () => this.#rosterListeners.delete(listener);
  }

  /** Calls back as `NodeHandle.onEpochAdopted` says. */
  onEpochAdopted(listener: () => void): () => void {
    this.#adoptionListeners.add(listener);
    return () => this.#adoptionListeners.delete(listener);
  }

  apply(events: readonly RecordedEvent[]): void {
    const { folded, facts, feed, observer } = this.#ports;
    const batch = folded.apply(events);
    const settled = facts.settleRecorded(events);
    feed.onBatch(events, settled);
    observer.hashes(events);
    this.#tell(batch);
  }

  /** From the next turn on the node serves another roster; what is in both is not touched. */
  swap({ epoch, built, text, isOtherHistory }: RosterSwap): void {
    const { contact, folded, facts, feed, snapshots } = this.#ports;
    const before = folded.roster;
    folded.replace(built, { isOtherHistory });
    if (isOtherHistory) {
      contact.adopted(epoch);
      snapshots.startOver();
    }
    feed.restart({ revision: folded.roster.revision, text }, { isOtherHistory });
    facts.judgeAnew(before);
    contact.wasRead();
    this.#tell({ before, after: folded.roster, events: [], rejections: [] });
    if (isOtherHistory) for (const listener of this.#adoptionListeners) this.#call(listener);
  }

  #tell(batch: FoldedBatch): void {
    const { folded, feed, snapshots, reconcile } = this.#ports;
    if (feed.isOpen) reconcile();
    for (const listener of this.#rosterListeners) this.#call(() => listener(batch.before, batch.after, batch));
    folded.wakeWaiters();
    if (feed.isOpen) snapshots.onRosterChanged();
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#ports.log.error({ err: error }, `a listener of the roster failed: ${messageOf(error)}`);
    }
  }
}
