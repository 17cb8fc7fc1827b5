/** The long run of `entrances.test.ts`: more than a hundred thousand texts. */
import { expect, test } from 'vitest';
import { leavingNothing, runAdminQuestions, runCosts, runIncidentFiles, runWords } from './entrance-runs.ts';

test('a hundred thousand hostile texts at all entrances, of which nothing stays in memory', async () => {
  await leavingNothing(
    async () => {
      runWords(2_000);
      await runAdminQuestions(50);
      await runIncidentFiles(20);
    },
    async () => {
      expect(runWords(100_000)).toBeGreaterThanOrEqual(100_000);
      expect(runCosts(1_000)).toBeGreaterThanOrEqual(1_000);
      expect(await runAdminQuestions(1_000)).toBeGreaterThanOrEqual(1_000);
      expect(await runIncidentFiles(3_000)).toBeGreaterThanOrEqual(3_000);
    },
  );
});
