/**
 * A world for tests: targets that answer as they are told, addresses that can be taken, workers that fold, a journal that
 * can go away. Everything in virtual time, and everything that is still alive at the end is named.
 */
import { randomUUID } from 'node:crypto';
import { createMemoryJournal, type AppendOutcome, type Journal, JournalError } from '@muster/journal';
import {
  decodeSnapshot,
  emptyRoster,
  fold,
  rosterHash,
  type Command,
  type CommandInput,
  type MembershipEventInput,
  type PendingFact,
  type RecordedEvent,
  type Roster,
  commandSchema,
} from '@muster/membership';
import type { Probe, ProbeOutcome } from '@muster/probes';
import type { NodeHandle, NodeOptions } from './node-handle.ts';
import { startNode } from './node.ts';
import type { Logger, OpenSocketOutcome, SharedSocket, WorkerEvents, WorkerMessage, WorkerProcess } from './ports.ts';
import { SimulatedClock } from './simulated-clock.ts';

export const PASS: ProbeOutcome = { passed: true, durationMs: 1 };
export const REFUSE: ProbeOutcome = {
  passed: false,
  code: 'connect_refused',
  reason: 'connect refused',
  durationMs: 1,
};

interface SimulatedProbe {
  readonly target: string;
  readonly atMs: number;
  isAborted: boolean;
  answer(outcome: ProbeOutcome): void;
}

/** Targets by what they answer: an outcome at once, or `silent` until the test answers. Default: they pass. */
class SimulatedTargets {
  readonly answerByTarget = new Map<string, ProbeOutcome | 'silent' | 'crash'>();
  readonly probes: SimulatedProbe[] = [];
  inFlightCount = 0;
  inFlightPeak = 0;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  of(target: string): SimulatedProbe[] {
    return this.probes.filter((probe) => probe.target === target);
  }

  readonly startProbe = (target: string): Probe => {
    const answer = this.answerByTarget.get(target) ?? PASS;
    if (answer === 'crash') throw new Error('the prober has a defect');
    const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
    this.inFlightCount += 1;
    this.inFlightPeak = Math.max(this.inFlightPeak, this.inFlightCount);
    let isSettled = false;
    const settle = (outcome: ProbeOutcome): void => {
      if (isSettled) return;
      isSettled = true;
      this.inFlightCount -= 1;
      resolve(outcome);
    };
    const probe: SimulatedProbe = { target, atMs: this.#clock.now(), isAborted: false, answer: settle };
    this.probes.push(probe);
    if (answer !== 'silent') settle(answer);
    return {
      outcome: promise,
      abort: () => {
        probe.isAborted = true;
        settle({ passed: false, code: 'aborted', reason: 'aborted', durationMs: 1 });
      },
    };
  };
}

class SimulatedSockets {
  readonly openByBind = new Map<string, SharedSocket>();
  readonly takenBinds = new Set<string>();
  closedCount = 0;

  readonly openSocket = (bind: string): Promise<OpenSocketOutcome> => {
    if (this.takenBinds.has(bind) || this.openByBind.has(bind)) {
      return Promise.resolve({ outcome: 'failed', reason: `${bind} is taken by another process` });
    }
    const socket: SharedSocket = {
      boundAddress: bind,
      close: () => {
        this.closedCount += 1;
        this.openByBind.delete(bind);
      },
    };
    this.openByBind.set(bind, socket);
    return Promise.resolve({ outcome: 'open', socket });
  };
}

/** A worker as the control process sees one: it folds what it is sent and reports. */
export class SimulatedWorker implements WorkerProcess {
  readonly pid: number;
  readonly index: number;
  readonly received: (WorkerMessage & { readonly socket?: SharedSocket })[] = [];
  readonly pendingById = new Map<string, PendingFact>();
  roster: Roster = emptyRoster('demo');
  isAlive = true;
  /** While true it takes messages and acts on none. */
  isStalled = false;
  /** Told after each message that it acted on. */
  onActed: () => void = () => undefined;
  /** Reported instead of the true hash. */
  falseHash: string | null = null;
  readonly #events: WorkerEvents;
  readonly #stalled: WorkerMessage[] = [];

