/** The pictures of the machines are those of the machines that run. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { STATE_CHARTS_FILE, stateChartsPage } from './state-charts.ts';

test('docs/state-charts.md is what the machines are; otherwise run: node bootstrap.mjs charts', async () => {
  expect(await readFile(STATE_CHARTS_FILE, 'utf8')).toBe(await stateChartsPage());
});
