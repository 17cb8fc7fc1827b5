/**
 * The actors that a node keeps in line with its roster: pools with their probers, listeners, workers. Their one owner.
 *
 * Which there should be is the reconciler's word; how each is made and supervised is said here.
 */
import { messageOf } from '@muster/membership';
import { createActor, type Actor } from 'xstate';
import { ActorGroup, type Supervision } from './actor-group.ts';
import type { FactWriter } from './journal/fact-writer.ts';
import type { FoldedRoster } from './folded-roster.ts';
import type { InspectionHub } from './inspection/inspection-hub.ts';
import { listenerMachine } from './listener-machine.ts';
import type { NodeOptions } from './node-handle.ts';
import { poolMachine } from './pools/pool.ts';
import type { Outlier } from './ports.ts';
import { ProbeSlots } from './pools/probes.ts';
import type { Observer } from './observer.ts';
import type { ProbeTally } from './pools/probe-tally.ts';
import { Reconciler } from './reconciler.ts';
import type { WorkerFeed } from './workers/worker-feed.ts';
import { workerMachine } from './workers/worker-machine.ts';

export interface NodeActorsPorts extends Pick<
  NodeOptions,
  'clock' | 'log' | 'startProbe' | 'openSocket' | 'spawnWorker'
> {
  readonly random: () => number;
  readonly hub: InspectionHub;
  readonly folded: FoldedRoster;
  readonly feed: WorkerFeed;
  readonly facts: FactWriter;
  readonly tally: ProbeTally;
  readonly observer: Observer;
}

export class NodeActors {
  readonly listeners: ActorGroup<Actor<typeof listenerMachine>>;
  readonly workers: ActorGroup<Actor<typeof workerMachine>>;
  /** Actors that failed too often and are not started again, with the last reason. */
  readonly givenUpByActor = new Map<string, string>();
  readonly #ports: NodeActorsPorts;
  readonly #slots = new ProbeSlots();
  readonly #pools: ActorGroup<Actor<typeof poolMachine>>;
  readonly #reconciler: Reconciler;
  #isStopping = false;

  constructor(ports: NodeActorsPorts) {
    this.#ports = ports;
    this.#pools = this.#poolGroup();
    this.listeners = this.#listenerGroup();
    this.workers = this.#workerGroup();
    this.#reconciler = this.#makeReconciler();
  }

  /** The roster has changed. Resolves when the actors are what it says; never rejects. */
  reconcile(): Promise<void> {
    return this.#reconciler.poke().catch((error: unknown) => this.noteDefect(error));
  }

  startWorkers(count: number): void {
    for (let index = 0; index < count; index++) this.workers.start(String(index));
  }

  /** Lets workers finish their connections for so long, and ends everything else at once. */
  async stop(drainTimeoutMs: number): Promise<void> {
    this.#isStopping = true;
    const drained = this.#drainWorkers(drainTimeoutMs);
    this.listeners.stopAll();
    await Promise.all([drained, this.#reconciler.stop()]);
  }

  /** The workers drain already; they may take less time than they were told. */
  drainSooner(timeoutMs: number): void {
    for (const worker of this.workers.actors()) worker.send({ type: 'drain', timeoutMs });
  }

  /** Whether a listener has neither opened nor failed yet. */
  hasOpeningListener(): boolean {
    for (const listener of this.listeners.actors()) {
      const { value, context } = listener.getSnapshot();
      if (value === 'opening' && context.reason === null) return true;
    }
    return false;
  }

  noteDefect(error: unknown): void {
    const reason = messageOf(error);
    this.#ports.log.error({ err: error }, `the node has a defect: ${reason}`);
    this.givenUpByActor.set('node', reason);
  }

  #drainWorkers(timeoutMs: number): Promise<unknown> {
    const ends = [...this.workers.actors()].map((actor) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      actor.subscribe({ complete: resolve, error: () => resolve() });
      actor.send({ type: 'drain', timeoutMs });
      return promise;
    });
    return Promise.all(ends).then(() => this.workers.stopAll());
  }

  #supervision(): Supervision {
    const { clock, random, log, hub } = this.#ports;
    return { clock, random, log, hub, onGivenUp: (actor, reason) => this.givenUpByActor.set(actor, reason) };
  }

  #poolGroup(): ActorGroup<Actor<typeof poolMachine>> {
    const { clock, random, startProbe, folded, facts, tally, observer } = this.#ports;
    const supervision = this.#supervision();
    const prober = {
      clock,
      startProbe,
      slots: this.#slots,
      random,
      onOutcome: tally.count.bind(tally),
      observe: observer.add,
    };
    const ports = { ...supervision, prober, folded, onFinding: facts.add.bind(facts) };
    return new ActorGroup(supervision, {
      kind: 'pool',
      create: (pool) => createActor(poolMachine, { clock, input: { pool, ports } }),
      onRestarted: (pool) => void this.#reconciler.refill(pool).catch((error: unknown) => this.noteDefect(error)),
    });
  }

  #listenerGroup(): ActorGroup<Actor<typeof listenerMachine>> {
    const ports = this.#ports;
    return new ActorGroup(this.#supervision(), {
      kind: 'listener',
      create: (id) => {
        const listener = ports.folded.roster.listeners.get(id)!;
        return createActor(listenerMachine, { clock: ports.clock, input: { listener, ports } });
      },
    });
  }

  #workerGroup(): ActorGroup<Actor<typeof workerMachine>> {
    const onOutlier = (outlier: Outlier): void => {
      this.#ports.observer.outlier(outlier);
      this.#pools.get(outlier.pool)?.send({ type: 'outlier', outlier });
    };
    const ports = { ...this.#ports, onOutlier };
    return new ActorGroup(this.#supervision(), {
      kind: 'worker',
      create: (key) => createActor(workerMachine, { clock: ports.clock, input: { index: Number(key), ports } }),
    });
  }

  #makeReconciler(): Reconciler {
    const { folded, facts } = this.#ports;
    return new Reconciler(folded, {
      listenerChanged: (id) => this.#syncListener(id),
      poolStarted: (pool) => this.#pools.start(pool),
      poolStopped: (pool) => this.#pools.stop(pool),
      backendsWished: (pool, wishes) => this.#pools.get(pool)?.send({ type: 'reconcile', wishes }),
      targetLeft: (pool, backend) => facts.drop(pool, backend),
      known: (finding) => facts.add(finding),
    });
  }

  /** A listener that names other nodes does not exist on this one. */
  #syncListener(id: string): void {
    const { roster, node } = this.#ports.folded;
    const listener = roster.listeners.get(id);
    const isOurs = listener?.spec.nodes?.includes(node) ?? listener !== undefined;
    if (!isOurs || this.#isStopping) this.listeners.stop(id);
    else if (!this.listeners.has(id)) this.listeners.start(id);
    else this.listeners.get(id)?.send({ type: 'redefined', spec: listener!.spec, revision: listener!.revision });
  }
}
