/** The state charts in the documentation are those of the machines. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CHARTS_FILE, chartsText } from './state-charts.ts';

test('docs/state-charts.md is what the machines are; write it anew with `node bootstrap.mjs charts`', () => {
  expect(readFileSync(CHARTS_FILE, 'utf8')).toBe(chartsText());
});

test('a chart has states in states, guards, delays and what runs', () => {
  const text = chartsText();
  expect(text).toContain('state "following (runs follow)" as following {');
  expect(text).toContain('alive_draining --> alive_draining: drain [isSooner]');
  expect(text).toContain('probing_recovering --> probing_probed: after restart');
  expect(text).toContain('alive_killing --> stopped: after killLimit (2000 ms)');
  expect(text).toContain('probing_probed --> probing_abandoned: prober failed [crashesTooOften]');
  expect(text).toContain('state "settled (does probeAtInterval)" as settled');
  expect(text).toContain('probing_unwatched --> probing_probed: at once [isWatched]');
  // A backend is probed and may be ejected at the same time.
  expect(text).toContain('[*] --> probing\n  [*] --> ejection');
  // What any state of the listener does with an event is drawn at each of them.
  expect(text).toContain('opening --> listening: opened [isNewest]');
  expect(text).toContain('listening --> listening: opened [isNewest]');
});
