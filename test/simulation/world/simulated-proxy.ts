/**
 * A simulated worker process: the real data plane on a transport in memory, fed as the real worker is. It folds what it is told,
 * shows the data plane the newest view after each message, and reports; it can be stalled, killed, or left without its parent.
 *
 * What the real one has besides (filters, the access log, statistics) does not bear on what is checked here.
 */
import type { WorkerEvents, WorkerMessage, WorkerProcess } from '@muster/actors';
import {
  addPendingFact,
  decodeSnapshot,
  foldBatch,
  rosterHash,
  settlePendingFact,
  type PendingFact,
  type PendingFacts,
  type Roster,
} from '@muster/membership';
import { DataPlane } from '@muster/proxy';
import type { ProcessClock } from './process-clock.ts';
import type { WorkerTransport } from './worker-transport.ts';

const TICK_MS = 500;
/** As the real worker's, when its parent died. */
const ORPHAN_DRAIN_TIMEOUT_MS = 30_000;

type MessageOf<Kind extends WorkerMessage['kind']> = Extract<WorkerMessage, { kind: Kind }>;

/** A roster that a worker held, to be compared with what the history of that epoch folds to. */
interface WorkerReading {
  readonly epoch: string;
  readonly revision: number;
  readonly hash: string;
}

export interface SimulatedProxyOptions {
  readonly node: string;
  readonly index: number;
  readonly pid: number;
  readonly clock: ProcessClock;
  readonly transport: WorkerTransport;
  readonly events: WorkerEvents;
  /** The history that the node serves now. */
  readonly epochOfNode: () => string;
  readonly onRead: (reading: WorkerReading) => void;
  /** The node has let it serve. */
  readonly onRosterSent: () => void;
}

export class SimulatedProxy implements WorkerProcess {
  readonly pid: number;
  readonly index: number;
  readonly transport: WorkerTransport;
  readonly pending: PendingFacts = new Map();
  roster: Roster | null = null;
  /** Of the roster. */
  epoch = '';
  isAlive = true;
  isDraining = false;
  readonly #options: SimulatedProxyOptions;
  readonly #plane: DataPlane;
  readonly #inbox: (() => void)[] = [];
  #isStalled = false;

  constructor(options: SimulatedProxyOptions) {
    this.#options = options;
    this.pid = options.pid;
    this.index = options.index;
    this.transport = options.transport;
    const { clock, events } = options;
    this.#plane = new DataPlane({
      workerIndex: options.index,
      decisionsKept: 1,
      transport: options.transport,
      clock: { nowMs: () => clock.nowMs(), every: (_intervalMs, callBack) => clock.every(TICK_MS, callBack) },
      wallMs: () => clock.now(),
      onOutlier: (outlier) => this.#tell(() => events.onReport({ kind: 'outlier', ...outlier })),
    });
    this.#tell(() => events.onReport({ kind: 'started' }));
  }

  /** Whether it has acted on everything that it was told. */
  get isUpToDate(): boolean {
    return this.isAlive && this.#inbox.length === 0;
  }

  send(message: WorkerMessage, socket?: object): Promise<void> {
    if (!this.isAlive) return Promise.reject(new Error('the worker is gone'));
    if (message.kind === 'roster') this.#options.onRosterSent();
    const epoch = message.kind === 'roster' ? this.#options.epochOfNode() : '';
    this.#inbox.push(() => this.take(message, { socket: socket ?? null, epoch }));
    if (!this.#isStalled) setImmediate(() => this.#takeNext());
    return Promise.resolve();
  }

  stall(): void {
    this.#isStalled = true;
  }

  resume(): void {
    if (!this.#isStalled) return;
    this.#isStalled = false;
    for (let count = this.#inbox.length; count > 0; count--) setImmediate(() => this.#takeNext());
  }

  /** By SIGKILL. */
  kill(): void {
    this.#exit('killed by SIGKILL');
  }

  /** Its parent is gone: nobody is told anything any more, and what is open may finish. */
  orphan(): void {
    this.isDraining = true;
    this.#inbox.length = 0;
    this.#isStalled = true;
    void this.#plane.drain(ORPHAN_DRAIN_TIMEOUT_MS).then(() => this.#exit('exit code 0'));
  }

  protected take(message: WorkerMessage, { socket, epoch }: { socket: object | null; epoch: string }): void {
    switch (message.kind) {
      case 'roster':
        return this.#startOver(message, epoch);
      case 'events':
        this.roster = foldBatch(this.roster!, message.events).roster;
        this.#show();
        return this.#reportFolded();
      case 'pending':
        return this.#changePending(message);
      case 'listen':
        return this.#listen(message.listener, socket);
      case 'unlisten':
        return this.#unlisten(message);
      case 'drain':
        this.isDraining = true;
        return void this.#plane.drain(message.timeoutMs).then(() => this.#exit('exit code 0'));
    }
  }

  #takeNext(): void {
    if (this.isAlive && !this.#isStalled) this.#inbox.shift()?.();
  }

  #startOver({ snapshot, pending }: MessageOf<'roster'>, epoch: string): void {
    const decoded = decodeSnapshot(snapshot);
    if (decoded.outcome !== 'decoded') throw new Error(decoded.message);
    this.roster = decoded.roster;
    this.epoch = epoch;
    const touched = new Set([...this.pending.keys()].map((key) => key.slice(0, key.indexOf('/'))));
    this.pending.clear();
    for (const fact of pending) touched.add(this.#add(fact));
    this.#show(touched);
    this.#reportFolded();
  }

  #changePending({ added, settled }: MessageOf<'pending'>): void {
    const touched = new Set<string>();
    for (const fact of settled) {
      settlePendingFact(this.pending, fact);
      touched.add(fact.pool);
    }
    for (const fact of added) touched.add(this.#add(fact));
    this.#show(touched);
  }

  #add(fact: PendingFact): string {
    addPendingFact(this.pending, fact);
    return fact.pool;
  }

  #show(pendingPools: Iterable<string> = []): void {
    const { node } = this.#options;
    this.#plane.update({ roster: this.roster!, node, pending: this.pending }, pendingPools);
  }

  #reportFolded(): void {
    const { events, onRead } = this.#options;
    const { revision } = this.roster!;
    const hash = rosterHash(this.roster!);
    onRead({ epoch: this.epoch, revision, hash });
    events.onReport({ kind: 'folded', revision, hash });
  }

  #unlisten({ id, drainTimeoutMs }: MessageOf<'unlisten'>): void {
    const { events } = this.#options;
    this.#plane.closeListener(id, drainTimeoutMs, () => {
      if (this.isAlive) events.onReport({ kind: 'unlistened', listener: id });
    });
  }

  #listen({ id, spec, revision }: MessageOf<'listen'>['listener'], socket: object | null): void {
    const { events } = this.#options;
    if (socket === null) {
      this.#plane.updateListener(id, spec);
      return events.onReport({ kind: 'listening', listener: id, revision });
    }
    void this.#plane.openListener(id, spec, socket).then((outcome) => {
      if (!outcome.ok) throw new Error(`${id}: ${outcome.reason}`);
      if (this.isAlive) events.onReport({ kind: 'listening', listener: id, revision });
    });
  }

  #tell(report: () => void): void {
    setImmediate(() => {
      if (this.isAlive) report();
    });
  }

  #exit(reason: string): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#plane.close();
    this.#options.clock.kill();
    setImmediate(() => this.#options.events.onExit(reason));
  }
}
