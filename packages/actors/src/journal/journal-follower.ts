/**
 * The follower: reads the journal from where the node is, for ever, and hands every batch on.
 *
 *     following the served roster ──what comes next was removed, or somebody asked──► rebuilding ──► following again
 *        │  ▲
 *        │  └──────── it is the served history again ────────┐
 *        └──────────── another history ─────────────► reading that one, until it may be adopted
 *
 * Each batch is at most `FOLLOW_BATCH_EVENTS` events, about 5 ms of folding, and the event loop has a turn after each. A
 * follower of the journal that breaks is made anew after 100 ms to 5 s. A roster that is to take the place of the served one
 * is built beside it (`RosterBuilder`), and traffic is served from the old one until the turn of the swap.
 *
 * One loop does one of these things at a time, so no two of them ever change the roster at once. `#turn` cuts short what it
 * is doing, and it looks again at what there is to do.
 */
import { setImmediate } from 'node:timers/promises';
import { encodeInTurns, FOLLOW_BATCH_EVENTS, JournalError } from '@muster/journal';
import { messageOf, type RecordedEvent } from '@muster/membership';
import { backoffMs, RETRY_BACKOFF } from '../backoff.ts';
import type { FoldedRoster } from '../folded-roster.ts';
import type { Adoption, NodeHandle, NodeStatus } from '../node-handle.ts';
import { pause } from '../pause.ts';
import type { RosterBuilder } from './roster-builder.ts';
import { RosterRebuild } from './roster-rebuild.ts';
import { Succession, type AdoptOutcome, type SuccessionPorts, type Wish } from './other-history.ts';

export interface FollowerPorts extends SuccessionPorts {
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

export class JournalFollower {
  readonly succession: Succession;
  readonly #ports: FollowerPorts;
  #turn = new AbortController();
  #isRunning = false;
  #failuresInARow = 0;
  #rebuild: RosterRebuild | null = null;
  #rebuilds: NodeStatus['rebuilds'] = { count: 0, lastReason: null };

  constructor(ports: FollowerPorts) {
    this.#ports = ports;
    this.succession = new Succession(ports);
  }

  get rebuilds(): NodeStatus['rebuilds'] {
    return this.#rebuilds;
  }

  /** Starts following. Returns the function that ends it; nothing is handed on after that. */
  start(): () => void {
    this.#isRunning = true;
    void this.#run();
    return () => this.#stop();
  }