  constructor(pid: number, index: number, events: WorkerEvents) {
    this.pid = pid;
    this.index = index;
    this.#events = events;
    setImmediate(() => this.isAlive && events.onReport({ kind: 'started' }));
  }

  send(message: WorkerMessage, socket?: SharedSocket): Promise<void> {
    if (!this.isAlive) return Promise.reject(new Error('the worker is gone'));
    this.received.push(socket === undefined ? message : { ...message, socket });
    if (this.isStalled) this.#stalled.push(message);
    else setImmediate(() => this.#take(message));
    return Promise.resolve();
  }

  resume(): void {
    this.isStalled = false;
    for (const message of this.#stalled.splice(0)) setImmediate(() => this.#take(message));
  }

  kill(): void {
    this.exit('killed by SIGKILL');
  }

  exit(reason: string): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    setImmediate(() => this.#events.onExit(reason));
  }

  ofKind<Kind extends WorkerMessage['kind']>(kind: Kind) {
    return this.received.filter((message) => message.kind === kind) as (Extract<WorkerMessage, { kind: Kind }> & {
      readonly socket?: SharedSocket;
    })[];
  }

  #take(message: WorkerMessage): void {
    if (!this.isAlive) return;
    this.#act(message);
    this.onActed();
  }

  #act(message: WorkerMessage): void {
    switch (message.kind) {
      case 'roster': {
        const decoded = decodeSnapshot(message.snapshot);
        if (decoded.outcome !== 'decoded') throw new Error(decoded.message);
        this.roster = decoded.roster;
        this.pendingById.clear();
        for (const fact of message.pending) this.pendingById.set(fact.id, fact);
        return this.#reportFolded();
      }
      case 'events':
        for (const event of message.events) this.roster = fold(this.roster, event).roster;
        return this.#reportFolded();
      case 'pending':
        for (const fact of message.added) this.pendingById.set(fact.id, fact);
        for (const fact of message.settled) this.pendingById.delete(fact.id);
        return;
      case 'listen':
        return this.#events.onReport({ kind: 'listening', listener: message.listener.id });
      case 'unlisten':
        return;
      case 'drain':
        return this.exit('exit code 0');
    }
  }

  #reportFolded(): void {
    const hash = this.falseHash ?? rosterHash(this.roster);
    this.#events.onReport({ kind: 'folded', revision: this.roster.revision, hash });
  }
}

/** A journal that can be away, lose answers, refuse, forget, hand over what was not said, and become another one. */
export class SimulatedJournal implements Journal {
  inner: Journal;
  /** Appends that were asked for, in order. */
  readonly appends: { readonly id: string; readonly subject: string; readonly payload: string }[] = [];
  appendAnswer: 'true' | 'unavailable' | 'lost' | 'refused' = 'true';
  /** Payloads that are handed over once in place of the true ones. */
  readonly alteredByRevision = new Map<number, string>();
  /** Whether followers say that it is away and resume, as over a network; else they break. */
  saysAway = false;
  #isAway = false;
  #isSilent = false;
  #isRemoved = false;
  #firstRevision = 1;
  #renewalsCount = 0;
  #changed = Promise.withResolvers<void>();
  readonly #followers = new Set<AbortController>();

  constructor(inner: Journal) {
    this.inner = inner;
  }

  goAway(): void {
    this.#isAway = true;
    this.appendAnswer = 'unavailable';
    this.#cut();
  }

  /** It does not even say that it is away. */
  fallSilent(): void {
    this.#isSilent = true;
    this.goAway();
  }

  comeBack(): void {
    this.#isAway = false;
    this.#isSilent = false;
    this.appendAnswer = 'true';
    this.#cut();
  }

  /** What was stored is gone, and this takes its place. */
  replaceWith(journal: Journal): void {
    this.inner = journal;
    this.#firstRevision = 1;
    this.#cut();
  }

  /** It is gone, and stays away until it is renewed. */
  remove(): void {
    this.#isRemoved = true;
    this.goAway();
  }

