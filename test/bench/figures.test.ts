/** The arithmetic of the benchmarks. */
import { expect, test } from 'vitest';
import { median, percentile, spreadText } from './figures.ts';

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
