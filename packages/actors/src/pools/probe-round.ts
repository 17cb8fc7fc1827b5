/**
 * The round of one prober: probes a target again and again, and tells the prober only what it does not expect.
 *
 *     begin ──► in line for a probe ──► under way ──► ended ──► interval ± jitter ──► in line …
 *                                                      │ only what contradicts the judgement, or confirms it after a doubt
 *                                                      ▼
 *                                                   the prober, which may set another pace
 *
 * A class and not states of the prober's machine, for its cost: most probes find what is known already, and 10,000 backends end 2,000 of
 * them a second. With `probing` and `waiting` as states a probe cost 125 µs, of which the socket takes 60; so it costs 70.
 */
import { isFinding, jitteredMs, type Judgement } from '@muster/membership';
import type { Observation } from '@muster/observations';
import type { ProbeOutcome } from '@muster/probes';
import type { Clock } from '../ports.ts';
import type { Asker, Probes, ProbeTask } from './probes.ts';

/** How often a round tells the observer what is thought of its target, so that what is kept can be read from the middle. */
const STATE_INTERVAL_MS = 600_000;

/** What all probers of a node share. */
export interface ProberPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly probes: Pick<Probes, 'ask' | 'takeBack'>;
  /** Told of everything that a judgement is made from, and of what it came to. */
  readonly observe: (observation: Observation) => void;
}

/** To the prober. */
export type RoundEvent =
  /** A finding speaks against the judgement. `reason`, for people, says why the probe did not pass; null where it did. */
  | { readonly type: 'contradicted'; readonly reason: string | null }
  /** A finding speaks for the judgement again. */
  | { readonly type: 'confirmed' }
  /** A probe could not be made, because of a defect. */
  | { readonly type: 'crashed'; readonly error: unknown };

export interface RoundInput {
  readonly pool: string;
  readonly backend: string;
  readonly task: ProbeTask;
  readonly ports: ProberPorts;
}

export class ProbeRound implements Asker {
  readonly task: ProbeTask;
  readonly #about: { readonly pool: string; readonly backend: string };
  readonly #ports: ProberPorts;
  readonly #prober: { send(event: RoundEvent): void };
  #judgement: Judgement;
  #intervalMs: number;
  #timer: unknown = null;
  #isStopped = false;
  #stateToldAtMs: number;

  constructor({ pool, backend, task, ports }: RoundInput, prober: { send(event: RoundEvent): void }) {
    this.#about = { pool, backend };
    this.task = task;
    this.#ports = ports;
    this.#prober = prober;
    this.#judgement = { health: task.health, againstCount: 0 };
    this.#intervalMs = task.policy.intervalMs;
    this.#stateToldAtMs = ports.clock.elapsedMs();
  }

  begin(): void {
    const { target, policy, health } = this.task;
    this.#ports.observe({ kind: 'probing-began', ...this.#seen(), target, policy, health });
    this.#ports.probes.ask(this);
  }

  /** From the end of this probe on: what is thought of the target, and how long to wait until the next. */
  setPace(intervalMs: number, judgement: Judgement): void {
    this.#intervalMs = intervalMs;
    this.#judgement = judgement;
  }

  /** Nothing is told any more; a probe that is under way is taken back. */
  stop(): void {
    this.#isStopped = true;
    this.#ports.observe({ kind: 'probing-ended', ...this.#seen() });
    this.#ports.clock.clearTimeout(this.#timer);
    this.#ports.probes.takeBack(this);
  }

  onProbed(outcome: ProbeOutcome): void {
    const { target, policy } = this.task;
    const { passed, durationMs } = outcome;
    const { code, reason } = passed ? PASSED : outcome;
    this.#ports.observe({ kind: 'probe', ...this.#seen(), target, passed, code, reason, durationMs });
    if (isFinding(outcome)) this.#tell(passed, reason);
    if (this.#isStopped) return;
    this.#timer = this.#ports.clock.setTimeout(this.#ask, jitteredMs(this.#intervalMs, policy, this.#ports.random));
    const nowMs = this.#ports.clock.elapsedMs();
    if (nowMs - this.#stateToldAtMs < STATE_INTERVAL_MS) return;
    this.#stateToldAtMs = nowMs;
    this.#ports.observe({ kind: 'probing-state', ...this.#seen(), target, policy, ...this.#judgement });
  }

  /** The prober takes it in a turn of its own: a probe may begin in that of another, which must not crash of it. */
  onCrashed(error: unknown): void {
    this.#prober.send({ type: 'crashed', error });
  }

  readonly #ask = (): void => this.#ports.probes.ask(this);

  #tell(passed: boolean, reason: string | null): void {
    const { health, againstCount } = this.#judgement;
    if (health !== (passed ? 'healthy' : 'unhealthy')) this.#prober.send({ type: 'contradicted', reason });
    else if (againstCount > 0) this.#prober.send({ type: 'confirmed' });
  }

  #seen(): { timeMs: number; pool: string; backend: string } {
    return { timeMs: Math.round(this.#ports.clock.now()), ...this.#about };
  }
}

const PASSED = { code: null, reason: null } as const;
