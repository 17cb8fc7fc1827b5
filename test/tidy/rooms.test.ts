/** The rules about rooms fail where they should: made-up files, with one fault, next to some that have none. */
import { expect, test } from 'vitest';
import { fileCycles, roomCycles } from './cycles.ts';
import { crowdedRooms, shippedLines, shortFiles, testingFaults } from './rooms.ts';
import { parseSource } from './source-files.ts';

const file = (path: string, text: string) => parseSource(`packages/journal/src/${path}`, text);

test('a circle of files is found, types included, and whoever only leads into it is not of it', () => {
  const a = file('a.ts', `import { b } from './b.ts';`);
  const b = file('b.ts', `export { c } from './c.ts';`);
  const c = file('c.ts', `import type { A } from './a.ts';`);
  const leading = file('d.ts', `import { a } from './a.ts';`);
  expect(fileCycles([leading, a, b, c])).toEqual([['a', 'b', 'c'].map((name) => `packages/journal/src/${name}.ts`)]);
  expect(fileCycles([leading, a, b, file('c.ts', `import type { A } from '@muster/membership';`)])).toEqual([]);
});

test('a circle of rooms is found where no files go in a circle; tests and entries make none', () => {
  const up = file('rooms/a.ts', `import type { B } from '../b.ts';`);
  const down = (path: string) => file(path, `export { c } from './rooms/c.ts';`);
  const [b, c] = [file('b.ts', ''), file('rooms/c.ts', '')];
  expect(fileCycles([up, down('d.ts'), b, c])).toEqual([]);
  expect(roomCycles([up, down('d.ts'), b, c])).toEqual([['packages/journal/src', 'packages/journal/src/rooms']]);
  expect(roomCycles([up, down('index.ts'), b, c])).toEqual([]);
  expect(roomCycles([up, down('d.test.ts'), b, c])).toEqual([]);
});

test('a folder of 21 files is crowded, and tests do not count', () => {
  const paths = Array.from({ length: 20 }, (_, index) => `packages/journal/src/a-${index}.ts`);
  expect(crowdedRooms([...paths, 'packages/journal/src/a-1.test.ts', 'packages/journal/src/a.md'])).toEqual({});
  expect(crowdedRooms([...paths, 'packages/journal/src/b.ts'])).toEqual({ 'packages/journal/src': 21 });
});

test('a shipped file of fewer than 30 lines is short; entries, tests and harnesses may be', () => {
  const sources = [
    file('a.ts', '\n'.repeat(29)),
    file('b.ts', '\n'.repeat(30)),
    file('index.ts', '\n'),
    file('a.test.ts', '\n'),
    parseSource('packages/journal/testing/a.ts', '\n'),
  ];
  expect(shortFiles(sources)).toEqual(['packages/journal/src/a.ts: has 29 lines']);
  expect(shippedLines(sources)).toBe(60);
});

test('what is for tests is not used by what ships', () => {
  const text = `import { a } from '@muster/membership/testing'; import { b } from '../testing/b.ts';`;
  expect(testingFaults(file('a.ts', text))).toHaveLength(2);
  expect(testingFaults(file('a.test.ts', text))).toEqual([]);
  expect(testingFaults(parseSource('packages/journal/testing/a.ts', text))).toEqual([]);
  expect(testingFaults(parseSource('test/e2e/a.ts', text))).toEqual([]);
});
