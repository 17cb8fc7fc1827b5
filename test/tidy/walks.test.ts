/** The walks in docs/architecture.md lead through files that there are, each tied to one before it, and are short. */
import { readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';
import { RATCHETS } from './ratchets.ts';
import { listFiles, parseSource, readSources, ROOT } from './source-files.ts';
import { readWalks, walkFaults } from './walks.ts';

const paths = await listFiles();
const shipped = paths.filter(
  (path) => /^(packages|services)\/[^/]+\/src\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'),
);
const sources = new Map((await readSources(shipped)).map((source) => [source.path, source]));
const walks = readWalks(await readFile(join(ROOT, 'docs/architecture.md'), 'utf8'));

/** `@muster/replay/turns` → `packages/replay/src/log/turns.ts`. */
async function packageEntries(): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  for (const path of paths.filter((one) => /^packages\/[^/]+\/package\.json$/.test(one))) {
    const { name, exports = {} } = JSON.parse(await readFile(join(ROOT, path), 'utf8')) as {
      readonly name: string;
      readonly exports?: Readonly<Record<string, string>>;
    };
    for (const [subpath, file] of Object.entries(exports)) {
      const [before = '', after] = posix.join(posix.dirname(path), file).split('*');
      if (after === undefined) {
        entries.set(posix.join(name, subpath), before);
        continue;
      }
      // `./*`: every file in that place under its own name.
      for (const one of paths.filter((each) => each.startsWith(before) && each.endsWith(after))) {
        entries.set(posix.join(name, subpath.replace('*', one.slice(before.length, -after.length))), one);
      }
    }
  }
  return entries;
}
const entries = await packageEntries();

test('the document has the four walks', () => {
  expect(walks.map(({ title }) => title)).toEqual(Object.keys(RATCHETS.walkFiles));
});

test.each(walks)('$title: each file is there, and tied to one before it', (walk) => {
  expect(walkFaults(walk, sources, entries)).toEqual([]);
  expect(new Set(walk.files).size).toBe(walk.files.length);
});

test.each(walks)('$title is no longer than it was', ({ title, files }) => {
  const most: Readonly<Record<string, number>> = RATCHETS.walkFiles;
  expect(files.length).toBeLessThanOrEqual(most[title] ?? 0);
});

test('a walk is followed through a package, a started process and what came back, and no further', () => {
  const made = new Map(
    [
      parseSource('services/a/src/main.ts', `import { b } from '@muster/b'; new URL('./started.ts', import.meta.url);`),
      parseSource('services/a/src/started.ts', ''),
      parseSource('packages/b/src/index.ts', `export { inner as b } from './b.ts'; export * from './c.ts';`),
      parseSource('packages/b/src/b.ts', 'export const inner = 1;'),
      parseSource('packages/b/src/c.ts', 'export const c = 1;'),
    ].map((source) => [source.path, source]),
  );
  const text = (...files: string[]) =>
    `## Walks\n\n### It\n\n${files.map((file, at) => `${at + 1}. \`${file}\` goes`).join('\n')}\n\n## Else\n`;
  const faults = (...files: string[]) =>
    readWalks(text(...files)).flatMap((walk) =>
      walkFaults(walk, made, new Map([['@muster/b', 'packages/b/src/index.ts']])),
    );
  expect(faults('services/a/src/main.ts', 'packages/b/src/b.ts', 'services/a/src/started.ts')).toEqual([]);
  expect(faults('packages/b/src/b.ts', 'services/a/src/main.ts')).toEqual([]);
  expect(faults('services/a/src/main.ts', 'packages/b/src/c.ts')).toEqual([
    'It: packages/b/src/c.ts is tied to no file before it',
  ]);
  expect(faults('services/a/src/main.ts', 'packages/b/src/d.ts')).toEqual(['It: there is no file packages/b/src/d.ts']);
});
