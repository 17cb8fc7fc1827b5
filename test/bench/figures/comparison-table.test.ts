/** The table of the HTTP benchmark, from measurements that are made up. */
import { expect, test } from 'vitest';
import { goalText, tableLines, type Reference, type TableRow } from './comparison-table.ts';

const references: Reference[] = [
  { title: '/ haproxy', names: ['haproxy'], goalMax: 1.35 },
  { title: '/ best Node', names: ['node', 'httpxy'], goalMax: 0.35 },
];

test('each row is compared with the same round, the best of several round by round', () => {
  const [, haproxy, node, , muster] = tableLines(
    [row('haproxy', [10, 20]), row('node', [50, 110]), row('httpxy', [60, 100]), row('muster', [12, 28])],
    references,
  );
  expect(words(haproxy)).toBe('haproxy 15.0 (7.5 + 7.5) 0.20x (0.20 to 0.20) 100 /s');
  expect(words(node)).toBe('node 80.0 (40.0 + 40.0) 5.25x (5.00 to 5.50) 1.05x (1.00 to 1.10) 100 /s');
  expect(words(muster)).toBe(
    'muster 20.0 (10.0 + 10.0) 1.30x (1.20 to 1.40) 0.26x (0.24 to 0.28) 100 /s goals: ≤ 1.35 met, ≤ 0.35 met',
  );
});

test('a reference that was not measured is no goal', () => {
  const [, muster] = tableLines([row('muster', [40]), row('node', [100])], references);
  expect(words(muster)).toBe('muster 40.0 (20.0 + 20.0) 0.40x (0.40 to 0.40) 100 /s goals: ≤ 0.35 MISSED');
});

test('the direct way has a rate and no cost, and is nobody to compare with', () => {
  const [, direct] = tableLines([{ ...row('direct', [0]), hasCost: false }], references);
  expect(words(direct)).toBe('direct 100 /s');
});

test('failed requests of all rounds are named', () => {
  const { measurements, ...rest } = row('node', [1, 1]);
  const failing = { ...rest, measurements: measurements.map((measurement) => ({ ...measurement, errorCount: 3 })) };
  expect(tableLines([failing], [])[1]).toContain('6 FAILED');
});

test('a goal is met at its bound', () => {
  expect([1.35, 1.351].map((figure) => goalText(figure, 1.35))).toEqual(['≤ 1.35 met', '≤ 1.35 MISSED']);
});

function row(name: string, costs: readonly number[]): TableRow {
  const measurements = costs.map((cost) => ({ user: cost / 2, system: cost / 2, perSecond: 100, errorCount: 0 }));
  return { name, hasCost: true, isOurs: name === 'muster', measurements };
}

function words(line: string | undefined): string {
  return line!.trim().replace(/\s+/g, ' ');
}
