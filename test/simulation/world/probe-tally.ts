/**
 * What the probes of one node process answered, counted from outside: passes and failures in a row for each target, since the
 * roster last said anything about it.
 */
import type { StartProbe } from '@muster/actors';
import type { HealthPolicy } from '@muster/membership';
import type { ProbeOutcome } from '@muster/probes';

export interface ProbeCount {
  passedInRow: number;
  failedInRow: number;
  /** When a probe was last started, and when counting began, by the simulation's clock. */
  startedAtMs: number;
  readonly sinceMs: number;
}

export class ProbeTally {
  readonly #elapsedMs: () => number;
  #countsByTarget = new Map<string, ProbeCount>();

  constructor(elapsedMs: () => number) {
    this.#elapsedMs = elapsedMs;
  }

  of(target: string): ProbeCount {
    let count = this.#countsByTarget.get(target);
    if (count === undefined) {
      const nowMs = this.#elapsedMs();
      count = { passedInRow: 0, failedInRow: 0, startedAtMs: nowMs, sinceMs: nowMs };
      this.#countsByTarget.set(target, count);
    }
    return count;
  }

  /** What the probes of a target make of it by themselves; null where there were too few. */
  verdict(target: string, { rise, fall }: HealthPolicy): 'healthy' | 'unhealthy' | null {
    const { passedInRow, failedInRow } = this.of(target);
    if (failedInRow >= fall) return 'unhealthy';
    return passedInRow >= rise ? 'healthy' : null;
  }

  /** The roster says something else of it. */
  forget(target: string): void {
    this.#countsByTarget.delete(target);
  }

  forgetAll(): void {
    this.#countsByTarget = new Map();
  }

  /** Counts what these probes answer. */
  counting(startProbe: StartProbe): StartProbe {
    return (target, policy, limits) => {
      const count = this.of(target);
      count.startedAtMs = this.#elapsedMs();
      const probe = startProbe(target, policy, limits);
      void probe.outcome.then((outcome) => this.#countOutcome(count, outcome));
      return probe;
    };
  }

  #countOutcome(count: ProbeCount, outcome: ProbeOutcome): void {
    if (outcome.passed) {
      count.passedInRow += 1;
      count.failedInRow = 0;
    } else if (outcome.code !== 'aborted') {
      count.passedInRow = 0;
      count.failedInRow += 1;
    }
  }
}
