/**
 * `startNode`: puts the parts of a node together and is their one owner.
 *
 *     journal ─► follower ─► served roster ─┬─► worker feed ─► workers
 *      ▲ ▲ ▲                                ├─► reconciler ─► pools ─► backends ─► probers ─┐
 *      │ │ └───────── fact writer ◄─────────┼─── flips ◄────────────────────────────────────┘
 *      │ └─────────── own record            ├─► snapshots: in the journal, on this machine
 *      └─ leases ──── live exchange ◄───────┼─── other nodes, members
 *                                           └─► whoever asked to be told
 *
 * What a change of the roster passes, and in which order, is in `served-roster.ts`; what becomes of the node when, in
 * `node-machine.ts`.
 */
import { createActor, type Actor } from 'xstate';
import {
  backoffMs,
  RETRY_BACKOFF,
  messageOf,
  type Command,
  type PendingFacts,
  type Rejection,
  type Roster,
  type LiveWire,
} from '@muster/membership';
import type { Head, Journal } from '@muster/journal';
import { inTime } from './clock.ts';
import { CommandExecutor } from './journal/command-executor.ts';
import { FactWriter } from './journal/fact-writer.ts';
import { FoldedRoster } from './folded-roster.ts';
import { InspectionHub } from './inspection/inspection-hub.ts';
import type { InspectionLine, InspectionQuery } from './inspection/inspection-line.ts';
import { JournalContact } from './journal/journal-contact.ts';
import { JournalFollower } from './journal/journal-follower.ts';
import type { RosterSwap } from './journal/journal-reading.ts';
import { JournalPulse } from './journal/journal-pulse.ts';
import { LiveExchange } from './peers/live-exchange.ts';
import { Readiness } from './readiness.ts';
import { NameClaim } from './peers/name-claim.ts';
import { NodeActors } from './node-actors.ts';
import type { CommandOutcome, NodeHandle, NodeOptions, RosterListener } from './node-handle.ts';
import type { NodeStatus } from './node-status.ts';
import { nodeMachine, nodeState, type NodeDuties, type Stopping } from './node-machine.ts';
import { nodeStatus } from './read-status.ts';
import { OwnRecord } from './journal/own-record.ts';
import { Observer } from './observer.ts';
import { ServedRoster } from './journal/served-roster.ts';
import { LocalSnapshotKeeper, SnapshotKeeper } from './journal/snapshot-keeper.ts';
import { StartingPoint } from './journal/starting-point.ts';
import { LastAdoption, type Wish } from './journal/other-history.ts';
import { WorkerFeed } from './workers/worker-feed.ts';

const DRAIN_TIMEOUT_MS = 30_000;
const NODE_LEASE_MS = 10_000;
/** How long a command waits until it is known whether the node's name is this process's; listening for it takes 2.2 s at most. */
const NAME_WAIT_MS = 4_000;
/** At the stop: how long facts, `NodeStopped` and the snapshots may take each. They are then left unsaid. */
const FLUSH_TIMEOUT_MS = 2_000;

/** Starts a node; it is working when `ready()` resolves. Never throws for what the world does. */
export function startNode(options: NodeOptions): NodeHandle {
  return new Node(options);
}

class Node implements NodeHandle {
  readonly journal: Journal;
  readonly #options: NodeOptions;
  readonly #random: () => number;
  readonly #startedMs: number;
  readonly #contact: JournalContact;
  /** Null for a node that has no wire: its journal is its own, and no copy of it can be cut off. */
  readonly #pulse: JournalPulse | null;
  readonly #folded: FoldedRoster;
  readonly #observer: Observer;
  readonly #feed: WorkerFeed;
  readonly #facts: FactWriter;
  readonly #snapshots: SnapshotKeeper;
  readonly #start: StartingPoint;
  readonly #served: ServedRoster;
  readonly #follower: JournalFollower;
  readonly #name: NameClaim;
  /** Null for a node that has no wire. */
  readonly #exchange: LiveExchange | null;
  readonly #commands: CommandExecutor;
  readonly #adoption: LastAdoption;
  readonly #hub: InspectionHub;
  readonly #actors: NodeActors;
  readonly #machine: Actor<typeof nodeMachine>;
  readonly #readiness: Readiness;
  #loadFailuresCount = 0;
  #isFromLocalSnapshot = false;
  #hasCaughtUp = false;

