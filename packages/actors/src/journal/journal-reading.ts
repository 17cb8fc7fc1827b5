/**
 * What the follower's states do (`follower-machine.ts`): reading the journal's histories, and handing on what is read.
 *
 * Each batch is at most `FOLLOW_BATCH_EVENTS` events, about 5 ms of folding, and the event loop has a turn after each. What is read of
 * another history, or once more, is folded beside the served roster (`RosterBuilder`); traffic is served from the old one until the
 * turn of the swap.
 */
import { setImmediate } from 'node:timers/promises';
import { encodeInTurns, FOLLOW_BATCH_EVENTS, JournalError } from '@muster/journal';
import { messageOf, type RecordedEvent } from '@muster/membership';
import type { FoldedRoster } from '../folded-roster.ts';
import type { Adoption } from '../node-status.ts';
import type { OtherHistory, OtherHistoryPorts } from './other-history.ts';
import { builtToTheEnd, type RosterBuilder } from './roster-builder.ts';

/** What a state's reading comes to. Nothing is read any more after any of these but `answered`. */
export type ReadingEvent =
  /** The journal is being read, for the first time since the reading began. */
  | { readonly type: 'answered' }
  | { readonly type: 'failed'; readonly error: unknown }
  /** What comes next in the log was removed: it can only be had from a snapshot. */
  | { readonly type: 'cut'; readonly error: JournalError; readonly request: RebuildRequest }
  /** The journal is another history than the one that was read. */
  | { readonly type: 'replaced'; readonly epoch: string }
  /** The other history is the served one. */
  | { readonly type: 'adopted' }
  /** The roster that was built anew is served, or is of a history that is gone. */
  | { readonly type: 'swapped' }
  | { readonly type: 'gone' };

type Send = (event: ReadingEvent) => void;

export interface RebuildRequest {
  /** For people: why the served roster is not good enough. */
  readonly reason: string;
  /** The newest revision that a snapshot to begin with may have. Default: the newest there is. */
  readonly atOrBefore?: number;
}

export interface FollowerPorts extends OtherHistoryPorts {
  readonly random: () => number;
  readonly onEvents: (events: readonly RecordedEvent[]) => void;
  /** Everything the journal had has been handed on; again after an outage and after a swap. */
  readonly onCaughtUp: () => void;
  /** Puts a roster that was built anew in the place of the served one, in this turn. */
  readonly swapRoster: (swap: RosterSwap) => void;
  /** Another history was adopted. */
  readonly onAdopted: (adoption: Adoption) => void;
}

export interface RosterSwap {
  readonly epoch: string;
  readonly built: FoldedRoster;
  /** The new roster as text. */
  readonly text: string;
  /** False: the same history, read again. */
  readonly isOtherHistory: boolean;
}

/** For whom the log begins too late, and no snapshot reaches to where it does. */
const STUCK_REMEDY =
  'on a node that is up to date: muster snapshot; where there is none, muster restore-history on one that serves, once the stream is deleted';

export class JournalReading {
  readonly ports: FollowerPorts;
  readonly other: OtherHistory;
  /** Has the follower look again at what there is to do. */
  readonly #lookAgain: () => void;

  constructor(ports: FollowerPorts, other: OtherHistory, lookAgain: () => void) {
    this.ports = ports;
    this.other = other;
    this.#lookAgain = lookAgain;
  }

  /** How a reading that threw ended. */
  brokenOff(error: unknown): ReadingEvent {
    if (!(error instanceof JournalError) || error.code !== 'compacted') return { type: 'failed', error };
    return { type: 'cut', error, request: { reason: `what this node has to read next is gone: ${error.message}` } };
  }

  unreadable(reason: string, error?: unknown): void {
    this.ports.contact.unreadable(reason, error);
    this.other.answer({ outcome: 'unavailable', message: reason });
  }

  /** Reads the served history for ever. Throws `JournalError`. */
  async readServed(send: Send, signal: AbortSignal): Promise<void> {
    const { contact, folded, onEvents, onCaughtUp } = this.ports;
    const { revision: afterRevision } = folded.roster;
    let isHeadKnown = false;
    for await (const item of contact.journal.follow({ afterRevision, epoch: contact.epoch!, signal })) {
      if (signal.aborted) return;
      switch (item.kind) {
        case 'events':
          this.#answered(send);
          if (!isHeadKnown && item.events.length === FOLLOW_BATCH_EVENTS) void this.#hearOfHead();
          isHeadKnown = true;
          onEvents(item.events);
          await setImmediate();
          break;
        case 'caught-up':
          send({ type: 'answered' });
          contact.wasRead();
          isHeadKnown = true;
          folded.heardOf(item.revision);
          this.other.answer({ outcome: 'refused', message: servedAlready(contact.epoch!) });
          onCaughtUp();
          break;
        case 'away':
          isHeadKnown = false;
          this.unreadable(item.reason);
          break;
        case 'epoch-changed':
          return send({ type: 'replaced', epoch: item.epoch });
      }
    }
    if (!signal.aborted) throw new Error('the journal ended its follower without a reason');
  }

