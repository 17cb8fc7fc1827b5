/**
 * Shrinking: the shortest schedule found that still breaks the same invariant. Steps are left out, in halves first and one by one at
 * the end (delta debugging: Zeller and Hildebrandt, 2002), then nodes and workers are taken away, then actions whose time must
 * pass, then pauses are shortened.
 *
 * A shorter schedule draws its chance differently, so what fails may do so for another reason; the same invariant is what is
 * asked for. It stops after `RUNS_MAX` runs with the best that it has.
 */
import type { Invariant } from './world/finding.ts';
import { run, type Run, type RunOptions } from './run.ts';
import type { Schedule, Step } from './schedule/schedule.ts';

/** At about 100 ms each. */
const RUNS_MAX = 250;

/** The shortest failing run found, which is the given one where nothing can be left out. */
export async function shrink(failed: Run, options: RunOptions = {}): Promise<Run> {
  const shrinking = new Shrinking(failed, options);
  await shrinking.leaveOutSteps();
  await shrinking.takeAway();
  await shrinking.leaveOutActions();
  await shrinking.shortenPauses();
  await shrinking.leaveOutSteps();
  return shrinking.best;
}

class Shrinking {
  best: Run;
  readonly #invariant: Invariant;
  readonly #options: RunOptions;
  #runsCount = 0;

  constructor(failed: Run, options: RunOptions) {
    this.#invariant = failed.findings[0]!.invariant;
    this.#options = options;
    const { schedule, failedAtStep } = failed;
    this.best = { ...failed, schedule: { ...schedule, steps: schedule.steps.slice(0, failedAtStep ?? undefined) } };
  }

  async leaveOutSteps(): Promise<void> {
    for (let size = Math.ceil(this.#steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = 0; from < this.#steps.length;) {
        const kept = [...this.#steps.slice(0, from), ...this.#steps.slice(from + size)];
        if (!(await this.#stillFails({ steps: kept }))) from += size;
      }
    }
  }

  /** Leaves out what is done, and lets its time pass all the same. */
  async leaveOutActions(): Promise<void> {
    for (let index = 0; index < this.#steps.length;) {
      const { action, thenMs } = this.#steps[index]!;
      const before = this.#steps[index - 1] ?? { action: { kind: 'wait' } as const, thenMs: 0 };
      const merged = { action: before.action, thenMs: before.thenMs + thenMs };
      const kept = [...this.#steps.slice(0, Math.max(0, index - 1)), merged, ...this.#steps.slice(index + 1)];
      const isWorthwhile = action.kind !== 'wait' || index > 0;
      if (!isWorthwhile || !(await this.#stillFails({ steps: kept }))) index += 1;
    }
  }

  async shortenPauses(): Promise<void> {
    for (let index = 0; index < this.#steps.length; index++) {
      const { action, thenMs } = this.#steps[index]!;
      for (const shorterMs of [0, 500, 2_000]) {
        if (shorterMs >= thenMs) break;
        const step: Step = { action, thenMs: shorterMs };
        if (await this.#stillFails({ steps: this.#steps.with(index, step) })) break;
      }
    }
  }

  async takeAway(): Promise<void> {
    for (let nodes = 1; nodes < this.best.schedule.nodes; nodes++) if (await this.#stillFails({ nodes })) break;
    if (this.best.schedule.workers > 1) await this.#stillFails({ workers: 1 });
  }

  get #steps(): readonly Step[] {
    return this.best.schedule.steps;
  }

  async #stillFails(change: Partial<Schedule>): Promise<boolean> {
    if (this.#runsCount >= RUNS_MAX) return false;
    this.#runsCount += 1;
    const tried = await run({ ...this.best.schedule, ...change }, this.#options);
    if (tried.findings[0]?.invariant !== this.#invariant) return false;
    const steps = tried.schedule.steps.slice(0, tried.failedAtStep ?? undefined);
    this.best = { ...tried, schedule: { ...tried.schedule, steps } };
    return true;
  }
}
