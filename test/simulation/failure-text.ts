/** A failed run for people: its seed, what it found, the shortest schedule that finds it, and how to run both again. */
import type { Run, RunOptions } from './run.ts';
import { shrink } from './shrink.ts';

/** `sound`, or the text of its failure. For tests, which compare it with `sound`. */
export async function verdictOf(result: Run): Promise<string> {
  return result.findings.length === 0 ? 'sound' : failureText(result);
}

/** Runs it again many times, to find the shortest schedule. */
export async function failureText(failed: Run, options: RunOptions = {}): Promise<string> {
  const shortest = await shrink(failed, options);
  const { seed, steps } = failed.schedule;
  return [
    `seed ${seed} fails: ${failed.findings[0]!.invariant}`,
    ...failed.findings.map(({ invariant, message }) => `  ${invariant}: ${message}`),
    `the shortest schedule found has ${shortest.schedule.steps.length} of ${failed.failedAtStep ?? steps.length} steps:`,
    scheduleText(shortest),
    `run it again: node bootstrap.mjs simulate --seed ${seed} --shrink`,
  ].join('\n');
}

/** One line per step. */
export function scheduleText({ schedule, findings }: Run): string {
  const { nodes, workers, steps } = schedule;
  const lines = steps.map(({ action, thenMs }, index) => {
    const { kind, ...parameters } = action;
    const pause = thenMs === 0 ? '' : `, then ${thenMs} ms`;
    return `  ${index + 1}. ${kind} ${JSON.stringify(parameters)}${pause}`;
  });
  const found = findings[0];
  return [
    `  ${nodes} node(s) with ${workers} worker(s) each`,
    ...lines,
    found === undefined ? '  nothing is wrong' : `  => ${found.invariant}: ${found.message}`,
  ].join('\n');
}
