/**
 * The actors that a node keeps in line with its roster: listeners, workers, and the backends of each pool. Their one owner.
 *
 * Which there should be is the reconciler's word; how each is made and supervised is said here.
 */
import { messageOf, present } from '@muster/membership';
import { createActor, type Actor } from 'xstate';
import { ActorGroup, type Supervision } from './actor-group.ts';
import type { FactWriter } from './journal/fact-writer.ts';
import type { FoldedRoster } from './folded-roster.ts';
import type { InspectionHub } from './inspection/inspection-hub.ts';
import { listenerMachine } from './listener-machine.ts';
import type { NodeOptions } from './node-handle.ts';
import { Pool } from './pools/pool.ts';
import type { Outlier } from './ports.ts';
import { Probes } from './pools/probes.ts';
import type { Observer } from './observer.ts';
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
  readonly observer: Observer;
}

export class NodeActors {
  readonly listeners: ActorGroup<Actor<typeof listenerMachine>>;
  readonly workers: ActorGroup<Actor<typeof workerMachine>>;
  readonly probes: Probes;
  /** Actors that failed too often and are not started again, with the last reason. */
  readonly givenUpByActor = new Map<string, string>();
  readonly #ports: NodeActorsPorts;
  readonly #pools = new Map<string, Pool>();
  readonly #reconciler: Reconciler;
  #isStopping = false;

  constructor(ports: NodeActorsPorts) {
    this.#ports = ports;
    this.probes = new Probes(ports);
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

  #startPool(id: string): void {
    const { clock, random, folded, facts, observer } = this.#ports;
    const prober = { clock, random, probes: this.probes, observe: observer.add };
    const onFound = facts.add.bind(facts);
    this.#pools.set(id, new Pool(id, { ...this.#supervision(), prober, folded, onFound }));
  }

  #stopPool(id: string): void {
    this.#pools.get(id)?.stop();
    this.#pools.delete(id);
  }

  #listenerGroup(): ActorGroup<Actor<typeof listenerMachine>> {
    const ports = this.#ports;
    return new ActorGroup(this.#supervision(), {
      kind: 'listener',
      create: (id) => {
        const listener = present(ports.folded.roster.listeners.get(id), `listener ${id}`);
        return createActor(listenerMachine, { clock: ports.clock, input: { listener, ports } });
      },
    });
  }

  #workerGroup(): ActorGroup<Actor<typeof workerMachine>> {
    const onOutlier = (outlier: Outlier): void => {
      this.#ports.observer.outlier(outlier);
      try {
        this.#pools.get(outlier.pool)?.judge(outlier);
      } catch (error) {
        this.noteDefect(error);
      }
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
      poolStarted: (pool) => this.#startPool(pool),
      poolStopped: (pool) => this.#stopPool(pool),
      backendWished: (pool, wish) => this.#pools.get(pool)?.reconcile(wish),
      targetLeft: (pool, backend) => facts.drop(pool, backend),
      known: facts.add.bind(facts),
    });
  }

  /** A listener that names other nodes does not exist on this one. */
  #syncListener(id: string): void {
    const { roster, node } = this.#ports.folded;
    const listener = roster.listeners.get(id);
    const isElsewhere = listener?.spec.nodes?.includes(node) === false;
    if (listener === undefined || isElsewhere || this.#isStopping) this.listeners.stop(id);
    else if (!this.listeners.has(id)) this.listeners.start(id);
    else this.listeners.get(id)?.send({ type: 'redefined', spec: listener.spec, revision: listener.revision });
  }
}