  constructor(options: NodeOptions) {
    const {
      journal,
      node,
      cluster,
      workers,
      clock,
      log,
      random = Math.random,
      localSnapshot = null,
      live = null,
    } = options;
    this.#options = options;
    this.journal = journal;
    this.#random = random;
    this.#startedMs = clock.now();
    const contact = (this.#contact = new JournalContact(journal, { clock, log }));
    const folded = (this.#folded = new FoldedRoster({ node, cluster, clock }));
    const onHead = (head: Head): void => this.#onHead(head);
    const pulse = (this.#pulse = live && new JournalPulse({ journal, live, clock, random, log, onHead }));
    const { observations = null, adoptionStore = null } = options;
    const observer = (this.#observer = new Observer({ observations, node, contact, folded, clock }));
    const feed = (this.#feed = new WorkerFeed({ folded, clock, log }));
    const onChanged = feed.onFactsChanged.bind(feed);
    const facts = (this.#facts = new FactWriter({ contact, folded, clock, random, log, onChanged }));
    const local = localSnapshot && new LocalSnapshotKeeper({ localSnapshot, contact, folded, clock, log });
    const isInDoubt = (): boolean => this.#exchange?.isInDoubt ?? false;
    const snapshots = new SnapshotKeeper({ contact, folded, feed, local, isInDoubt, clock, random, log });
    this.#snapshots = snapshots;
    this.#start = new StartingPoint({ contact, folded, feed, snapshots, localSnapshot, local, clock, log });
    this.#commands = new CommandExecutor({ folded, contact, pulse, clock, refusal: () => this.#commandRefusal() });
    this.#adoption = new LastAdoption({ adoptionStore, log });
    const leaseMs = live && (options.nodeLeaseMs ?? NODE_LEASE_MS);
    const ownRecord = new OwnRecord({ contact, folded, clock, random, log, workers, leaseMs });
    const onHeld = (): void => this.#readiness.nameHeld.resolve();
    this.#name = new NameClaim({ contact, folded, ownRecord, clock, log, isShared: live !== null, onHeld });
    const hub = (this.#hub = new InspectionHub(clock));
    const { startProbe, openSocket, spawnWorker } = options;
    const world = { clock, random, log, startProbe, openSocket, spawnWorker };
    const actors = (this.#actors = new NodeActors({ ...world, hub, folded, feed, facts, observer }));
    this.#readiness = new Readiness({ workers, folded, feed, actors });
    const reconcile = (): void => void actors.reconcile();
    this.#served = new ServedRoster({ contact, folded, facts, feed, snapshots, observer, log, reconcile });
    this.#follower = this.#makeFollower();
    this.#exchange = live && pulse && this.#makeExchange(live, pulse);
    this.#machine = createActor(nodeMachine, { clock, input: this.#duties() });
    this.#machine.subscribe({
      complete: () => this.#readiness.hasStopped(),
      error: (error) => {
        this.#actors.noteDefect(error);
        // The root has no supervisor but the process, which ends by it: a node that follows nothing any more must not go on.
        queueMicrotask(() => {
          throw error;
        });
      },
    });
    hub.add({ kind: 'node', inspected: () => [[node, this.#machine]] });
    actors.startWorkers(workers);
    this.#machine.start();
  }

  get #isStopping(): boolean {
    const state = nodeState(this.#machine.getSnapshot());
    return state === 'stopping' || state === 'stopped';
  }

  roster(): Roster {
    return this.#folded.roster;
  }

  pending(): PendingFacts {
    return this.#folded.pending;
  }

  status(): NodeStatus {
    return nodeStatus({
      options: this.#options,
      state: nodeState(this.#machine.getSnapshot()),
      startedMs: this.#startedMs,
      contact: this.#contact,
      pulse: this.#pulse,
      folded: this.#folded,
      follower: this.#follower,
      isFromLocalSnapshot: this.#isFromLocalSnapshot,
      adoption: this.#adoption.newest,
      feed: this.#feed,
      probes: this.#actors.probes.totals(),
      actors: this.#actors,
      exchange: this.#exchange,
      name: this.#name,
    });
  }

  appendRefusal(): string | null {
    return this.#contact.appendRefusal();
  }

  execute(command: Command, origin: string): Promise<CommandOutcome> {
    return this.#commands.execute(command, origin);
  }

  onRosterChanged(listener: RosterListener): () => void {
    return this.#served.onChanged(listener);
  }

  rejectionAt(revision: number): Rejection | null {
    return this.#folded.rejectionAt(revision);
  }

  inspect(query: InspectionQuery, signal: AbortSignal): AsyncGenerator<readonly InspectionLine[], void> {
    return this.#hub.follow(query, signal);
  }

  adoptEpoch(by = 'somebody'): ReturnType<NodeHandle['adoptEpoch']> {
    return this.#adopt({ by, isRestoring: false });
  }

  restoreHistory(by: string): ReturnType<NodeHandle['restoreHistory']> {
    return this.#adopt({ by, isRestoring: true });
  }

  /** It may make the journal anew, which is for the node to do and not for a process that stands back. */
  #adopt(wish: Wish): ReturnType<NodeHandle['adoptEpoch']> {
    const { state, reason } = this.#name.status;
    if (state !== 'standing-back') return this.#follower.adopt(wish);
    return Promise.resolve({ outcome: 'refused', message: reason ?? state });
  }

  missingHistory(): ReturnType<NodeHandle['missingHistory']> {
    return this.#follower.missing();
  }

  onAdopting(write: Parameters<NodeHandle['onAdopting']>[0]): () => void {
    return this.#follower.onAdopting(write);
  }

  saveSnapshot(): ReturnType<NodeHandle['saveSnapshot']> {
    return this.#snapshots.saveNow();
  }

  onEpochAdopted(listener: () => void): () => void {
    return this.#served.onEpochAdopted(listener);
  }

  caughtUp(): Promise<void> {
    return this.#readiness.caughtUp.promise;
  }

  nameHeld(): Promise<void> {
    return this.#readiness.nameHeld.promise;
  }

  ready(): Promise<void> {
    return this.#readiness.ready();
  }

  stop({
    drainTimeoutMs = DRAIN_TIMEOUT_MS,
    reason,
  }: { drainTimeoutMs?: number; reason?: string } = {}): Promise<void> {
    if (this.#isStopping) this.#actors.drainSooner(drainTimeoutMs);
    this.#machine.send({ type: 'stop', drainTimeoutMs, reason: reason ?? null });
    return this.#readiness.stopped.promise;
  }

  #makeFollower(): JournalFollower {
    const { node, cluster, clock, log } = this.#options;
    return new JournalFollower({
      contact: this.#contact,
      folded: this.#folded,
      node,
      cluster,
      clock,
      random: this.#random,
      log,
      onEvents: (events) => this.#served.apply(events),
      onCaughtUp: () => this.#onCaughtUp(),
      swapRoster: (swap) => this.#swapRoster(swap),
      onAdopted: (adoption) => this.#adoption.note(adoption),
    });
  }

  #makeExchange(live: LiveWire, pulse: JournalPulse): LiveExchange {
    const { node, cluster, version = '0', clock, log, bound, onNeighbours } = this.#options;
    return new LiveExchange({
      live,
      node,
      cluster,
      version,
      contact: this.#contact,
      pulse,
      folded: this.#folded,
      name: this.#name,
      clock,
      random: this.#random,
      log,
      observer: this.#observer,
      ...(bound && { bound }),
      ...(onNeighbours && { onNeighbours }),
      rebuild: (reason, options) => this.#follower.rebuild(reason, options),
      snapshotRevision: () => this.#snapshots.newestRevision,
      onSnapshotHeard: (revision) => this.#snapshots.heardOfSnapshot(revision),
      onDeclaredStopped: () => this.#name.renew(),
    });
  }

  #duties(): NodeDuties {
    return {
      load: async () => {
        const source = await this.#start.take();
        this.#isFromLocalSnapshot = source === 'local';
        return source;
      },
      loadFailed: (error) => this.#contact.unreadable(messageOf(error), error),
      reloadDelayMs: () => backoffMs(this.#loadFailuresCount++, RETRY_BACKOFF, this.#random),
      follow: () => this.#follow(),
      serve: () => this.#serve(),
      shutDown: (stopping) => this.#shutDown(stopping),
      partFailed: (error) => this.#actors.noteDefect(error),
    };
  }

  #follow(): () => void {
    const endings = [this.#follower.start(), this.#pulse?.start()];
    return () => endings.forEach((end) => end?.());
  }

  #onHead({ epoch, revision, firstRevision }: Head): void {
    this.#contact.heardLeader();
    if (epoch !== this.#contact.epoch || this.#contact.replacement !== null) return;
    this.#folded.heardOf(revision);
    if (this.#hasCaughtUp) this.#snapshots.logBegins(firstRevision);
  }

  /** Waits out the listening for the node's name, since that ends by itself; whatever else speaks against a command refuses it at once. */
  async #commandRefusal(): Promise<string | null> {
    const refusal = this.#contact.journalRefusal() ?? this.#catchingUp();
    if (refusal !== null) return refusal;
    await this.#name.whenDecided(NAME_WAIT_MS);
    return this.#contact.appendRefusal() ?? this.#catchingUp();
  }

  /** A node that has not read the journal to its end would decide on old news. */
  #catchingUp(): string | null {
    if (this.#hasCaughtUp) return null;
    const { roster, headRevision } = this.#folded;
    const where = `it is at revision ${roster.revision} of ${headRevision}`;
    return `this node has not read the journal to its end yet (${where}): nothing was appended; try again when it has`;
  }

  async #serve(): Promise<void> {
    this.#feed.open();
    this.#readiness.serving.resolve();
    const exchange = this.#exchange;
    if (exchange !== null) {
      // The leases are taken out of the roster as it is now: what was folded before is not looked at again.
      exchange.begin();
      this.#folded.witness = exchange.witness;
      this.#served.onChanged((before, after) => exchange.onBatch(before, after));
    }
    await this.#actors.reconcile();
    this.#snapshots.onRosterChanged();
  }

  /** The journal was read to its end: at first, after each outage, and after each swap. */
  #onCaughtUp(): void {
    if (this.#isFromLocalSnapshot || !this.#hasCaughtUp) {
      const { revision } = this.#folded.roster;
      this.#options.log.info({ revision }, `caught up at revision ${revision}`);
    }
    this.#observer.hash();
    this.#hasCaughtUp = true;
    this.#isFromLocalSnapshot = false;
    this.#machine.send({ type: 'caught-up' });
    this.#readiness.caughtUp.resolve();
    if (!this.#isStopping) this.#name.caughtUp();
  }

  #swapRoster(swap: RosterSwap): void {
    const { isOtherHistory, built } = swap;
    const { revision } = this.#folded.roster;
    const isSame = !isOtherHistory && this.#folded.hashes.at(revision) === built.hashes.at(revision);
    this.#served.swap(swap);
    this.#name.onReplaced({ isOtherHistory });
    this.#exchange?.onReplaced({ isSame, isOtherHistory });
  }

  async #shutDown({ drainTimeoutMs, reason }: Stopping): Promise<void> {
    const wasServing = this.#feed.isOpen;
    this.#name.leave();
    await this.#actors.stop(drainTimeoutMs);
    if (wasServing) {
      const limit = { clock: this.#options.clock, timeoutMs: FLUSH_TIMEOUT_MS };
      if (this.#contact.appendRefusal() === null) await inTime(this.#facts.whenIdle(), limit);
      await inTime(this.#name.sayStopped(reason), limit);
      await inTime(this.#snapshots.save(), limit);
    }
    this.#exchange?.end();
    this.#facts.close();
    this.#folded.close();
  }
}
