/**
 * A prober as it would have been under other settings, on the recorded outcomes of the real one. Pure.
 *
 * As long as both would probe at the same pace, it takes the recorded probes as they come. Where it would probe
 *
 *   - faster because the interval is shorter, it makes probes of its own between two recorded ones, and their outcome is taken to be
 *     that of the recorded one before;
 *   - faster because it is still in doubt where the real one was not any more, it does so where the recorded ones before and after
 *     agree; where they do not, nobody knows what was in between, and it goes on with the one after;
 *   - slower, it passes over those that come before its time.
 *
 * Probes that nobody made are counted as assumed.
 *
 * A shorter timeout fails what took longer. With a longer one a probe that had timed out may have passed, which nobody knows: it is
 * taken as failed and counted as doubtful. Its intervals have no jitter, since that was chance.
 */
import { fastIntervalMs, isFinding, judge, type HealthPolicy, type Judgement } from '@muster/membership';
import type { ProbeSeen } from '@muster/observations';
import type { Flip } from './health-course.ts';
import { policyWith, type HealthSettings } from './health-settings.ts';
import type { Knowledge } from './recorded-prober.ts';

/** Probes of its own between two recorded ones: an hour of them at the shortest interval. */
const ASSUMED_MAX = 72_000;

export interface ImaginedCounts {
  /** All that it made, from the time on that is asked about. */
  probesCount: number;
  /** How many of the probes nobody made. */
  assumedCount: number;
  /** How many probes would have had more time, and are taken as failed all the same. */
  doubtfulCount: number;
}

interface Outcome {
  readonly passed: boolean;
  readonly code: string | null;
  readonly reason: string | null;
  readonly target: string;
}

interface Pace {
  /** Its own newest probe. */
  readonly atMs: number;
  readonly outcome: Outcome;
  /** From the newest recorded probe, whether it was taken or passed over, to the next, without the jitter. */
  realDelayMs: number;
  /** Its interval is shorter than the real one. */
  readonly isShorter: boolean;
}

export class ImaginedProber {
  /** Null while it is not known what it thinks. */
  judgement: Judgement | null = null;
  readonly counts: ImaginedCounts = { probesCount: 0, assumedCount: 0, doubtfulCount: 0 };
  readonly #settings: HealthSettings;
  readonly #fromMs: number;
  #policy: HealthPolicy | null = null;
  /** Null until its first probe. */
  #pace: Pace | null = null;

  /** `fromMs`: probes are counted from here on. */
  constructor({ settings, fromMs }: { readonly settings: HealthSettings; readonly fromMs: number }) {
    this.#settings = settings;
    this.#fromMs = fromMs;
  }

  /** The real one begins, or is known again. `isCarriedOver`: this one goes on with what it thinks itself. */
  begin({ policy, judgement }: Knowledge, { isCarriedOver }: { readonly isCarriedOver: boolean }): void {
    const own = isCarriedOver ? this.judgement : null;
    this.judgement = own === null ? judgement : { health: own.health, againstCount: 0 };
    this.#policy = policyWith(policy, this.#settings);
    this.#pace = null;
  }

  lost(): void {
    this.judgement = null;
    this.#pace = null;
  }

  /** What it would have found before `timeMs` by probes that nobody made. `next`: the recorded one after them; null for none. */
  *goOn(timeMs: number, next: ProbeSeen | null): Generator<Flip> {
    if (!this.#mayAssume(next)) return;
    for (let count = 0; count < ASSUMED_MAX && this.#pace !== null && this.judgement !== null; count++) {
      const { atMs, outcome, realDelayMs } = this.#pace;
      const ownDelayMs = delayMs(this.judgement, this.#policy!);
      if (ownDelayMs >= realDelayMs || atMs + ownDelayMs >= timeMs) return;
      if (atMs + ownDelayMs >= this.#fromMs) this.counts.assumedCount += 1;
      this.#pace = { ...this.#pace, atMs: atMs + ownDelayMs };
      yield* this.#take(atMs + ownDelayMs, outcome);
    }
  }

  /** A recorded probe, and what the real one thought after it. */
  *probed(probe: ProbeSeen, real: Knowledge): Generator<Flip> {
    yield* this.goOn(probe.timeMs, probe);
    if (this.judgement === null) return;
    const realDelayMs = delayMs(real.judgement, real.policy);
    if (this.#isTooEarly(probe.timeMs)) {
      this.#pace!.realDelayMs = realDelayMs;
      return;
    }
    const outcome = this.#outcomeOf(probe, real.policy);
    const isShorter = this.#policy!.intervalMs < real.policy.intervalMs;
    this.#pace = { atMs: probe.timeMs, outcome, realDelayMs, isShorter };
    yield* this.#take(probe.timeMs, outcome);
  }

  #mayAssume(next: ProbeSeen | null): boolean {
    if (this.#pace === null) return false;
    return this.#pace.isShorter || next?.passed === this.#pace.outcome.passed;
  }

  #isTooEarly(timeMs: number): boolean {
    if (this.#pace === null) return false;
    const ownDelayMs = delayMs(this.judgement!, this.#policy!);
    if (ownDelayMs <= this.#pace.realDelayMs) return false;
    return timeMs < this.#pace.atMs + ownDelayMs * (1 - this.#policy!.jitterRatio);
  }

  *#take(timeMs: number, outcome: Outcome): Generator<Flip> {
    if (timeMs >= this.#fromMs) this.counts.probesCount += 1;
    if (!isFinding(outcome)) return;
    const before = this.judgement!;
    this.judgement = judge(before, outcome.passed, this.#policy!);
    const { health } = this.judgement;
    if (health === before.health || health === 'unknown') return;
    yield { timeMs, from: before.health, health, target: outcome.target, reason: outcome.reason };
  }

  #outcomeOf({ timeMs, passed, code, reason, target, durationMs }: ProbeSeen, real: HealthPolicy): Outcome {
    const { timeoutMs } = this.#policy!;
    if (passed && timeoutMs < real.timeoutMs && durationMs > timeoutMs) {
      return { passed: false, code: 'no_answer', reason: `it took ${durationMs} ms`, target };
    }
    const hadNoTime = !passed && timeoutMs > real.timeoutMs && durationMs >= real.timeoutMs - 1;
    if (hadNoTime && timeMs >= this.#fromMs) this.counts.doubtfulCount += 1;
    return { passed, code, reason, target };
  }
}

/** From the end of a probe to the next, in ms, without the jitter. */
function delayMs({ againstCount }: Judgement, policy: HealthPolicy): number {
  return againstCount > 0 ? fastIntervalMs(policy) : policy.intervalMs;
}
