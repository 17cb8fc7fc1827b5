/** The repository keeps its own rules: who may import whom, names, shapes, purity. `rules.test.ts` shows that each can fail. */

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VERSION } from '@muster/membership/version';
import { describe, expect, test } from 'vitest';
import { ARROWS, importFaults, manifestFaults, type Manifest } from './arrows.ts';
import { fileCycles, roomCycles } from './cycles.ts';
import { logFaults } from './log-rules.ts';
import { RATCHETS } from './ratchets.ts';
import { crowdedRooms, shippedLines, shortFiles, testingFaults } from './rooms.ts';
import { codeFaults, nameFaults, shapeFaults, textFaults } from './rules.ts';
import { listFiles, readSources, ROOT } from './source-files.ts';

const paths = await listFiles();
const sources = await readSources(paths);
/** The rules and their tests spell out what everybody else may not write. */
const isExample = (path: string): boolean => path.startsWith('test/tidy/rules');
const TEXT = /\.(ts|mjs|json|md|toml|ya?ml)$|\/run$|Dockerfile$/;

/** All that was found once it is more than a ratchet allows, and nothing before. */
function beyond<Found>(found: readonly Found[], most: number, count = found.length): readonly Found[] {
  return count > most ? found : [];
}

test('there is something to check', () => {
  expect(sources.length).toBeGreaterThan(20);
});

describe('who may import whom', () => {
  const manifests = paths.filter((path) => /^(packages|services)\/[^/]+\/package\.json$/.test(path));

  test.each(manifests)('%s depends only downwards', async (path) => {
    const manifest = JSON.parse(await readFile(join(ROOT, path), 'utf8')) as Manifest;
    expect(manifestFaults(dirname(path), manifest)).toEqual([]);
  });

  test.each(manifests)('%s has the version that `muster --version` prints', async (path) => {
    const { version } = JSON.parse(await readFile(join(ROOT, path), 'utf8')) as { readonly version: string };
    expect(version).toBe(VERSION);
  });

  test('import lines only point downwards, and never leave their package by a path', () => {
    expect(sources.flatMap(importFaults)).toEqual([]);
  });

  test('no files import each other in a circle, type-only imports included, and no rooms of a package do', () => {
    const circles = fileCycles(sources);
    expect(beyond(circles, RATCHETS.filesInCircles, circles.flat().length)).toEqual([]);
    const rooms = roomCycles(sources);
    expect(beyond(rooms, RATCHETS.roomsInCircles, rooms.flat().length)).toEqual([]);
  });

  test('what is for tests is used by tests', () => {
    expect(sources.flatMap(testingFaults)).toEqual([]);
  });

  test('the table itself has no circle', () => {
    const order = Object.keys(ARROWS);
    for (const [folder, allowed] of Object.entries(ARROWS)) {
      for (const name of allowed) {
        const suffix = name === 'muster' ? 'services/muster' : name.slice('@muster'.length);
        const target = order.findIndex((other) => other.endsWith(suffix));
        expect(target, `${folder} comes before ${name}`).toBeGreaterThan(order.indexOf(folder));
      }
    }
  });
});

test('every script leads through bootstrap.mjs, so that it works in a bare clone', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  expect(Object.entries(scripts).filter(([, script]) => !script.startsWith('exec node bootstrap.mjs '))).toEqual([]);
});

test('names are kebab-case and mean something', () => {
  expect(paths.flatMap(nameFaults)).toEqual([]);
});

test('every source file opens with a comment and is short enough', () => {
  expect(sources.flatMap(shapeFaults)).toEqual([]);
});

describe('rooms', () => {
  test('at most 20 source files lie side by side, tests apart', () => {
    const known: Readonly<Record<string, number>> = RATCHETS.crowdedRooms;
    const worse = Object.entries(crowdedRooms(paths)).filter(([room, count]) => count > (known[room] ?? 0));
    expect(worse).toEqual([]);
  });

  test('a shipped file is no scrap, and what ships does not grow', () => {
    expect(beyond(shortFiles(sources), RATCHETS.shortFiles)).toEqual([]);
    expect(shippedLines(sources)).toBeLessThanOrEqual(RATCHETS.shippedLines);
  });
});

test('pure packages are pure; only services read the environment and signals; no test runs alone', () => {
  expect(sources.filter(({ path }) => !isExample(path)).flatMap(codeFaults)).toEqual([]);
});

test('an error is logged with its stack, and only one file writes to terminals', () => {
  expect(sources.flatMap(logFaults)).toEqual([]);
});

test('no file is marked as unfinished, or names a machine or a registry', async () => {
  const texts = paths.filter((path) => TEXT.test(path) && path !== 'pnpm-lock.yaml' && !isExample(path));
  const faults = await Promise.all(
    texts.map(async (path) => textFaults(path, await readFile(join(ROOT, path), 'utf8'))),
  );
  expect(faults.flat()).toEqual([]);
});
