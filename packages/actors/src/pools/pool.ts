/**
 * The pool as this node works on it: keeps an actor for each of its backends that is to be probed, and decides who is ejected.
 *
 *     the roster's wishes ──► backend actors, which differ from them only
 *     a worker's outlier ──► rule ──► BackendEjected ──► its time is up, or its probes pass again ──► BackendReinstated
 *
 * A class and not a machine: nothing of it takes time. What time does to a backend is in the backend's chart, so a backend that nothing
 * happens to has no actor. What is found are facts: they act on this node at once and are recorded when the journal takes them.
 *
 * Level-triggered: it is told what a backend should be now, not what happened to it. One whose target, policy and health
 * are what its actor has already is left alone. One that is ejected in the roster and not here (after a restart of this node) gets the
 * rest of its time from the event's, as a first ejection; one that somebody else has reinstated is let go. A new target begins with
 * nothing counted. Who is ejected when the policy changes stays out for the time that it was told, unless the pool ejects nobody any
 * more. Two workers that report the same backend are one ejection, because the second report finds it out already.
 */
import { createActor, type Actor } from 'xstate';
import {
  ejectionPolicyOf,
  observationBy,
  type Backend,
  type EjectionPolicy,
  type HealthEvent,
} from '@muster/membership';
import { ActorGroup, type Supervision } from '../actor-group.ts';
import type { FoldedRoster } from '../folded-roster.ts';
import type { Outlier } from '../ports.ts';
import { backendMachine, type BackendPorts, type Ejection } from './backend-machine.ts';
import { countMax, judgeOutlier, termMs } from './ejection-rule.ts';
import type { ProberPorts } from './probe-round.ts';
import type { ProbeTask } from './probes.ts';

/** A spared outlier is logged once per pool in this time, though workers report it once a second. */
const SPARED_LOG_INTERVAL_MS = 10_000;

export interface PoolPorts extends Supervision {
  readonly folded: FoldedRoster;
  readonly prober: ProberPorts;
  readonly onFound: (pool: string, backend: string, event: HealthEvent) => void;
}

/** A backend as the roster has it, this node's unrecorded facts included. */
interface Membership {
  readonly target: string;
  /** When this node ejected it, ms since 1970; null where it has not, or no more. */
  readonly ejectedMs: number | null;
}

/** What one backend should be now. */
export interface BackendWish {
  readonly backend: string;
  /** Null: no member any more. */
  readonly member: Membership | null;
  /** Null: nothing to probe, or no member any more. */
  readonly task: ProbeTask | null;
}

export function membershipOf({ target, observations }: Backend, node: string): Membership {
  const { ejection } = observationBy(node, observations);
  return { target: target.value, ejectedMs: ejection.value === 'ejected' ? ejection.timeMs : null };
}

export class Pool {
  readonly #id: string;
  readonly #ports: PoolPorts;
  readonly #taskByBackend = new Map<string, ProbeTask>();
  readonly #ejected = new Set<string>();
  readonly #backends: ActorGroup<Actor<typeof backendMachine>>;
  #spareLoggedMs = -Infinity;