  /** Reads the other history until it is adopted, or is gone too. Throws `JournalError`. */
  async readOther(send: Send, signal: AbortSignal): Promise<void> {
    const { contact, log } = this.ports;
    const builder = this.other.builder(contact.replacement!.epoch);
    for await (const step of builder.steps(signal)) {
      if (step.kind === 'replaced') return send({ type: 'replaced', epoch: step.epoch });
      if (step.kind === 'away') this.unreadable(step.reason);
      else this.#answered(send);
      if (!this.other.mayAdopt(builder)) continue;
      const handover = this.other.handOver(builder, this.#lookAgain);
      if (handover === null) continue;
      if (handover === 'written') return this.#adopt(builder, send, signal);
      log.error({ epoch: builder.epoch }, `history ${builder.epoch} is not adopted: ${handover.failure}`);
      this.other.handoverFailed(handover.failure);
    }
  }

  /**
   * Serves a roster that was built anew. With the served one standing still, that goes on to at least where this one is: a revision never
   * goes back [I2]. Throws `JournalError`.
   */
  async replaceServed(builder: RosterBuilder, send: Send, signal: AbortSignal): Promise<void> {
    const { folded } = this.ports;
    for await (const step of builder.steps(signal)) {
      if (step.kind === 'replaced') return send({ type: 'gone' });
      if (step.kind === 'away') this.unreadable(step.reason);
      else this.#answered(send);
      if (builder.folded.roster.revision < folded.roster.revision) continue;
      if (await this.#swap(builder, { isOtherHistory: false, signal })) send({ type: 'swapped' });
      return;
    }
  }

  /** Builds the served history's roster anew; null when that history is gone, or the signal says so. */
  rebuild({ atOrBefore }: RebuildRequest, signal: AbortSignal): Promise<RosterBuilder | null> {
    const { contact, folded, cluster, clock, random, log } = this.ports;
    const options = {
      journal: contact.journal,
      node: folded.node,
      cluster,
      clock,
      log,
      random,
      epoch: contact.epoch!,
      ...(atOrBefore !== undefined && { atOrBefore }),
      onStuck: (why: string, error: unknown) => this.unreadable(`${why}; ${STUCK_REMEDY}`, error),
    };
    return builtToTheEnd(options, signal);
  }

  #answered(send: Send): void {
    this.ports.contact.answered();
    send({ type: 'answered' });
  }

  /** For the lag in the status, where there is much to read. */
  async #hearOfHead(): Promise<void> {
    const { contact, folded, log } = this.ports;
    try {
      const { epoch, revision } = await contact.journal.head();
      if (epoch === contact.epoch && contact.replacement === null) folded.heardOf(revision);
    } catch (error) {
      log.warn({ err: error }, `how far the journal has come is not known: ${messageOf(error)}`);
    }
  }

  async #adopt(builder: RosterBuilder, send: Send, signal: AbortSignal): Promise<void> {
    const { contact, log, clock, onAdopted } = this.ports;
    const { epoch: from } = contact;
    const by = this.other.wishedBy;
    if (!(await this.#swap(builder, { isOtherHistory: true, signal }))) return;
    const { epoch } = builder;
    const { revision, pools } = builder.folded.roster;
    const what = `history ${epoch} is adopted at revision ${revision}, with ${pools.size} pool(s)`;
    const why = by === null ? 'since it holds all that was served' : `by ${by}`;
    log.warn({ epoch, revision, from, by }, `${what}, ${why}`);
    onAdopted({ from: from!, to: epoch, revision, atMs: clock.now(), by });
    this.other.end({ outcome: 'adopted', epoch, revision });
    send({ type: 'adopted' });
  }

  /** False where the reading was ended meanwhile. */
  async #swap(
    { epoch, folded: built }: RosterBuilder,
    { isOtherHistory, signal }: { readonly isOtherHistory: boolean; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const text = await encodeInTurns(built.roster);
    if (signal.aborted) return false;
    this.ports.swapRoster({ epoch, built, text, isOtherHistory });
    return true;
  }
}

export function servedAlready(epoch: string): string {
  return `this node serves the journal's history already: ${epoch}`;
}
