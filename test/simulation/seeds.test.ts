/** A few seeds for the ordinary run of tests; two thousand are in `seeds.long.test.ts`. */
import { expect, test } from 'vitest';
import { verdictOf } from './failure-text.ts';
import { runSeed } from './run.ts';

const SEEDS = 20;

test(`${SEEDS} seeds: the invariants hold after every step, and all agree at the end`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) expect(await verdictOf(await runSeed(seed))).toBe('sound');
});
