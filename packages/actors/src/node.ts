/**
 * `startNode`: puts the parts of a node together and is their one owner.
 *
 *     journal ─► follower ─► folded roster ─┬─► worker feed ─► workers
 *        ▲                                  ├─► reconciler ─► pools ─► backends ─► probers ─┐
 *        └──────────── fact writer ◄────────┼─── flips ◄────────────────────────────────────┘
 *                                           └─► whoever asked to be told
 *
 * One batch of events passes all of this in one turn of the event loop: fold, settle the facts in it, tell the workers,
 * tell the listeners of the handle, wake those who wait for a revision. Only the reconciler takes more turns.
 */
import { randomUUIDv7 } from 'node:crypto';
import { createActor, type Actor } from 'xstate';
import {
  formatSubject,
  type Command,
  type PendingFacts,
  type RecordedEvent,
  type Rejection,
  type Roster,
} from '@muster/membership';
import type { Journal } from '@muster/journal';
import { ActorGroup, type Supervision } from './actor-group.ts';
import { backoffMs, messageOf, RETRY_BACKOFF } from './backoff.ts';
import { CommandExecutor } from './command-executor.ts';
import { FactWriter } from './fact-writer.ts';
import { FoldedRoster } from './folded-roster.ts';
import { JournalContact } from './journal-contact.ts';
import { followJournal } from './journal-follower.ts';
import { listenerMachine } from './listener-machine.ts';
import type { CommandOutcome, NodeHandle, NodeOptions, NodeStatus, RosterListener } from './node-handle.ts';
import { nodeMachine, nodeState, type Stopping } from './node-machine.ts';
import { nodeStatus } from './node-status.ts';
import { poolMachine } from './pool-machine.ts';
import { ProbeSlots } from './probe-slots.ts';
import { ProbeTally } from './probe-tally.ts';
import { Reconciler } from './reconciler.ts';
import { SnapshotKeeper } from './snapshot-keeper.ts';
import { WorkerFeed } from './worker-feed.ts';
import { workerMachine } from './worker-machine.ts';

