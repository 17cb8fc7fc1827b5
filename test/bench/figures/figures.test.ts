/** The arithmetic of the benchmarks. */
import { expect, test } from 'vitest';
import { cheapestByRound, median, percentile, ratiosByRound, ratioText, slope, spreadText } from './figures.ts';

test('the median of an odd and an even number of samples, in any order', () => {
  expect(median([3])).toBe(3);
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

test('a percentile is a sample: the smallest that enough of them do not exceed', () => {
  const samples = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect([1, 50, 99, 99.5, 100].map((percent) => percentile(samples, percent))).toEqual([2, 100, 198, 199, 200]);
  expect(percentile([7], 1)).toBe(7);
});

test('no samples give no figure', () => {
  expect(() => median([])).toThrow('no sample');
});

test('a spread names its percentiles and its number of samples', () => {
  expect(spreadText([2, 1])).toBe('p50 1.00 ms, p99 2.00 ms, max 2.00 ms (2 samples)');
});

test('a ratio compares with the same round, so that a slow minute of the machine is in both', () => {
  const ratios = ratiosByRound([12, 24, 9], [10, 20, 10]);
  expect(ratios).toEqual([1.2, 1.2, 0.9]);
  expect(ratioText(ratios)).toBe('1.20x (0.90 to 1.20)');
  expect(() => ratiosByRound([1, 2], [1])).toThrow('Round 2');
});

test('the best of a group may be another one in each round', () => {
  const rows = [
    [50, 70, 60],
    [55, 45, 65],
  ];
  expect(cheapestByRound(rows)).toEqual([50, 45, 60]);
  expect(cheapestByRound([])).toEqual([]);
});

test('a slope is what one more costs, whatever there was at the start', () => {
  const line = [0, 2_000, 4_000].map((x) => ({ x, y: 90_000 + 12 * x }));
  expect(slope(line)).toBeCloseTo(12);
  expect(slope([...line, { x: 2_000, y: 90_000 + 24_000 + 400 }])).toBeCloseTo(12);
  expect(() => slope([{ x: 1, y: 2 }])).toThrow('two points');
});
