/** The repository keeps its own rules: who may import whom, names, shapes, purity. `rules.test.ts` shows that each can fail. */

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ARROWS, importCycles, importFaults, manifestFaults, type Manifest } from './arrows.ts';
import { logFaults } from './log-rules.ts';
import { codeFaults, nameFaults, shapeFaults, textFaults } from './rules.ts';
import { listFiles, readSources, ROOT } from './source-files.ts';

const paths = await listFiles();
const sources = await readSources(paths);
/** The rules and their tests spell out what everybody else may not write. */
const isExample = (path: string): boolean => path.startsWith('test/tidy/rules');
const TEXT = /\.(ts|mjs|json|md|toml|ya?ml)$|\/run$|Dockerfile$/;

test('there is something to check', () => {
  expect(sources.length).toBeGreaterThan(20);
});

describe('who may import whom', () => {
  const manifests = paths.filter((path) => /^(packages|services)\/[^/]+\/package\.json$/.test(path));

  test.each(manifests)('%s depends only downwards', async (path) => {
    const manifest = JSON.parse(await readFile(join(ROOT, path), 'utf8')) as Manifest;
    expect(manifestFaults(dirname(path), manifest)).toEqual([]);
  });

  test('import lines only point downwards, and never leave their package by a path', () => {
    expect(sources.flatMap(importFaults)).toEqual([]);
  });

  test('no files import each other in a circle', () => {
    expect(importCycles(sources)).toEqual([]);
  });

  test('the table itself has no circle', () => {
    const order = Object.keys(ARROWS);
    for (const [folder, allowed] of Object.entries(ARROWS)) {
      for (const name of allowed) {
        const target = order.findIndex((other) => other.endsWith(name.slice('@muster'.length)));
        expect(target, `${folder} comes before ${name}`).toBeGreaterThan(order.indexOf(folder));
      }
    }
  });
});

test('every script leads through bootstrap.mjs, so that it works in a bare clone', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  for (const [name, script] of Object.entries(scripts)) expect(script, name).toMatch(/^exec node bootstrap\.mjs /);
});

test('names are kebab-case and mean something', () => {
  expect(paths.flatMap(nameFaults)).toEqual([]);
});

test('every source file opens with a comment and is short enough', () => {
  expect(sources.flatMap(shapeFaults)).toEqual([]);
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
