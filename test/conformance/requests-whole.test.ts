/** Client connections whose bytes come in one read: see `request-fuzzer.ts`. */
import { expect, test } from 'vitest';
import { fuzzPlan } from './fuzz-run.ts';
import { fuzzRequests } from './request-fuzzer.ts';

test('what is forwarded is what the oracle reads, and nothing else', { timeout: 3_600_000 }, async () => {
  const plan = fuzzPlan(100_000, 1);
  const tally = await fuzzRequests(plan, false);
  tally.print(`requests in one read, seed ${plan.seed}`);
  // A generator that went wrong would make cases that both refuse, or none that either does.
  expect(tally.of('refused')).toBeGreaterThan(plan.casesCount / 4);
  expect(tally.of('not refused')).toBeGreaterThan(plan.casesCount / 5);
  expect(tally.of('2 read alike')).toBeGreaterThan(plan.casesCount / 100);
});
