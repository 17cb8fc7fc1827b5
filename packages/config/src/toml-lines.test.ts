/** Places in a TOML text, for every way of writing a key. */
import { expect, test } from 'vitest';
import type { KeyPath } from '@muster/questions/text/explain-issues';
import { locateToml } from './toml-lines.ts';

const TEXT = `# first line
a = 1
"quoted key" = """
two
lines"""
b.c.d = [1, [2,
  3]]

[table."x.y"] # [no] header = here
k = '[[not]]'

[[list]]
id = "one"
deep = [
  { id = "a" }, # a comment, with } and ]
  { id = "b", inner = { z = 1 } },
]
[list.sub]
here = 1

[[list]]
id = "two"
[[list.more]]
v = 1
`;

test.each<[KeyPath, number]>([
  [['a'], 2],
  [['quoted key'], 3],
  [['b'], 6],
  [['b', 'c', 'd'], 6],
  [['b', 'c', 'd', 1, 1], 7],
  [['table', 'x.y', 'k'], 10],
  [['list', 0], 12],
  [['list', 0, 'deep', 0, 'id'], 15],
  [['list', 0, 'deep', 1, 'inner', 'z'], 16],
  [['list', 0, 'sub', 'here'], 19],
  [['list', 1], 21],
  [['list', 1, 'id'], 22],
  [['list', 1, 'more', 0, 'v'], 24],
  [['list', 1, 'absent'], 21],
  [['nowhere'], 1],
  [[], 1],
])('%j is on line %i', (path, line) => {
  expect(locateToml(TEXT).lineOf(path)).toBe(line);
});

test('Windows line ends count once', () => {
  expect(locateToml('a = 1\r\n[b]\r\nc = 2\r\n').lineOf(['b', 'c'])).toBe(3);
});
