/** Where observations are kept, and whether. */
import { expect, test } from 'vitest';
import { formatProblem } from './config-problem.ts';
import { parseConfig } from './load-config.ts';

const MEBIBYTE = 1_048_576;

function observationsOf(text: string) {
  const loaded = parseConfig(`[node]\nid = "lb-1"\n${text}`, 'm.toml');
  return loaded.outcome === 'broken' ? loaded.problems.map(formatProblem) : loaded.node.observations;
}

test('they lie beside the journal or the last snapshot, for a day and in 256 MiB', () => {
  const limits = { hoursMax: 24, bytesMax: 256 * MEBIBYTE };
  expect(observationsOf('')).toEqual({ path: 'data/lb-1.observations', ...limits });
  expect(observationsOf('[journal]\npath = "/var/lib/muster/a.journal"')).toEqual({
    path: '/var/lib/muster/lb-1.observations',
    ...limits,
  });
  const shared = 'kind = "jetstream"\nservers = ["nats://127.0.0.1:4222"]\nlocalSnapshotPath = "state/a.snapshot"';
  expect(observationsOf(`[journal]\n${shared}`)).toEqual({ path: 'state/lb-1.observations', ...limits });
});

test('each can be said, and they can be switched off', () => {
  expect(observationsOf('[observations]\npath = "seen"\nhours = 2\nmaxMebibytes = 16')).toEqual({
    path: 'seen',
    hoursMax: 2,
    bytesMax: 16 * MEBIBYTE,
  });
  expect(observationsOf('[observations]\nenabled = false')).toBeNull();
});

test('a node with a journal in memory keeps none, unless it is told where', () => {
  const memory = '[journal]\nkind = "memory"\n[observations]\n';
  expect(observationsOf(memory)).toBeNull();
  expect(observationsOf(`${memory}path = "seen"`)).toMatchObject({ path: 'seen' });
  expect(observationsOf(`${memory}enabled = true`)).toEqual([
    'm.toml:6: observations are enabled, and a node with a journal in memory has no place for them; add path = "FOLDER"',
  ]);
});

test('what is out of range is refused', () => {
  expect(observationsOf('[observations]\nmaxMebibytes = 4')).toEqual([expect.stringContaining('at least 16')]);
  expect(observationsOf('[observations]\nhours = 0')).toEqual([expect.stringContaining('at least 1')]);
});
