/** Which snapshots stay. */
import { expect, test } from 'vitest';
import { snapshotsToRemove } from './snapshot-retention.ts';

test('the newest three stay, and the earliest of every 25,000 revisions', () => {
  const saved = [10, 20, 24_999, 25_000, 40_000, 55_000, 60_000, 70_000, 74_000];
  expect(snapshotsToRemove(saved)).toEqual([20, 24_999, 40_000]);
});

test('nothing is removed while there are three or fewer', () => {
  expect(snapshotsToRemove([])).toEqual([]);
  expect(snapshotsToRemove([1, 2, 3])).toEqual([]);
});

test('what the first revision in the log rests on stays, and what is before it goes', () => {
  expect(snapshotsToRemove([10, 20, 30, 150_000, 230_000, 240_000, 250_000], 31)).toEqual([10, 20]);
  expect(snapshotsToRemove([10, 20, 30], 31)).toEqual([10, 20]);
  expect(snapshotsToRemove([40, 50], 31)).toEqual([]);
  expect(snapshotsToRemove([10], 1_000)).toEqual([]);
});

test('a million revisions with a snapshot every thousand keep one per span and the newest three', () => {
  const kept: number[] = [];
  for (let revision = 1_000; revision <= 1_000_000; revision += 1_000) {
    kept.push(revision);
    for (const removed of snapshotsToRemove(kept)) kept.splice(kept.indexOf(removed), 1);
  }
  const ofSpans = Array.from({ length: 40 }, (_, index) => Math.max(1_000, index * 25_000));
  expect(kept).toEqual([...ofSpans, 998_000, 999_000, 1_000_000]);
});
