/**
 * A world for tests: targets that answer as they are told, addresses that can be taken, workers that fold, a journal that
 * can go away. Everything in virtual time, and everything that is still alive at the end is named.
 */
import { randomUUID } from 'node:crypto';
import { createMemoryJournal, type Journal } from '@muster/journal';
import {
  commandSchema,
  parseBind,
  type Command,
  type CommandInput,
  type MembershipEventInput,
  excludes,
} from '@muster/membership';
import type { Observation } from '@muster/observations';
import type { Probe, ProbeOutcome } from '@muster/probes';
import type { NodeHandle, NodeOptions } from '../src/node-handle.ts';
import { startNode } from '../src/node.ts';
import type { Logger, OpenSocketOutcome, SharedSocket } from '../src/ports.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedJournal } from './simulated-journal.ts';
import { SimulatedWorker } from './simulated-worker.ts';

export const PASS: ProbeOutcome = { passed: true, durationMs: 1 };
export const REFUSE: ProbeOutcome = {
  passed: false,
  code: 'connect_refused',
  reason: 'connection refused',
  durationMs: 1,
};

const FACT_NAMES: Readonly<Record<string, string>> = {
  BackendTurnedHealthy: 'healthy',
  BackendTurnedUnhealthy: 'unhealthy',
  BackendEjected: 'ejected',
  BackendReinstated: 'reinstated',
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
    const isTaken = [...this.openByBind.keys()].some((other) => excludes(parseBind(other)!, parseBind(bind)!));
    if (this.takenBinds.has(bind) || isTaken) {
      return Promise.resolve({
        outcome: 'failed',
        reason: `${bind} is taken by another process`,
        taken: parseBind(bind),
      });
    }
    const socket: SharedSocket = {
      handle: {},
      boundAddress: bind,
      address: parseBind(bind)!,
      close: () => {
        this.closedCount += 1;
        this.openByBind.delete(bind);
      },
    };
    this.openByBind.set(bind, socket);
    return Promise.resolve({ outcome: 'open', socket });
  };
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
  /** What the nodes of this world have seen, those that are gone included. */
  readonly observations: Observation[] = [];
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
      observations: { add: (observation) => this.observations.push(observation) },
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

  /** As `healthOf`, of its ejection. */
  ejectionOf(backend: string, pool = 'p'): { readonly recorded: string; readonly pending: string | null } {
    const found = this.node.roster().pools.get(pool)?.backends.get(backend);
    const recorded = found?.observations.find(({ node }) => node === 'lb-1')?.ejection.value ?? 'admitting';
    const type = this.node.pending().get(`${pool}/${backend}`)?.ejection?.event.type ?? null;
    return { recorded, pending: type };
  }

  /** Health facts in the journal, as `healthy b-1`. */
  async facts(): Promise<string[]> {
    const facts: string[] = [];
    for await (const { subject, payload } of this.journal.inner.read()) {
      if (!subject.startsWith('muster.demo.health.')) continue;
      const { type } = JSON.parse(payload) as { type: string };
      facts.push(`${FACT_NAMES[type]} ${subject.split('.').at(-1)}`);
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