const DRAIN_TIMEOUT_MS = 30_000;
/** At the stop: how long facts and `NodeStopped` may take to reach the journal. They are then left unsaid. */
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
  readonly #folded: FoldedRoster;
  readonly #feed: WorkerFeed;
  readonly #facts: FactWriter;
  readonly #snapshots: SnapshotKeeper;
  readonly #commands: CommandExecutor;
  readonly #tally: ProbeTally;
  readonly #slots = new ProbeSlots();
  readonly #reconciler: Reconciler;
  readonly #pools: ActorGroup<Actor<typeof poolMachine>>;
  readonly #listeners: ActorGroup<Actor<typeof listenerMachine>>;
  readonly #workers: ActorGroup<Actor<typeof workerMachine>>;
  readonly #givenUpByActor = new Map<string, string>();
  readonly #rosterListeners = new Set<RosterListener>();
  readonly #epochListeners = new Set<() => void>();
  readonly #machine: Actor<typeof nodeMachine>;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #caughtUp = Promise.withResolvers<void>();
  /** Never resolves: rejects when the node has stopped. */
  readonly #ended = Promise.withResolvers<never>();
  #loadFailuresCount = 0;
  #isStopping = false;
  /** Ends the wait before something is announced again. */
  #announceAgain: (() => void) | null = null;

  constructor(options: NodeOptions) {
    const { journal, clock, log, random = Math.random } = options;
    this.#options = options;
    this.journal = journal;
    this.#random = random;
    this.#startedMs = clock.now();
    this.#contact = new JournalContact(journal, options);
    this.#folded = new FoldedRoster(options);
    this.#feed = new WorkerFeed({ folded: this.#folded, clock, log });
    const shared = { contact: this.#contact, folded: this.#folded, feed: this.#feed, clock, random, log };
    this.#facts = new FactWriter({
      ...shared,
      onChanged: (added, settled) => this.#feed.onFactsChanged(added, settled),
    });
    this.#snapshots = new SnapshotKeeper(shared);
    this.#commands = new CommandExecutor(this.#folded, this.#contact);
    this.#tally = new ProbeTally(options);
    this.#pools = this.#poolGroup();
    this.#listeners = this.#listenerGroup();
    this.#workers = this.#workerGroup();
    this.#reconciler = this.#makeReconciler();
    this.#machine = createActor(nodeMachine, { clock, input: this.#duties() });
    // Nobody has to wait for these two.
    this.#caughtUp.promise.catch(() => undefined);
    this.#ended.promise.catch(() => undefined);
    this.#machine.subscribe({ complete: () => this.#onStopped(), error: (error) => this.#onDefect(error) });
    for (let index = 0; index < options.workers; index++) this.#workers.start(String(index));
    this.#machine.start();
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
      folded: this.#folded,
      feed: this.#feed,
      probes: this.#tally.totals(),
      listeners: this.#listeners,
      workers: this.#workers,
      givenUpByActor: this.#givenUpByActor,
    });
  }

  execute(command: Command, origin: string): Promise<CommandOutcome> {
    return this.#commands.execute(command, origin);
  }

  onRosterChanged(listener: RosterListener): () => void {
    this.#rosterListeners.add(listener);
    return () => this.#rosterListeners.delete(listener);
  }

  rejectionAt(revision: number): Rejection | null {
    return this.#folded.rejectionAt(revision);
  }

  async adoptEpoch(): ReturnType<NodeHandle['adoptEpoch']> {
    return { outcome: 'refused', message: `this node follows the journal's present history already` };
  }

  onEpochAdopted(listener: () => void): () => void {
    this.#epochListeners.add(listener);
    return () => this.#epochListeners.delete(listener);
  }

  caughtUp(): Promise<void> {
    return this.#caughtUp.promise;
  }

  ready(): Promise<void> {
    return Promise.race([this.#whenReady(), this.#ended.promise]);
  }

  stop({
    drainTimeoutMs = DRAIN_TIMEOUT_MS,
    reason,
  }: { drainTimeoutMs?: number; reason?: string } = {}): Promise<void> {
    if (this.#isStopping)
      for (const worker of this.#workers.actors()) worker.send({ type: 'drain', timeoutMs: drainTimeoutMs });
    this.#machine.send({ type: 'stop', drainTimeoutMs, reason: reason ?? null });
    return this.#stopped.promise;
  }

  #duties() {
    const { clock } = this.#options;
    return {
      load: () => this.#snapshots.load(),
      loadFailed: (reason: string) => this.#contact.failed(reason),
      reloadDelayMs: () => backoffMs(this.#loadFailuresCount++, RETRY_BACKOFF, this.#random),
      follow: (onCaughtUp: () => void) =>
        followJournal({
          contact: this.#contact,
          folded: this.#folded,
          clock,
          random: this.#random,
          onEvents: (events) => this.#onEvents(events),
          onCaughtUp,
        }),
      serve: () => this.#serve(),
      shutDown: (stopping: Stopping) => this.#shutDown(stopping),
      partFailed: (error: unknown) => this.#onDefect(error),
    };
  }

  #onEvents(events: readonly RecordedEvent[]): void {
    const batch = this.#folded.apply(events);
    const settled = this.#facts.settleRecorded(events);
    this.#feed.onBatch(events, settled);
    if (this.#feed.isOpen) this.#poke();
    for (const listener of this.#rosterListeners) {
      try {
        listener(batch.before, batch.after, batch);
      } catch (error) {
        const reason = messageOf(error);
        this.#options.log.error({ reason }, `a listener of the roster failed: ${reason}`);
      }
    }
    this.#folded.wakeWaiters();
    if (this.#feed.isOpen) this.#snapshots.saveWhenDue();
  }

  #poke(): void {
    this.#reconciler.poke().catch((error: unknown) => this.#onDefect(error));
  }

  async #serve(): Promise<void> {
    const { log, workers } = this.#options;
    const { revision } = this.#folded.roster;
    this.#feed.open();
    log.info({ revision }, `caught up at revision ${revision}`);
    this.#caughtUp.resolve();
    void this.#announce({ type: 'NodeStarted', workers });
    await this.#reconciler.poke();
    this.#snapshots.saveWhenDue();
  }

  async #whenReady(): Promise<void> {
    await this.#caughtUp.promise;
    const { revision } = this.#folded.roster;
    await this.#reconciler.poke();
    await this.#whenWorkersServe(revision);
  }

  /** Every worker has the roster, and every listener has opened or failed. */
  #whenWorkersServe(revision: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      for (const listener of this.#listeners.actors()) {
        const { value, context } = listener.getSnapshot();
        if (value === 'opening' && context.reason === null) return;
      }
      for (let index = 0; index < this.#options.workers; index++) {
        if (!this.#feed.link(index)?.isInSync(revision)) return;
      }
      unwatch();
      resolve();
    };
    const unwatch = this.#feed.watch(check);
    check();
    return promise;
  }

  /** Says on this node's own subject what became of it, until the journal has it. */
  async #announce(event: object): Promise<void> {
    const { node, cluster } = this.#options;
    const subject = formatSubject(cluster, { kind: 'node', node });
    const announcement = { id: randomUUIDv7(), subject, origin: `node:${node}`, payload: JSON.stringify(event) };
    for (let failuresCount = 0; this.#contact.appendRefusal() === null; failuresCount++) {
      const outcome = await this.journal.append(announcement).catch((error: unknown) => ({
        outcome: 'unknown' as const,
        message: messageOf(error),
      }));
      if (outcome.outcome === 'appended') {
        await this.#folded.whenFolded(outcome.revision, FLUSH_TIMEOUT_MS);
        return;
      }
      if (outcome.outcome === 'refused')
        this.#options.log.error(outcome, 'the journal refused what this node announced');
      if (outcome.outcome === 'refused' || outcome.outcome === 'conflict' || this.#isStopping) return;
      await this.#announcePause(backoffMs(failuresCount, RETRY_BACKOFF, this.#random));
    }
  }

  async #announcePause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimeout(resolve, delayMs);
    this.#announceAgain = resolve;
    await promise;
    this.#options.clock.clearTimeout(timer);
  }

  async #shutDown({ drainTimeoutMs, reason }: Stopping): Promise<void> {
    const wasServing = this.#feed.isOpen;
    this.#isStopping = true;
    this.#announceAgain?.();
    const drained = this.#drainWorkers(drainTimeoutMs);
    this.#listeners.stopAll();
    await Promise.all([drained, this.#reconciler.stop()]);
    if (wasServing) {
      await this.#atMost(FLUSH_TIMEOUT_MS, this.#facts.whenIdle());
      await this.#atMost(FLUSH_TIMEOUT_MS, this.#announce({ type: 'NodeStopped', ...(reason !== null && { reason }) }));
      await this.#snapshots.save();
    }
    this.#facts.close();
    this.#folded.close();
  }

  #drainWorkers(timeoutMs: number): Promise<unknown> {
    const ends = [...this.#workers.actors()].map((actor) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      actor.subscribe({ complete: resolve, error: () => resolve() });
      actor.send({ type: 'drain', timeoutMs });
      return promise;
    });
    return Promise.all(ends).then(() => this.#workers.stopAll());
  }

  async #atMost(timeoutMs: number, work: Promise<void>): Promise<void> {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.setTimeout(resolve, timeoutMs);
    await Promise.race([work, promise]);
    clock.clearTimeout(timer);
  }

  #onStopped(): void {
    this.#caughtUp.reject(new Error('the node was stopped before it had caught up'));
    this.#ended.reject(new Error('the node was stopped before it was ready'));
    this.#stopped.resolve();
  }

  #onDefect(error: unknown): void {
    const reason = messageOf(error);
    this.#options.log.error({ reason }, `the node has a defect: ${reason}`);
    this.#givenUpByActor.set('node', reason);
  }

  #supervision(): Supervision {
    const { clock, log } = this.#options;
    return {
      clock,
      random: this.#random,
      log,
      onGivenUp: (actor, reason) => this.#givenUpByActor.set(actor, reason),
    };
  }

  #poolGroup(): ActorGroup<Actor<typeof poolMachine>> {
    const { clock, startProbe } = this.#options;
    const supervision = this.#supervision();
    const prober = {
      clock,
      startProbe,
      slots: this.#slots,
      random: this.#random,
      onOutcome: this.#tally.count.bind(this.#tally),
    };
    const ports = { ...supervision, prober, onFlip: this.#facts.add.bind(this.#facts) };
    return new ActorGroup(supervision, {
      kind: 'pool',
      create: (pool) => createActor(poolMachine, { clock, input: { pool, ports } }),
      onRestarted: (pool) => void this.#reconciler.refill(pool).catch((error: unknown) => this.#onDefect(error)),
    });
  }

  #listenerGroup(): ActorGroup<Actor<typeof listenerMachine>> {
    const ports = { ...this.#options, random: this.#random, feed: this.#feed };
    return new ActorGroup(this.#supervision(), {
      kind: 'listener',
      create: (id) => {
        const { spec } = this.#folded.roster.listeners.get(id)!;
        return createActor(listenerMachine, { clock: ports.clock, input: { listener: { id, spec }, ports } });
      },
    });
  }

  #workerGroup(): ActorGroup<Actor<typeof workerMachine>> {
    const ports = { ...this.#options, random: this.#random, feed: this.#feed };
    return new ActorGroup(this.#supervision(), {
      kind: 'worker',
      create: (key) => createActor(workerMachine, { clock: ports.clock, input: { index: Number(key), ports } }),
    });
  }

  #makeReconciler(): Reconciler {
    return new Reconciler(this.#folded, {
      listenerChanged: (id) => this.#syncListener(id),
      poolStarted: (pool) => this.#pools.start(pool),
      poolStopped: (pool) => this.#pools.stop(pool),
      backendsWished: (pool, wishes) => this.#pools.get(pool)?.send({ type: 'reconcile', wishes }),
      targetLeft: (pool, backend) => this.#facts.drop(pool, backend),
    });
  }

  #syncListener(id: string): void {
    const listener = this.#folded.roster.listeners.get(id);
    if (listener === undefined || this.#isStopping) this.#listeners.stop(id);
    else if (!this.#listeners.has(id)) this.#listeners.start(id);
    else this.#listeners.get(id)?.send({ type: 'redefined', spec: listener.spec });
  }
}
