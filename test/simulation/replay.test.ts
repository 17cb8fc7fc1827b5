/** One seed, one run: the same to the last hash, in this process, in another one, and from a schedule that was written down. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { run, runSeed } from './run.ts';
import type { Schedule } from './schedule/schedule.ts';

const MAIN = new URL('main.ts', import.meta.url).pathname;
const SEEDS = [1, 2, 3, 4, 5, 6];

test('the same seed gives the same trace, and another one another', async () => {
  const traces = new Set<string>();
  for (const seed of SEEDS) {
    const first = await runSeed(seed);
    const second = await runSeed(seed);
    expect(second.trace).toBe(first.trace);
    traces.add(first.trace);
  }
  expect(traces.size).toBe(SEEDS.length);
});

test('in another process, too', async () => {
  const { trace } = await runSeed(7);
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, '--seed', '7']);
  expect(stdout).toContain(`seed 7, trace ${trace}\n`);
});

test('a schedule that was written down runs as the one that was made', async () => {
  const made = await runSeed(8);
  const written = JSON.parse(JSON.stringify(made.schedule)) as Schedule;
  expect((await run(written)).trace).toBe(made.trace);
});