  /** Events before this one are removed. */
  compactTo(firstRevision: number): void {
    this.#firstRevision = firstRevision;
  }

  async append(...[event, options]: Parameters<Journal['append']>): Promise<AppendOutcome> {
    this.appends.push(event);
    switch (this.appendAnswer) {
      case 'unavailable':
        return { outcome: 'unavailable', message: 'the journal is away' };
      case 'refused':
        return { outcome: 'refused', reason: 'not-permitted', message: 'not permitted' };
      case 'lost':
        await this.inner.append(event, options);
        return { outcome: 'unknown', message: 'the answer was lost' };
      case 'true':
        return this.inner.append(event, options);
    }
  }

  async *follow(options: Parameters<Journal['follow']>[0]): ReturnType<Journal['follow']> {
    const { signal } = options;
    const { epoch = (await this.inner.head()).epoch } = options;
    let { afterRevision } = options;
    while (!signal.aborted) {
      if (this.#isAway) {
        if (!this.saysAway) this.#throwIfAway();
        yield { kind: 'away', reason: 'the journal is away' };
        while (this.#isAway && !signal.aborted) await this.#changed.promise;
        continue;
      }
      if (afterRevision + 1 < this.#firstRevision)
        throw new JournalError('compacted', `revision ${afterRevision + 1} is gone`);
      const cut = new AbortController();
      this.#followers.add(cut);
      signal.addEventListener('abort', () => this.#cut());
      for await (const item of this.inner.follow({ afterRevision, epoch, signal: cut.signal })) {
        if (cut.signal.aborted) break;
        if (item.kind === 'events') afterRevision = item.events.at(-1)!.revision;
        yield item.kind === 'events' ? { ...item, events: item.events.map((event) => this.#altered(event)) } : item;
        if (item.kind === 'epoch-changed') return;
      }
    }
  }

  async head(): ReturnType<Journal['head']> {
    while (this.#isSilent) await this.#changed.promise;
    this.#throwIfAway();
    return { ...(await this.inner.head()), firstRevision: this.#firstRevision };
  }

  read(...options: Parameters<Journal['read']>): ReturnType<Journal['read']> {
    return this.inner.read(...options);
  }

  async saveSnapshot(...[snapshot]: Parameters<Journal['saveSnapshot']>): Promise<void> {
    this.#throwIfAway();
    await this.inner.saveSnapshot(snapshot);
  }

  async loadSnapshot(...[atOrBefore]: Parameters<Journal['loadSnapshot']>): ReturnType<Journal['loadSnapshot']> {
    this.#throwIfAway();
    return this.inner.loadSnapshot(atOrBefore);
  }

  async renew(): Promise<void> {
    if (this.#isRemoved) {
      this.#isRemoved = false;
      this.#renewalsCount += 1;
      this.replaceWith(createMemoryJournal({ epoch: `renewed-${this.#renewalsCount}` }));
      this.comeBack();
    }
    this.#throwIfAway();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  #cut(): void {
    for (const follower of this.#followers) follower.abort();
    this.#followers.clear();
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  #altered(event: RecordedEvent): RecordedEvent {
    const payload = this.alteredByRevision.get(event.revision);
    if (payload === undefined) return event;
    this.alteredByRevision.delete(event.revision);
    return { ...event, payload };
  }

  #throwIfAway(): void {
    if (this.#isAway) throw new JournalError('failed', 'the journal is away');
  }
}

interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly text: string;
}

/** A node in a simulated world. Disposing of it stops the node and fails on whatever is left. */
export class SimulatedWorld implements AsyncDisposable {
  readonly clock: SimulatedClock;
  readonly targets: SimulatedTargets;
  readonly sockets = new SimulatedSockets();
  readonly journal: SimulatedJournal;
  readonly workers: SimulatedWorker[] = [];
  readonly lines: LogLine[] = [];
  node!: NodeHandle;

  /** `clock`: of a world that others are part of, too (`simulated-cluster.ts`). */
  constructor(journal: Journal = createMemoryJournal({ epoch: 'epoch-1' }), clock = new SimulatedClock()) {
    this.clock = clock;
    this.targets = new SimulatedTargets(clock);
    this.journal = new SimulatedJournal(journal);
  }

  /** Starts the node and waits until nothing more happens by itself. Half of the jitter's range is its middle. */
  async start(options: Partial<NodeOptions> = {}): Promise<NodeHandle> {
    this.node = startNode({
      node: 'lb-1',
      cluster: 'demo',
      journal: this.journal,
      workers: 0,
      clock: this.clock,
      startProbe: this.targets.startProbe,
      openSocket: this.sockets.openSocket,
      spawnWorker: (index, events) => {
        const worker = new SimulatedWorker(1_000 + this.workers.length, index, events);
        this.workers.push(worker);
        return worker;
      },
      log: this.#log,
      random: () => 0.5,
      ...options,
    });
    await this.clock.settle();
    return this.node;
  }

  readonly #log: Logger = {
    info: (fields, text) => this.lines.push({ level: 'info', fields, text }),
    warn: (fields, text) => this.lines.push({ level: 'warn', fields, text }),
    error: (fields, text) => this.lines.push({ level: 'error', fields, text }),
  };

  /** Texts of one level. */
  logged(level: LogLine['level']): string[] {
    return this.lines.filter((line) => line.level === level).map(({ text }) => text);
  }

  /** Publishes as somebody else would: past the node. */
  async publish(entity: string, event: MembershipEventInput): Promise<void> {
    const outcome = await this.journal.inner.append({
      id: randomUUID(),
      subject: `muster.demo.${entity}`,
      origin: 'test',
      payload: JSON.stringify(event),
    });
    if (outcome.outcome !== 'appended') throw new Error(outcome.outcome);
  }

  async execute(command: CommandInput): ReturnType<NodeHandle['execute']> {
    const parsed: Command = commandSchema.parse(command);
    return this.node.execute(parsed, 'test');
  }

  /** What the node's own routing and the recorded roster say of one backend's health. */
  healthOf(backend: string, pool = 'p'): { readonly recorded: string; readonly pending: string | null } {
    const found = this.node.roster().pools.get(pool)?.backends.get(backend);
    const recorded = found?.observations.find(({ node }) => node === 'lb-1')?.health.value ?? 'unknown';
    const type = this.node.pending().get(`${pool}/${backend}`)?.health?.event.type ?? null;
    return { recorded, pending: type };
  }

  /** Health facts in the journal, as `healthy b-1`. */
  async facts(): Promise<string[]> {
    const facts: string[] = [];
    for await (const { subject, payload } of this.journal.inner.read()) {
      if (!subject.startsWith('muster.demo.health.')) continue;
      const { type } = JSON.parse(payload) as { type: string };
      facts.push(`${type === 'BackendTurnedHealthy' ? 'healthy' : 'unhealthy'} ${subject.split('.').at(-1)}`);
    }
    return facts;
  }

  /** Stops the node, letting virtual time pass as needed. */
  async stop(options: { readonly drainTimeoutMs?: number; readonly reason?: string } = {}): Promise<void> {
    const stopping = this.node.stop(options);
    for (let round = 0; round < 100 && this.node.status().state !== 'stopped'; round++) {
      await this.clock.advance(round < 5 ? 0 : 1_000);
    }
    if (this.node.status().state !== 'stopped') throw new Error('the node does not stop');
    await stopping;
  }

  /** What is still alive and should not be. */
  leaks(): string[] {
    const leaks: string[] = [];
    if (this.clock.armedCount > 0) leaks.push(`${this.clock.armedCount} timers are armed`);
    if (this.targets.inFlightCount > 0) leaks.push(`${this.targets.inFlightCount} probes are under way`);
    for (const bind of this.sockets.openByBind.keys()) leaks.push(`socket ${bind} is open`);
    for (const { index, isAlive } of this.workers) if (isAlive) leaks.push(`worker ${index} lives`);
    return leaks;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.node !== undefined && this.node.status().state !== 'stopped') await this.stop();
    await this.clock.settle();
    const leaks = this.leaks();
    if (leaks.length > 0) throw new Error(`left over: ${leaks.join('; ')}`);
  }
}
