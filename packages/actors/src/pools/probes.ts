/**
 * The probes of a node: whose turn it is, those under way, and what they found, counted.
 *
 *     ask ──► in line ──► under way ──► the round that asked is told how it ended
 *
 * At most `PROBES_IN_FLIGHT_MAX` are under way at once, so that 10,000 first probes do not open 10,000 sockets in one turn of the event
 * loop. The line is first come, first served, and holds at most one entry per prober, so it is bounded by the number of backends.
 *
 * Faults of this machine come in thousands when they come, so they are logged once per `FAULT_LOG_INTERVAL_MS` with a count.
 */
import type { Health, HealthPolicy } from '@muster/membership';
import type { Probe, ProbeOutcome } from '@muster/probes';
import type { ProbeTotals } from '../node-status.ts';
import type { AnswerLimitFields, Clock, Logger, StartProbe } from '../ports.ts';

/** Probes under way at once, per node. */
const PROBES_IN_FLIGHT_MAX = 256;
const FAULT_LOG_INTERVAL_MS = 10_000;

/** What to probe, and what is known of it so far. */
export interface ProbeTask {
  readonly target: string;
  readonly policy: HealthPolicy;
  /** The pool's spec, as far as it concerns answers. */
  readonly limits: AnswerLimitFields;
  readonly health: Health;
}

/** Who asks for a probe: the round of a prober. */
export interface Asker {
  readonly task: ProbeTask;
  onProbed(outcome: ProbeOutcome): void;
  /** A defect kept the probe from being made. */
  onCrashed(error: unknown): void;
}

export interface ProbesPorts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly startProbe: StartProbe;
}

export class Probes {
  readonly #ports: ProbesPorts;
  /** Keeps the order of arrival. */
  readonly #waiting = new Set<Asker>();
  readonly #underWay = new Map<Asker, Probe>();
  #freeCount = PROBES_IN_FLIGHT_MAX;
  #passedCount = 0;
  #failedCount = 0;
  #faultsUnlogged = 0;
  #faultLoggedAtMs = -Infinity;

  constructor(ports: ProbesPorts) {
    this.#ports = ports;
  }

  totals(): ProbeTotals {
    return { passedCount: this.#passedCount, failedCount: this.#failedCount };
  }

  /** Probes once, now or when it is the asker's turn, and tells it how that ended. */
  ask(asker: Asker): void {
    if (this.#freeCount === 0) {
      this.#waiting.add(asker);
      return;
    }
    this.#freeCount -= 1;
    this.#begin(asker);
  }

  /** The asker hears nothing any more, and a probe that is under way for it is aborted. */
  takeBack(asker: Asker): void {
    this.#waiting.delete(asker);
    const probe = this.#underWay.get(asker);
    this.#underWay.delete(asker);
    probe?.abort();
  }

  #begin(asker: Asker): void {
    const { target, policy, limits } = asker.task;
    let probe: Probe;
    try {
      probe = this.#ports.startProbe(target, policy, limits);
    } catch (error) {
      this.#leave();
      asker.onCrashed(error);
      return;
    }
    this.#underWay.set(asker, probe);
    probe.outcome.then(
      (outcome) => {
        if (!this.#end(asker, probe)) return;
        this.#count(outcome);
        asker.onProbed(outcome);
      },
      (error: unknown) => {
        if (this.#end(asker, probe)) asker.onCrashed(error);
      },
    );
  }

  /** Returns whether its asker still waits for it. */
  #end(asker: Asker, probe: Probe): boolean {
    const isAwaited = this.#underWay.get(asker) === probe;
    if (isAwaited) this.#underWay.delete(asker);
    this.#leave();
    return isAwaited;
  }

  /** Hands the place of a probe that has ended to the next in line. */
  #leave(): void {
    for (const asker of this.#waiting) {
      this.#waiting.delete(asker);
      this.#begin(asker);
      return;
    }
    this.#freeCount += 1;
  }

  #count(outcome: ProbeOutcome): void {
    if (outcome.passed) this.#passedCount += 1;
    else if (outcome.code === 'local_fault') this.#countFault(outcome.reason);
    else if (outcome.code !== 'aborted') this.#failedCount += 1;
  }

  #countFault(reason: string): void {
    this.#faultsUnlogged += 1;
    const nowMs = this.#ports.clock.elapsedMs();
    if (nowMs - this.#faultLoggedAtMs < FAULT_LOG_INTERVAL_MS) return;
    const probesCount = this.#faultsUnlogged;
    this.#ports.log.error({ reason, probesCount }, `${probesCount} probes could not be made here: ${reason}`);
    this.#faultLoggedAtMs = nowMs;
    this.#faultsUnlogged = 0;
  }
}
