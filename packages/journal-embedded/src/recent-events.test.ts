/** What the recent events answer, and what they let go. */
import type { RecordedEvent } from '@muster/membership';
import { expect, test } from 'vitest';
import { RecentEvents } from './recent-events.ts';

const eventAt = (revision: number, payload = '{}'): RecordedEvent => {
  return { revision, timeMs: 0, id: `e-${revision}`, subject: 'muster.test.pool.p', origin: null, payload };
};
const revisions = (events: readonly RecordedEvent[] | null) => events?.map(({ revision }) => revision);

test('a place among the recent events is answered from there, an older one is not', () => {
  const recent = new RecentEvents();
  recent.push([eventAt(7), eventAt(8), eventAt(9)]);
  expect(revisions(recent.after(6, 9))).toEqual([7, 8, 9]);
  expect(revisions(recent.after(7, 8))).toEqual([8]);
  expect(recent.after(9, 9)).toEqual([]);
  expect(recent.after(5, 9)).toBeNull();
});

test('nothing recent: only a reader at the newest revision needs nothing', () => {
  expect(new RecentEvents().after(4, 4)).toEqual([]);
  expect(new RecentEvents().after(3, 4)).toBeNull();
});

test('over a limit the oldest go, down to half of it', () => {
  const byCount = new RecentEvents({ eventsMax: 4, charactersMax: 1_000 });
  for (let revision = 1; revision <= 5; revision += 1) byCount.push([eventAt(revision)]);
  expect(byCount.after(2, 5)).toBeNull();
  expect(revisions(byCount.after(3, 5))).toEqual([4, 5]);

  const bySize = new RecentEvents({ eventsMax: 100, charactersMax: 1_000 });
  bySize.push([eventAt(1, 'x'.repeat(600)), eventAt(2, 'x'.repeat(300)), eventAt(3, 'x'.repeat(200))]);
  expect(bySize.after(0, 3)).toBeNull();
  expect(revisions(bySize.after(1, 3))).toEqual([2, 3]);
});

test('an event over the limit on its own leaves nothing, and its readers go to the file', () => {
  const recent = new RecentEvents({ eventsMax: 100, charactersMax: 100 });
  recent.push([eventAt(1, 'x'.repeat(200))]);
  expect(recent.after(0, 1)).toBeNull();
});
