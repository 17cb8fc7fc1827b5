/**
 * What all probes of a node found, counted; and a word about those that this machine could not make.
 *
 * Faults of this machine come in thousands when they come, so they are logged once per `LOG_INTERVAL_MS` with a count.
 */
import type { ProbeOutcome } from '@muster/probes';
import type { ProbeTotals } from '../node-status.ts';
import type { Clock, Logger } from '../ports.ts';

const LOG_INTERVAL_MS = 10_000;

export class ProbeTally {
  #passedCount = 0;
  #failedCount = 0;
  #faultsUnlogged = 0;
  #loggedAtMs = -Infinity;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor({ clock, log }: { clock: Clock; log: Logger }) {
    this.#clock = clock;
    this.#log = log;
  }

  totals(): ProbeTotals {
    return { passedCount: this.#passedCount, failedCount: this.#failedCount };
  }

  count(outcome: ProbeOutcome): void {
    if (outcome.passed) this.#passedCount += 1;
    else if (outcome.code === 'local_fault') this.#countFault(outcome.reason);
    else if (outcome.code !== 'aborted') this.#failedCount += 1;
  }

  #countFault(reason: string): void {
    this.#faultsUnlogged += 1;
    const nowMs = this.#clock.elapsedMs();
    if (nowMs - this.#loggedAtMs < LOG_INTERVAL_MS) return;
    const probesCount = this.#faultsUnlogged;
    this.#log.error({ reason, probesCount }, `${probesCount} probes could not be made here: ${reason}`);
    this.#loggedAtMs = nowMs;
    this.#faultsUnlogged = 0;
  }
}
