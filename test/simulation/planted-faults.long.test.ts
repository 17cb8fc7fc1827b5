/** Each invariant's check finds a fault that was planted for it, and finds nothing in the same run without the fault. */
import { describe, expect, test } from 'vitest';
import { failureText } from './failure-text.ts';
import { INVARIANTS } from './world/finding.ts';
import { PLANTED_FAULTS } from './planted-faults.ts';
import { runSeed, type Run } from './run.ts';

/** Not every run gives every fault an occasion. */
const SEEDS_MAX = 40;

type Planted = (typeof PLANTED_FAULTS)[number];

/** The first run in which the check of its own invariant is the first to find the fault. */
async function firstCaught({ invariant, parts }: Planted): Promise<Run> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const run = await runSeed(seed, { parts: parts() });
    if (run.findings[0]?.invariant === invariant) return run;
  }
  throw new Error(`${invariant} was not found broken in ${SEEDS_MAX} seeds`);
}

test('there is one for each invariant', () => {
  expect(new Set(PLANTED_FAULTS.map(({ invariant }) => invariant))).toEqual(new Set(INVARIANTS));
});

describe('a planted fault is caught', () => {
  test.each(PLANTED_FAULTS)('$invariant: $fault', async (planted) => {
    const caught = await firstCaught(planted);
    const sound = await runSeed(caught.schedule.seed);
    expect(sound.findings).toEqual([]);
  });
});

test('a failure names its seed, and the shortest schedule that was found', async () => {
  const planted = PLANTED_FAULTS.find(({ invariant }) => invariant === 'I5')!;
  const caught = await firstCaught(planted);
  const text = await failureText(caught, { parts: planted.parts() });
  expect(text).toContain(`seed ${caught.schedule.seed} fails: I5`);
  expect(text).toMatch(/the shortest schedule found has [12] of \d+ steps/);
  expect(text).toMatch(/1\. traffic .*\n.*=> I5: POST r\d+ was sent to/);
  expect(text).toContain(`simulate --seed ${caught.schedule.seed}`);
});
