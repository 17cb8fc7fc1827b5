/** Each value is in the bucket whose bounds hold it. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { LATENCY_BOUNDS_MS, LatencyHistogram } from './latency-histogram.ts';

function bucketsOf(...values: readonly number[]): number[] {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.add(value);
  return histogram.snapshot().counts.flatMap((count, bucket) => Array<number>(count).fill(bucket));
}

test('the bounds are round and ascend', () => {
  expect(LATENCY_BOUNDS_MS.slice(0, 7)).toEqual([0.1, 0.2, 0.3, 0.5, 0.7, 1, 2]);
  expect(LATENCY_BOUNDS_MS.at(-1)).toBe(100_000);
  expect(LATENCY_BOUNDS_MS).toEqual(LATENCY_BOUNDS_MS.toSorted((a, b) => a - b));
  expect(LATENCY_BOUNDS_MS).toHaveLength(31);
});

test('a bound belongs to its own bucket, and what is a microsecond more to the next', () => {
  for (const [bucket, bound] of LATENCY_BOUNDS_MS.entries()) {
    expect(bucketsOf(bound)).toEqual([bucket]);
    expect(bucketsOf(bound + 0.001)).toEqual([bucket + 1]);
  }
});

test('every value is above the bound before its bucket, and not above its own', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (value) => {
      const [bucket] = bucketsOf(value);
      const us = Math.ceil(value * 1_000);
      expect(us).toBeGreaterThan((LATENCY_BOUNDS_MS[bucket! - 1] ?? -1) * 1_000);
      expect(us).toBeLessThanOrEqual(Math.round((LATENCY_BOUNDS_MS[bucket!] ?? Infinity) * 1_000));
    }),
    { seed: 5 },
  );
});

test('the sum is that of the values, whole hours among them', () => {
  const histogram = new LatencyHistogram();
  for (const value of [0, 0.25, 3_600_000]) histogram.add(value);
  expect(histogram.snapshot().sumMs).toBe(3_600_000.25);
  expect(histogram.snapshot().counts.at(-1)).toBe(1);
});
