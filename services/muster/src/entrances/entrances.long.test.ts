/** The long run of `entrances.test.ts`: more than a hundred thousand texts. */
import { expect, test } from 'vitest';
import { runAdminQuestions, runCosts, runWords } from './entrance-runs.test-support.ts';

test('a hundred thousand hostile texts at all entrances', async () => {
  expect(runWords(100_000)).toBeGreaterThanOrEqual(100_000);
  expect(runCosts(1_000)).toBeGreaterThanOrEqual(1_000);
  expect(await runAdminQuestions(1_000)).toBeGreaterThanOrEqual(1_000);
});
