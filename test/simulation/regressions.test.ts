/** What the simulation has found once, it does not find again. */
import { expect, test } from 'vitest';
import { failureText } from './failure-text.ts';
import { REGRESSIONS } from './regressions.ts';
import { run } from './run.ts';

test.each(REGRESSIONS)('$found', async ({ schedule }) => {
  const result = await run(schedule);
  expect(result.findings, result.findings.length === 0 ? '' : await failureText(result)).toEqual([]);
});
