/**
 * A node's way to its journal while it follows it: starts and ends the follower (`follower-machine.ts`), and takes the wishes of
 * persons and of the node's other parts to it.
 */
import { createActor, type Actor } from 'xstate';
import { JournalError } from '@muster/journal';
import { messageOf } from '@muster/membership';
import type { NodeHandle } from '../node-handle.ts';
import type { EpochChange, NodeStatus } from '../node-status.ts';
import { followerMachine } from './follower-machine.ts';
import type { HistoryWriter } from './handover.ts';
import { JournalReading, servedAlready, type FollowerPorts, type RebuildRequest } from './journal-reading.ts';
import { OtherHistory, type AdoptOutcome, type Wish } from './other-history.ts';

export class JournalFollower {
  readonly #ports: FollowerPorts;
  readonly #other: OtherHistory;
  /** Null while the node does not follow its journal. */
  #actor: Actor<typeof followerMachine> | null = null;
  #rebuilds: NodeStatus['rebuilds'] = { count: 0, lastReason: null };

  constructor(ports: FollowerPorts) {
    this.#ports = ports;
    this.#other = new OtherHistory(ports);
  }

  get rebuilds(): NodeStatus['rebuilds'] {
    return this.#actor?.getSnapshot().context.rebuilds ?? this.#rebuilds;
  }

  /** What the status says of another history; null while the journal is the served one. */
  get change(): EpochChange | null {
    return this.#other.change;
  }

  /** Starts following. Returns the function that ends it; nothing is handed on after that. */
  start(): () => void {
    const lookAgain = (): void => this.#actor?.send({ type: 'look-again' });
    const input = new JournalReading(this.#ports, this.#other, lookAgain);
    const actor = createActor(followerMachine, { clock: this.#ports.clock, input });
    this.#actor = actor;
    actor.start();
    return () => {
      this.#rebuilds = this.rebuilds;
      this.#actor = null;
      actor.stop();
      this.#other.end({ outcome: 'refused', message: 'the node stops' });
    };
  }

  /** Has the roster built anew and swapped for the served one, unless one is being built or the journal is another history. */
  rebuild(reason: string, limit: Pick<RebuildRequest, 'atOrBefore'> = {}): void {
    this.#actor?.send({ type: 'rebuild', request: { reason, ...limit } });
  }

  /** What `NodeHandle.adoptEpoch` and `NodeHandle.restoreHistory` promise. */
  async adopt(wish: Wish): Promise<AdoptOutcome> {
    const { contact, folded } = this.#ports;
    if (this.#actor === null) return { outcome: 'refused', message: 'the node does not follow its journal now' };
    try {
      await contact.journal.renew();
      const { epoch, revision } = await contact.journal.head();
      const isServed = epoch === contact.epoch && revision >= folded.roster.revision && contact.replacement === null;
      if (isServed) return { outcome: 'refused', message: servedAlready(epoch) };
    } catch (error) {
      return { outcome: 'unavailable', message: messageOf(error) };
    }
    if (this.#actor === null) return { outcome: 'refused', message: 'the node stops' };
    const outcome = this.#other.wish(wish);
    this.#actor.send({ type: 'look-again' });
    return outcome;
  }

  /** What `NodeHandle.missingHistory` promises. */
  async missing(): ReturnType<NodeHandle['missingHistory']> {
    const { contact } = this.#ports;
    const { replacement } = contact;
    if (replacement !== null) {
      if (this.#other.isRead) return { outcome: 'shown', epoch: replacement.epoch, steps: this.#other.missing() };
      const message = 'the other history has not been read to its end; try again in a moment';
      return { outcome: 'unavailable', message };
    }
    try {
      const { epoch } = await contact.journal.head();
      return { outcome: 'refused', message: servedAlready(epoch) };
    } catch (error) {
      const isGone = error instanceof JournalError && error.code === 'gone';
      if (isGone) return { outcome: 'shown', epoch: null, steps: this.#other.missing() };
      return { outcome: 'unavailable', message: messageOf(error) };
    }
  }

  /** What `NodeHandle.onAdopting` promises. */
  onAdopting(write: HistoryWriter): () => void {
    const { writers } = this.#other;
    writers.add(write);
    return () => writers.delete(write);
  }
}
