/** What the simulation has found once, it does not find again. */
import { expect, test } from 'vitest';
import { verdictOf } from './failure-text.ts';
import { REGRESSIONS } from './schedule/regressions.ts';
import { run } from './run.ts';

test.each(REGRESSIONS)('$found', async ({ schedule }) => {
  expect(await verdictOf(await run(schedule))).toBe('sound');
});
