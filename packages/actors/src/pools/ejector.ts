/**
 * The ejector of one pool: decides on the outliers that the workers report, and brings the ejected backends back.
 *
 *     a worker's outlier ──► rule ──► BackendEjected ──► its time is up, or its probes pass again ──► BackendReinstated
 *
 * What it finds are facts as the probers' are: they act on this node at once and are recorded when the journal takes them.
 * Two workers that report the same backend are one ejection, because the second report finds it out already.
 *
 * Level-triggered like everything that follows the roster: a backend that is ejected in it and not here (after a restart of
 * this node) gets the rest of its time from the event's, as a first ejection; one that somebody else has reinstated
 * is let go. A new target begins with nothing counted. Who is ejected when the policy changes stays out for the time that it was
 * told, unless the pool ejects nobody any more.
 */
import { createActor, type Actor } from 'xstate';
import { ejectionPolicyOf, type EjectionPolicy } from '@muster/membership';
import { ActorGroup, type Supervision } from '../actor-group.ts';
import { ejectionMachine } from './ejection-machine.ts';
import { countMax, judgeOutlier, termMs } from './ejection-rule.ts';
import type { FoldedRoster } from '../folded-roster.ts';
import type { Finding } from '../journal/own-findings.ts';
import type { Outlier } from '../ports.ts';

/** That an outlier is spared is logged once per pool in this time; workers report it once a second. */
const SPARED_LOG_INTERVAL_MS = 10_000;

export interface EjectorPorts extends Supervision {
  readonly folded: FoldedRoster;
  readonly onFinding: (finding: Finding) => void;
}

/** A backend as the roster has it, this node's unrecorded facts included. */
export interface MemberState {
  readonly target: string;
  /** When this node ejected it, ms since 1970; null where it has not, or no more. */
  readonly ejectedMs: number | null;
}

/** An ejection: which of the backend's it is, and how much of it is left. */
interface Term {
  readonly target: string;
  readonly count: number;
  readonly leftMs: number;
}

export class Ejector {
  readonly #pool: string;
  readonly #ports: EjectorPorts;
  readonly #termByBackend = new Map<string, Term>();
  readonly #ejections: ActorGroup<Actor<typeof ejectionMachine>>;
  readonly #ejected = new Set<string>();
  #spareLoggedMs = -Infinity;

  constructor(pool: string, ports: EjectorPorts) {
    this.#pool = pool;
    this.#ports = ports;
    this.#ejections = new ActorGroup(ports, {
      kind: 'ejection',
      pool,
      create: (backend) => this.#makeEjection(backend),
      onDone: (backend) => this.#termByBackend.delete(backend),
    });
  }

  judge(outlier: Outlier): void {
    const policy = this.#policy();
    if (policy === null) return;
    const { folded } = this.#ports;
    const decided = judgeOutlier(outlier, { folded, policy, ejectedCount: this.#ejected.size });
    if (decided.verdict === 'eject') this.#eject(outlier, policy);
    else if (decided.verdict === 'spare') this.#logSpared(outlier, decided.why);
  }

  /** What the roster says of a backend now; null: it is no member any more. */
  follow(backend: string, member: MemberState | null): void {
    if (this.#termByBackend.get(backend)?.target !== member?.target) this.#forget(backend);
    if (member === null) return;
    const { target, ejectedMs } = member;
    if (ejectedMs === null) return this.#admit(backend);
    if (!this.#ejected.has(backend)) this.#begin(backend, this.#restOf({ backend, target, ejectedMs }));
    if (this.#policy() === null) this.#reinstate(backend, 'the pool ejects nobody any more');
  }

  /** A probe's word is newer than that of the traffic which the backend no longer gets. */
  turnedHealthy(backend: string, reason: string): void {
    if (this.#ejected.has(backend)) this.#reinstate(backend, `turned healthy: ${reason}`);
  }

  stop(): void {
    this.#ejections.stopAll();
  }

  #eject({ backend, target, reason }: Outlier, policy: EjectionPolicy): void {
    if (this.#termByBackend.get(backend)?.target !== target) this.#forget(backend);
    const count = this.#nextCount(backend);
    const leftMs = termMs(policy, count);
    this.#begin(backend, { target, count, leftMs });
    this.#find(backend, { type: 'BackendEjected', target, reason: `${reason}; out for ${seconds(leftMs)}` });
  }

  /** Of an ejection that somebody else has recorded, or this node before it was started again. */
  #restOf({ backend, target, ejectedMs }: { backend: string; target: string; ejectedMs: number }): Term {
    const count = this.#nextCount(backend);
    const wholeMs = this.#termMs(count);
    // The journal's clock may be another machine's: nobody is out for longer than the whole.
    const leftMs = Math.min(wholeMs, Math.max(0, ejectedMs + wholeMs - this.#ports.clock.now()));
    return { target, count, leftMs };
  }

  #nextCount(backend: string): number {
    const policy = this.#policy();
    const count = this.#ejections.get(backend)?.getSnapshot().context.count ?? 0;
    return policy === null ? 1 : Math.min(count + 1, countMax(policy));
  }

  #begin(backend: string, term: Term): void {
    this.#termByBackend.set(backend, term);
    this.#ejected.add(backend);
    if (this.#ejections.has(backend)) this.#ejections.get(backend)?.send({ type: 'ejected', ...term });
    else this.#ejections.start(backend);
  }

  #reinstate(backend: string, reason: string): void {
    const { target } = this.#termByBackend.get(backend)!;
    this.#admit(backend);
    this.#find(backend, { type: 'BackendReinstated', target, reason });
  }

  #admit(backend: string): void {
    if (this.#ejected.delete(backend)) this.#ejections.get(backend)?.send({ type: 'admitted' });
  }

  #forget(backend: string): void {
    this.#ejected.delete(backend);
    this.#termByBackend.delete(backend);
    this.#ejections.stop(backend);
  }

  #find(backend: string, event: Finding['event']): void {
    this.#ports.onFinding({ pool: this.#pool, backend, event });
  }

  #makeEjection(backend: string): Actor<typeof ejectionMachine> {
    const input = {
      ...this.#termByBackend.get(backend)!,
      termMs: (count: number) => this.#termMs(count),
      onTimeUp: () => this.#reinstate(backend, 'its time is up'),
    };
    return createActor(ejectionMachine, { clock: this.#ports.clock, input });
  }

  #termMs(count: number): number {
    const policy = this.#policy();
    return policy === null ? 0 : termMs(policy, count);
  }

  #policy(): EjectionPolicy | null {
    const spec = this.#ports.folded.roster.pools.get(this.#pool)?.spec;
    return spec === undefined ? null : ejectionPolicyOf(spec);
  }

  #logSpared({ backend, target, reason }: Outlier, why: string): void {
    const { clock, log } = this.#ports;
    if (clock.elapsedMs() - this.#spareLoggedMs < SPARED_LOG_INTERVAL_MS) return;
    this.#spareLoggedMs = clock.elapsedMs();
    const pool = this.#pool;
    log.warn(
      { pool, backend, target, reason, why },
      `backend ${pool}/${backend} fails and is not ejected: ${why} (${reason})`,
    );
  }
}

function seconds(durationMs: number): string {
  return `${durationMs / 1_000} s`;
}
