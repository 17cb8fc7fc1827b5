/**
 * Hostile texts at all entrances of the control process: answered in words, at a cost in proportion.
 *
 *     MUSTER_FUZZ_SEED=7 MUSTER_FUZZ_CASES=100000 node bootstrap.mjs test:unit test/entrances
 *
 * `entrances.long.test.ts` is the same with more of everything. A failure names its seed and the smallest shape that fails.
 */
import { leavingNothing, runAdminQuestions, runCosts, runIncidentFiles, runWords } from './entrance-runs.ts';
import { expect, test } from 'vitest';

const TIMEOUT_MS = 60_000;

test(
  'every text is taken or refused in words, and nothing of it stays in memory',
  { timeout: TIMEOUT_MS },
  async () => {
    await leavingNothing(
      () => runWords(500),
      () => expect(runWords(10_000)).toBeGreaterThanOrEqual(10_000),
    );
  },
);

test('what four times the text costs is about four times as much', { timeout: TIMEOUT_MS }, () => {
  expect(runCosts(300)).toBeGreaterThanOrEqual(300);
});

test('the admin API answers whatever it is asked, in JSON and in words', { timeout: TIMEOUT_MS }, async () => {
  expect(await runAdminQuestions(150)).toBeGreaterThanOrEqual(150);
});

test('a damaged incident file is opened or refused in words', { timeout: TIMEOUT_MS }, async () => {
  expect(await runIncidentFiles(200)).toBeGreaterThanOrEqual(200);
});
