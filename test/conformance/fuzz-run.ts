/**
 * How a fuzzer is run: in batches with a seed each, so that the event loop turns in between, from a seed that is told.
 *
 *     MUSTER_FUZZ_SEED=7 MUSTER_FUZZ_CASES=1000000 pnpm test:conformance        or MUSTER_FUZZ_SEED=random
 *
 * A failure names its batch's seed and the smallest case that fails; with that seed it is the first batch.
 */
import { assert, asyncProperty, type Arbitrary } from 'fast-check';

const BATCH_CASES = 1_000;

export interface FuzzPlan {
  readonly seed: number;
  readonly casesCount: number;
}

/** What the environment asks for, else what is usual. */
export function fuzzPlan(casesUsual: number, seedUsual: number): FuzzPlan {
  const { MUSTER_FUZZ_SEED: seed, MUSTER_FUZZ_CASES: cases } = process.env;
  const seedAsked = seed === 'random' ? Date.now() % 2 ** 31 : Number(seed ?? seedUsual);
  return { seed: seedAsked, casesCount: Number(cases ?? casesUsual) };
}

/** Fails with the seed and the smallest case that `check` throws on. */
export async function fuzz<Case>(
  { seed, casesCount }: FuzzPlan,
  cases: Arbitrary<Case>,
  check: (one: Case) => void | Promise<void>,
): Promise<void> {
  for (let batch = 0; batch * BATCH_CASES < casesCount; batch++) {
    const numRuns = Math.min(BATCH_CASES, casesCount - batch * BATCH_CASES);
    await assert(
      asyncProperty(cases, async (one) => check(one)),
      { seed: seed + batch, numRuns },
    );
    await new Promise((resolve) => setImmediate(resolve));
  }
}
