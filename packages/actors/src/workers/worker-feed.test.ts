/** What the feed keeps for workers, before and after the node serves. */
import { encodeSnapshot, type RecordedEvent } from '@muster/membership';
import { expect, test } from 'vitest';
import { FoldedRoster } from '../folded-roster.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { WorkerFeed } from './worker-feed.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined };

function makeFeed() {
  const clock = new SimulatedClock();
  const folded = new FoldedRoster({ node: 'lb-1', cluster: 'demo', clock });
  const feed = new WorkerFeed({ folded, clock, log });
  const fold = (count: number) => {
    const first = folded.roster.revision + 1;
    const events = Array.from({ length: count }, (_, index) => poolDefined(first + index));
    folded.apply(events);
    feed.onBatch(events, []);
  };
  return { folded, feed, fold };
}

function poolDefined(revision: number): RecordedEvent {
  const subject = `muster.demo.pool.p-${revision % 7}`;
  return { revision, timeMs: revision, id: `e-${revision}`, subject, origin: null, payload: '{"type":"PoolDefined"}' };
}

test('a history that is read from its beginning is not kept for workers that will get a roster', () => {
  const { feed, fold } = makeFeed();
  fold(1_000);
  expect(feed.tail.covers(999)).toBe(false);
  expect(feed.tail.after(0, 1_000)).toEqual([]);
  feed.open();
  fold(10);
  expect(feed.tail.after(1_000, 1_000)).toHaveLength(10);
  expect(feed.snapshot(0)).toMatchObject({ revision: 1_010 });
});

test('the tail of a snapshot is kept while it reaches back to it, so that its text serves the workers', () => {
  const { folded, feed, fold } = makeFeed();
  const text = { revision: 0, text: encodeSnapshot(folded.roster) };
  feed.restart(text, { isOtherHistory: false });
  fold(1_000);
  expect(feed.tail.after(0, 5_000)).toHaveLength(1_000);
  expect(feed.snapshot(0)).toBe(text);
  for (let batches = 0; batches < 60; batches++) fold(1_000);
  expect(feed.tail.covers(60_999)).toBe(false);
  expect(feed.snapshot(0)).toMatchObject({ revision: 61_000 });
});
