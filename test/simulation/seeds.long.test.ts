/**
 * Two thousand seeds, on as many cores as there are, each in a process of its own. `MUSTER_SIMULATION_SEEDS` asks for another number,
 * for a long night; `MUSTER_SIMULATION_FROM` says where to begin (default: 1).
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';

const MAIN = new URL('main.ts', import.meta.url).pathname;
const SEEDS = Number(process.env['MUSTER_SIMULATION_SEEDS'] ?? 2_000);
const FROM = Number(process.env['MUSTER_SIMULATION_FROM'] ?? 1);

/** What one process printed: that nothing is wrong, or the failure. */
function simulate(from: number, count: number): Promise<string> {
  const options = [MAIN, '--from', String(from), '--count', String(count)];
  return new Promise((resolve) => {
    execFile(process.execPath, options, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

test(`${SEEDS} seeds: the invariants hold after every step, and all agree at the end`, async () => {
  const processes = availableParallelism();
  const each = Math.ceil(SEEDS / processes);
  const runs = Array.from({ length: processes }, (_, index) => simulate(FROM + index * each, each));
  for (const text of await Promise.all(runs)) expect(text).toMatch(/^\d+ seeds from \d+ on: nothing is wrong/);
});
