/** What the tail keeps, by count and by weight, and what it hands out at once. */
import type { RecordedEvent } from '@muster/membership';
import { expect, test } from 'vitest';
import { charactersOf, EventTail } from './event-tail.ts';

const eventAt = (revision: number, payload = '{}'): RecordedEvent => {
  return { revision, timeMs: 0, id: `e-${revision}`, subject: 'muster.test.pool.p', origin: null, payload };
};
const MEBIBYTE = 1_048_576;

test('however large the payloads are, what is kept has a weight that it never passes', () => {
  const tail = new EventTail();
  for (let revision = 1; revision <= 200; revision++) {
    tail.push([eventAt(revision, 'x'.repeat(MEBIBYTE))], `hash-${revision}`);
    const kept = tail.after(tail.covers(0) ? 0 : revision - 20, 1_000);
    expect(kept.reduce((sum, event) => sum + charactersOf(event), 0)).toBeLessThanOrEqual(16 * MEBIBYTE);
  }
  expect(tail.covers(100)).toBe(false);
  expect(tail.covers(195)).toBe(true);
  expect(tail.after(195, 10).map(({ revision }) => revision)).toEqual([196, 197, 198, 199, 200]);
});

test('a single event over the limit is let go too, and the tail begins after it', () => {
  const tail = new EventTail();
  tail.push([eventAt(1), eventAt(2, 'x'.repeat(20 * MEBIBYTE))], 'hash');
  expect(tail.covers(1)).toBe(false);
  expect(tail.covers(2)).toBe(true);
  tail.push([eventAt(3)], 'hash');
  expect(tail.after(2, 10)).toHaveLength(1);
});

test('what is handed out at once is limited by its weight, one event at least', () => {
  const tail = new EventTail();
  tail.push([eventAt(1, 'x'.repeat(3_000)), eventAt(2), eventAt(3), eventAt(4, 'x'.repeat(900))], 'hash');
  const revisions = (after: number) => tail.after(after, 10, 1_000).map(({ revision }) => revision);
  expect(revisions(0)).toEqual([1]);
  expect(revisions(1)).toEqual([2, 3]);
  expect(revisions(3)).toEqual([4]);
});
