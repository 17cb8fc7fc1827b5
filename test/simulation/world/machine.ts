/**
 * A simulated machine and the node process on it: what survives the process (disk, wall clock, network paths), and what dies
 * with it (timers, sockets, the journal's link, the wire's end).
 *
 * Killing is done from outside: the ports of the killed process go dead, so that nothing of it ever happens again, and what it
 * leaves behind is garbage. The node itself is the real one and knows nothing of it.
 */
import { startNode, type NodeHandle, type OpenSocketOutcome, type SpawnWorker } from '@muster/actors';
import { parseBind } from '@muster/membership';
import { SimulatedDisk, type SimulatedClock, type SimulatedWire, type WireEnd } from '@muster/actors/testing';
import type { Report } from './finding.ts';
import { CLUSTER, type JournalStore } from './history.ts';
import { JournalLink, JournalPath, type Appended, type JournalLinkOptions } from './journal-link.ts';
import { NodeWatch } from './node-watch.ts';
import { ProcessClock, type WallClock } from './process-clock.ts';
import { SimulatedProxy, type SimulatedProxyOptions } from './simulated-proxy.ts';
import type { SimulatedTargets } from './targets.ts';
import { WorkerTransport, type WorkerTransportOptions } from './worker-transport.ts';

/** How a machine's parts are made. A test that plants a fault gives others. */
export interface Parts {
  readonly makeLink: (options: JournalLinkOptions) => JournalLink;
  readonly makeProxy: (options: SimulatedProxyOptions) => SimulatedProxy;
  readonly makeTransport: (options: WorkerTransportOptions) => WorkerTransport;
  readonly makeEnd: (wire: SimulatedWire, node: string) => WireEnd;
  /** Told of each node process that has started, with a clock that dies with the process and is not the node's. */
  readonly onStarted: (handle: NodeHandle, clock: ProcessClock) => void;
}

export const SOUND_PARTS: Parts = {
  makeLink: (options) => new JournalLink(options),
  makeProxy: (options) => new SimulatedProxy(options),
  makeTransport: (options) => new WorkerTransport(options),
  makeEnd: (wire) => wire.end(),
  onStarted: () => undefined,
};

/** For a client that leaves a server to be connected to another. */
const RECONNECT_MS = 400;

export interface MachineOptions {
  readonly name: string;
  readonly clock: SimulatedClock;
  readonly wire: SimulatedWire;
  readonly store: JournalStore;
  readonly targets: SimulatedTargets;
  readonly workers: number;
  readonly random: () => number;
  readonly parts: Parts;
  readonly report: Report;
  /** Told of each event that a process of this machine got stored. */
  readonly onAppended: (process: NodeProcess, appended: Appended) => void;
}

export class SimulatedMachine {
  readonly name: string;
  readonly wall: WallClock = { offsetMs: 0 };
  readonly disk = new SimulatedDisk();
  readonly path = new JournalPath();
  /** Targets that it cannot reach now. */
  readonly unreachable = new Set<string>();
  readonly options: MachineOptions;
  /** An address that another process holds. */
  takenBind: string | null = null;
  wireState: 'whole' | 'cut' | 'swallowing' = 'whole';
  /** When words last began to reach it again that had not, by the simulation's clock. */
  wireMendedMs = -Infinity;
  process: NodeProcess | null = null;
  /** Workers whose control process was killed. */
  orphans: SimulatedProxy[] = [];
  pidsCount = 1_000;

  constructor(options: MachineOptions) {
    this.name = options.name;
    this.options = options;
  }

  readonly isReachable = (target: string): boolean => !this.unreachable.has(target);

  start(): void {
    if (this.process === null) this.process = new NodeProcess(this);
  }

  /** kill -9: of the control process alone, or of everything on the machine, whose disk may be lost too. */
  crash(what: 'control' | 'machine' | 'disk'): void {
    if (what === 'disk') this.disk.stored = null;
    this.process?.kill();
    if (this.process !== null) this.orphans.push(...this.process.livingProxies());
    this.process = null;
    for (const orphan of this.orphans) {
      if (what !== 'control') orphan.kill();
      else if (!orphan.isDraining) orphan.orphan();
    }
    this.orphans = this.orphans.filter(({ isAlive }) => isAlive);
  }

  /** As by SIGTERM; the process is there until it has stopped. */
  stop(drainTimeoutMs: number): void {
    const { process } = this;
    if (process === null || process.isStopping) return;
    process.isStopping = true;
    void process.handle.stop({ drainTimeoutMs }).then(() => process.hasStopped());
  }

  setWire(state: SimulatedMachine['wireState']): void {
    if (this.wireState !== 'whole') this.wireMendedMs = this.options.clock.elapsedMs();
    this.wireState = state;
    this.process?.applyWire();
  }