  /**
   * Builds the roster anew from the journal, beside the served one, and swaps them. Does nothing while one is being built,
   * or while the journal is another history. `atOrBefore`: the newest revision that a snapshot to begin with may have;
   * default: the newest there is.
   */
  rebuild(reason: string, { atOrBefore }: { readonly atOrBefore?: number } = {}): void {
    if (this.#rebuild !== null || !this.#isRunning || this.#ports.contact.replacement !== null) return;
    void this.#prepareRebuild(reason, atOrBefore);
  }

  /** As `NodeHandle.adoptEpoch` and `NodeHandle.restoreHistory`. */
  async adopt(wish: Wish): Promise<AdoptOutcome> {
    const { contact, folded } = this.#ports;
    if (!this.#isRunning) return { outcome: 'refused', message: 'the node does not follow its journal now' };
    try {
      await contact.journal.renew();
      const { epoch, revision } = await contact.journal.head();
      const isServed = epoch === contact.epoch && revision >= folded.roster.revision && contact.replacement === null;
      if (isServed) return { outcome: 'refused', message: servedAlready(epoch) };
    } catch (error) {
      return { outcome: 'unavailable', message: messageOf(error) };
    }
    if (!this.#isRunning) return { outcome: 'refused', message: 'the node stops' };
    this.#turn.abort();
    return this.succession.wish(wish);
  }

  /** As `NodeHandle.missingHistory`. */
  async missing(): ReturnType<NodeHandle['missingHistory']> {
    const { contact } = this.#ports;
    const { replacement } = contact;
    if (replacement !== null) {
      if (this.succession.isRead)
        return { outcome: 'shown', epoch: replacement.epoch, steps: this.succession.missing() };
      return {
        outcome: 'unavailable',
        message: 'the other history has not been read to its end; try again in a moment',
      };
    }
    try {
      const { epoch } = await contact.journal.head();
      return { outcome: 'refused', message: servedAlready(epoch) };
    } catch (error) {
      const isGone = error instanceof JournalError && error.code === 'gone';
      if (isGone) return { outcome: 'shown', epoch: null, steps: this.succession.missing() };
      return { outcome: 'unavailable', message: messageOf(error) };
    }
  }

  #stop(): void {
    this.#isRunning = false;
    this.#turn.abort();
    this.#rebuild?.abandon();
    this.succession.end({ outcome: 'refused', message: 'the node stops' });
  }

  async #run(): Promise<void> {
    while (this.#isRunning) {
      this.#turn = new AbortController();
      try {
        await this.#follow(this.#turn.signal);
      } catch (error) {
        if (this.#isRunning) await this.#recover(error);
      }
    }
  }

  #follow(signal: AbortSignal): Promise<void> {
    if (this.#ports.contact.replacement !== null) return this.#readSuccessor(signal);
    if (this.#rebuild?.isCaughtUp) return this.#finishRebuild(this.#rebuild, signal);
    return this.#followServed(signal);
  }

  async #recover(error: unknown): Promise<void> {
    const { contact, clock, random } = this.#ports;
    const reason = messageOf(error);
    if (error instanceof JournalError && error.code === 'compacted') {
      if (contact.replacement === null)
        return this.#prepareRebuild(`what this node has to read next is gone: ${reason}`);
      this.succession.startOver();
    }
    this.#unreadable(reason, error);
    await pause(clock, backoffMs(this.#failuresInARow++, RETRY_BACKOFF, random), this.#turn.signal);
  }

  async #followServed(signal: AbortSignal): Promise<void> {
    const { contact, folded, onEvents, onCaughtUp } = this.#ports;
    const { revision: afterRevision } = folded.roster;
    let isHeadKnown = false;
    for await (const item of contact.journal.follow({ afterRevision, epoch: contact.epoch!, signal })) {
      if (signal.aborted) return;
      switch (item.kind) {
        case 'events':
          this.#answered();
          if (!isHeadKnown && item.events.length === FOLLOW_BATCH_EVENTS) void this.#hearOfHead();
          isHeadKnown = true;
          onEvents(item.events);
          await setImmediate();
          break;
        case 'caught-up':
          this.#failuresInARow = 0;
          contact.wasRead();
          isHeadKnown = true;
          folded.heardOf(item.revision);
          this.succession.answer({ outcome: 'refused', message: servedAlready(contact.epoch!) });
          onCaughtUp();
          break;
        case 'away':
          isHeadKnown = false;
          this.#unreadable(item.reason);
          break;
        case 'epoch-changed':
          this.#abandonRebuild();
          return contact.replaced(item.epoch);
      }
    }
    if (!signal.aborted) throw new Error('the journal ended its follower without a reason');
  }

  /** For the lag in the status, where there is much to read. */
  async #hearOfHead(): Promise<void> {
    const { contact, folded, log } = this.#ports;
    try {
      const { epoch, revision } = await contact.journal.head();
      if (epoch === contact.epoch && contact.replacement === null) folded.heardOf(revision);
    } catch (error) {
      log.warn({ err: error }, `how far the journal has come is not known: ${messageOf(error)}`);
    }
  }

  /** Reads the other history until it may be adopted, or is gone too. */
  async #readSuccessor(signal: AbortSignal): Promise<void> {
    const { contact, log } = this.#ports;
    const builder = this.succession.builder(contact.replacement!.epoch);
    for await (const step of builder.steps(signal)) {
      if (step.kind === 'replaced') return this.#successorReplaced(step.epoch);
      if (step.kind === 'away') this.#unreadable(step.reason);
      else this.#answered();
      if (!this.succession.mayAdopt(builder)) continue;
      const prepared = this.succession.prepare(builder, () => this.#turn.abort());
      if (prepared === null) continue;
      if (prepared === 'prepared') return this.#adoptSuccessor(builder);
      log.error({ epoch: builder.epoch }, `history ${builder.epoch} is not adopted: ${prepared.failure}`);
      this.succession.prepareFailed(prepared.failure);
    }
  }

  async #adoptSuccessor(builder: RosterBuilder): Promise<void> {
    const { contact, log, clock, onAdopted } = this.#ports;
    const { epoch: from } = contact;
    const by = this.succession.wishedBy;
    if (!(await this.#swap(builder, { isOtherHistory: true }))) return;
    const { epoch } = builder;
    const { revision, pools } = builder.folded.roster;
    const what = `history ${epoch} is adopted at revision ${revision}, with ${pools.size} pool(s)`;
    log.warn(
      { epoch, revision, from, by },
      `${what}, ${by === null ? 'since it holds all that was served' : `by ${by}`}`,
    );
    onAdopted({ from: from!, to: epoch, revision, atMs: clock.now(), by });
    this.succession.end({ outcome: 'adopted', epoch, revision });
  }

  #successorReplaced(epoch: string): void {
    const { contact } = this.#ports;
    this.succession.startOver();
    if (epoch !== contact.epoch || contact.replacement?.epoch === epoch) return contact.replaced(epoch);
    contact.returned();
    this.succession.end({ outcome: 'refused', message: servedAlready(epoch) });
  }

  /** Resolves when the new roster has come to the journal's end, or was abandoned. */
  async #prepareRebuild(reason: string, atOrBefore?: number): Promise<void> {
    const { contact, log } = this.#ports;
    this.#abandonRebuild();
    log.error({ reason }, `the roster is built anew beside the one that is served: ${reason}`);
    const limit = atOrBefore === undefined ? {} : { atOrBefore };
    const onStuck = (why: string, err: unknown) => this.#unreadable(`${why}; ${STUCK_REMEDY}`, err);
    const options = { ...this.#ports, ...limit, journal: contact.journal, epoch: contact.epoch!, reason, onStuck };
    const rebuild = new RosterRebuild(options);
    this.#rebuild = rebuild;
    await rebuild.prepare();
    if (!rebuild.isCaughtUp && this.#rebuild === rebuild) this.#rebuild = null;
    this.#turn.abort();
  }

  /** With the served roster standing still, goes on to at least where that one is: a revision never goes back [I2]. */
  async #finishRebuild({ builder, reason }: RosterRebuild, signal: AbortSignal): Promise<void> {
    const { folded } = this.#ports;
    for await (const step of builder.steps(signal)) {
      if (step.kind === 'replaced') return this.#abandonRebuild();
      if (step.kind === 'away') this.#unreadable(step.reason);
      else this.#answered();
      if (builder.folded.roster.revision < folded.roster.revision) continue;
      if (!(await this.#swap(builder, { isOtherHistory: false }))) return;
      this.#rebuild = null;
      this.#rebuilds = { count: this.#rebuilds.count + 1, lastReason: reason };
      return;
    }
  }

  #abandonRebuild(): void {
    this.#rebuild?.abandon();
    this.#rebuild = null;
  }

  /** False where the node was stopped meanwhile. */
  async #swap(
    { epoch, folded: built }: RosterBuilder,
    { isOtherHistory }: { isOtherHistory: boolean },
  ): Promise<boolean> {
    const text = await encodeInTurns(built.roster);
    if (this.#isRunning) this.#ports.swapRoster({ epoch, built, text, isOtherHistory });
    return this.#isRunning;
  }

  #answered(): void {
    this.#failuresInARow = 0;
    this.#ports.contact.answered();
  }

  #unreadable(reason: string, error?: unknown): void {
    this.#ports.contact.unreadable(reason, error);
    this.succession.answer({ outcome: 'unavailable', message: reason });
  }
}

/** For whom the log begins too late, and no snapshot reaches to where it does. */
const STUCK_REMEDY =
  'on a node that is up to date: muster snapshot; where there is none, muster restore-history on one that serves, once the stream is deleted';

function servedAlready(epoch: string): string {
  return `this node serves the journal's history already: ${epoch}`;
}
