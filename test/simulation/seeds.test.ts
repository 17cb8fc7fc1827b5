/** A few seeds for the ordinary run of tests; two thousand are in `seeds.long.test.ts`. */
import { expect, test } from 'vitest';
import { failureText } from './failure-text.ts';
import { runSeed } from './run.ts';

const SEEDS = 60;

test(`${SEEDS} seeds: the invariants hold after every step, and all agree at the end`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = await runSeed(seed);
    expect(result.findings, result.findings.length === 0 ? '' : await failureText(result)).toEqual([]);
  }
});