  /** The server that it is on is cut off from the others, or it is on one that is not. */
  setAlone(isAlone: boolean): void {
    const { present: history, isGone } = this.options.store;
    if (isAlone === (this.path.alone !== null) || (isAlone && isGone)) return;
    if (!isAlone) this.wireMendedMs = this.options.clock.elapsedMs();
    this.path.set({ alone: isAlone ? { history, revision: history.revision } : null });
    this.process?.applyWire();
  }
}

/** One life of a node. */
export class NodeProcess {
  readonly machine: SimulatedMachine;
  readonly clock: ProcessClock;
  readonly link: JournalLink;
  readonly end: WireEnd;
  readonly handle: NodeHandle;
  readonly watch: NodeWatch;
  readonly proxies: SimulatedProxy[] = [];
  readonly boundBinds = new Set<string>();
  readonly errors: string[] = [];
  isStopping = false;

  constructor(machine: SimulatedMachine) {
    const { clock, wire, store, targets, workers, random, parts } = machine.options;
    this.machine = machine;
    this.clock = new ProcessClock(clock, machine.wall);
    const linkClock = new ProcessClock(clock, machine.wall);
    this.link = parts.makeLink({
      store,
      path: machine.path,
      clock: linkClock,
      onAppended: (appended) => machine.options.onAppended(this, appended),
    });
    this.end = parts.makeEnd(wire, machine.name);
    // A client is not connected for a moment. On a server that is not alone it is no better off on another.
    this.end.onLeave = () => {
      if (machine.path.alone !== null) linkClock.setTimeout(() => machine.setAlone(false), RECONNECT_MS);
    };
    const { stored } = machine.disk;
    this.watch = new NodeWatch({
      name: machine.name,
      store,
      path: machine.path,
      elapsedMs: () => clock.elapsedMs(),
      report: machine.options.report,
      diskSnapshot: stored && { epoch: stored.epoch, revision: stored.revision },
    });
    this.handle = startNode({
      node: machine.name,
      cluster: CLUSTER,
      journal: this.link,
      workers,
      clock: this.clock,
      startProbe: this.watch.probes(targets.probe(this.clock, machine.isReachable)),
      openSocket: (bind) => Promise.resolve(this.#openSocket(bind)),
      spawnWorker: this.#spawnWorker,
      log: { info: () => undefined, warn: () => undefined, error: (_fields, text) => void this.errors.push(text) },
      live: this.end,
      localSnapshot: machine.disk,
      random,
    });
    this.watch.begin(this.handle);
    this.applyWire();
    parts.onStarted(this.handle, linkClock);
  }

  applyWire(): void {
    const { wireState, path } = this.machine;
    if (wireState === 'cut') this.end.cut();
    else if (wireState === 'swallowing') this.end.swallow();
    else if (path.alone !== null) this.end.isolate();
    else this.end.mend();
  }

  livingProxies(): SimulatedProxy[] {
    return this.proxies.filter(({ isAlive }) => isAlive);
  }

  kill(): void {
    this.clock.kill();
    this.#letGo();
  }

  hasStopped(): void {
    if (this.machine.process === this) this.machine.process = null;
    for (const leak of this.#leaks())
      this.machine.options.report('end', `${this.machine.name} has stopped, and ${leak}`);
    this.#letGo();
  }

  #leaks(): string[] {
    const leaks = [...this.boundBinds].map((bind) => `socket ${bind} is open`);
    if (this.clock.armedCount > 0) leaks.push(`${this.clock.armedCount} timers are armed`);
    if (this.end.listenersCount > 0) leaks.push('somebody listens on the wire');
    for (const { pid } of this.livingProxies()) leaks.push(`worker process ${pid} lives`);
    return leaks;
  }

  #letGo(): void {
    this.link.kill();
    this.machine.options.wire.remove(this.end);
    this.watch.end();
  }

  #openSocket(bind: string): OpenSocketOutcome {
    if (this.boundBinds.has(bind) || this.machine.takenBind === bind)
      return { outcome: 'failed', reason: `${bind} is taken by another process`, taken: parseBind(bind) };
    this.boundBinds.add(bind);
    const close = (): void => void this.boundBinds.delete(bind);
    return { outcome: 'open', socket: { handle: {}, boundAddress: bind, address: parseBind(bind)!, close } };
  }

  readonly #spawnWorker: SpawnWorker = (index, events) => {
    const { machine } = this;
    const { clock, targets, parts } = machine.options;
    const ownClock = new ProcessClock(clock, machine.wall);
    const transport = parts.makeTransport({ targets, clock: ownClock, isReachable: machine.isReachable });
    const pid = machine.pidsCount++;
    const reader = `worker ${index} of ${machine.name} (process ${pid})`;
    const proxy = parts.makeProxy({
      node: machine.name,
      index,
      pid,
      clock: ownClock,
      transport,
      events,
      epochOfNode: () => this.handle.status().epoch ?? '',
      onRead: (reading) => this.watch.read(reader, reading),
      onRosterSent: () => this.watch.serves(this.handle),
    });
    this.proxies.push(proxy);
    return proxy;
  };
}