  constructor(id: string, ports: PoolPorts) {
    this.#id = id;
    this.#ports = ports;
    const { clock, random, log, onGivenUp, prober } = ports;
    const backendPorts: BackendPorts = {
      clock,
      random,
      log,
      onGivenUp,
      prober,
      onFound: (backend, event) => this.#found(backend, event),
      termMs: (count) => this.#termMs(count),
      onForgiven: (backend) => {
        if (!this.#taskByBackend.has(backend)) this.#stop(backend);
      },
    };
    this.#backends = new ActorGroup(ports, {
      kind: 'backend',
      pool: id,
      create: (backend) => {
        const task = this.#taskByBackend.get(backend) ?? null;
        return createActor(backendMachine, { clock, input: { pool: id, backend, task, ports: backendPorts } });
      },
      onRestarted: (backend) => this.#refill(backend),
    });
  }

  reconcile({ backend, member, task }: BackendWish): void {
    if (member === null) return this.#stop(backend);
    this.#watch(backend, task);
    this.#follow(backend, member);
    this.#stopIdle(backend);
  }

  /** A worker's traffic found a backend failing. */
  judge(outlier: Outlier): void {
    const policy = this.#policy();
    if (policy === null) return;
    const { folded } = this.#ports;
    const decided = judgeOutlier(outlier, { folded, policy, ejectedCount: this.#ejected.size });
    if (decided.verdict === 'eject') this.#eject(outlier, policy);
    else if (decided.verdict === 'spare') this.#logSpared(outlier, decided.why);
  }

  /** The roster knows who is ejected when the pool is there again. */
  stop(): void {
    this.#backends.stopAll();
  }

  #watch(backend: string, task: ProbeTask | null): void {
    if (task === null) this.#taskByBackend.delete(backend);
    else this.#taskByBackend.set(backend, task);
    const actor = this.#backends.get(backend);
    if (actor === null) {
      if (task !== null) this.#backends.start(backend);
      return;
    }
    const { task: before } = actor.getSnapshot().context;
    if (task === null) {
      if (before !== null) actor.send({ type: 'unwatch' });
    } else if (before === null || !isSameTask(before, task)) actor.send({ type: 'watch', task });
  }

  #follow(backend: string, { target, ejectedMs }: Membership): void {
    const ejection = this.#ejectionOf(backend);
    if (ejection !== null && ejection.target !== target) {
      this.#ejected.delete(backend);
      this.#backends.get(backend)?.send({ type: 'retargeted' });
    }
    if (ejectedMs === null) {
      if (this.#ejected.delete(backend)) this.#backends.get(backend)?.send({ type: 'admitted' });
      return;
    }
    if (!this.#ejected.has(backend)) this.#begin(backend, this.#restOf(backend, { target, ejectedMs }));
    if (this.#policy() !== null) return;
    this.#backends.get(backend)?.send({ type: 'reinstate', reason: 'the pool ejects nobody any more' });
  }

  /** The actor of a backend crashed, and with it went what was counted of its ejections. */
  #refill(id: string): void {
    this.#ejected.delete(id);
    const { folded } = this.#ports;
    const backend = folded.backend(this.#id, id);
    if (backend !== undefined) this.#follow(id, membershipOf(backend, folded.node));
    this.#stopIdle(id);
  }

  #stop(backend: string): void {
    this.#taskByBackend.delete(backend);
    this.#ejected.delete(backend);
    this.#backends.stop(backend);
  }

  /** Ends the actor of a backend that time does nothing to. */
  #stopIdle(backend: string): void {
    if (this.#taskByBackend.has(backend) || this.#ejected.has(backend) || this.#ejectionOf(backend) !== null) return;
    this.#stop(backend);
  }

  #found(backend: string, event: HealthEvent): void {
    if (event.type === 'BackendReinstated') this.#ejected.delete(backend);
    this.#ports.onFound(this.#id, backend, event);
  }

  #eject({ backend, target, reason }: Outlier, policy: EjectionPolicy): void {
    const count = this.#nextCount(backend, target);
    const leftMs = termMs(policy, count);
    this.#begin(backend, { target, count, leftMs });
    this.#found(backend, { type: 'BackendEjected', target, reason: `${reason}; out for ${leftMs / 1_000} s` });
  }

  #begin(backend: string, ejection: Ejection): void {
    this.#ejected.add(backend);
    this.#backends.start(backend);
    this.#backends.get(backend)?.send({ type: 'ejected', ...ejection });
  }

  /** What is left of an ejection that somebody else has recorded, or this node before it was started again. */
  #restOf(backend: string, { target, ejectedMs }: { target: string; ejectedMs: number }): Ejection {
    const count = this.#nextCount(backend, target);
    const wholeMs = this.#termMs(count);
    // The journal's clock may be another machine's: nobody is out for longer than the whole.
    const leftMs = Math.min(wholeMs, Math.max(0, ejectedMs + wholeMs - this.#ports.clock.now()));
    return { target, count, leftMs };
  }

  #nextCount(backend: string, target: string): number {
    const policy = this.#policy();
    const latest = this.#ejectionOf(backend);
    return policy === null || latest?.target !== target ? 1 : Math.min(latest.count + 1, countMax(policy));
  }

  /** The present ejection of a backend, or the latest while it is not forgiven. */
  #ejectionOf(backend: string): Ejection | null {
    return this.#backends.get(backend)?.getSnapshot().context.ejection ?? null;
  }

  #termMs(count: number): number {
    const policy = this.#policy();
    return policy === null ? 0 : termMs(policy, count);
  }

  #policy(): EjectionPolicy | null {
    const spec = this.#ports.folded.roster.pools.get(this.#id)?.spec;
    return spec === undefined ? null : ejectionPolicyOf(spec);
  }

  #logSpared({ backend, target, reason }: Outlier, why: string): void {
    const { clock, log } = this.#ports;
    if (clock.elapsedMs() - this.#spareLoggedMs < SPARED_LOG_INTERVAL_MS) return;
    this.#spareLoggedMs = clock.elapsedMs();
    const pool = this.#id;
    log.warn(
      { pool, backend, target, reason, why },
      `backend ${pool}/${backend} fails and is not ejected: ${why} (${reason})`,
    );
  }
}

const LIMITS = ['maxAnswerHeadBytes', 'maxAnswerFields', 'maxInterimAnswers'] as const;

function isSameTask(left: ProbeTask, right: ProbeTask): boolean {
  if (left.target !== right.target || left.health !== right.health) return false;
  if (LIMITS.some((field) => left.limits[field] !== right.limits[field])) return false;
  return left.policy === right.policy || JSON.stringify(left.policy) === JSON.stringify(right.policy);
}
