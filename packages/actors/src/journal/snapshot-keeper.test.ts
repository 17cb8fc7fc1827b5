/** When a snapshot of the roster is saved in the journal, and by which of many nodes. */
import { createMemoryJournal, JournalError, type Journal } from '@muster/journal';
import { expect, test } from 'vitest';
import { FoldedRoster } from '../folded-roster.ts';
import { JournalContact } from './journal-contact.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { SnapshotKeeper } from './snapshot-keeper.ts';
import { WorkerFeed } from '../workers/worker-feed.ts';

function keeper({ random = 0, journal = createMemoryJournal({ epoch: 'epoch-1' }) } = {}) {
  const clock = new SimulatedClock();
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (_: object, text: string) => warnings.push(text), error: () => undefined };
  const folded = new FoldedRoster({ node: 'lb-1', cluster: 'demo', clock });
  const contact = new JournalContact(journal, { clock, log });
  contact.adopted('epoch-1');
  const feed = new WorkerFeed({ folded, clock, log });
  const ports = { contact, folded, feed, local: null, isInDoubt: () => false, clock, random: () => random, log };
  const snapshots = new SnapshotKeeper(ports);
  const at = async (revision: number): Promise<void> => {
    folded.roster = { ...folded.roster, revision };
    snapshots.onRosterChanged();
    await clock.settle();
  };
  const saved = async (): Promise<number | null> => (await journal.loadSnapshot())?.revision ?? null;
  return { clock, contact, snapshots, at, saved, warnings, journal };
}

test('after 1,000 events to 2,000, by chance, and 10 s after the last at the earliest', async () => {
  const soon = keeper({ random: 0 });
  await soon.at(1_500);
  expect(await soon.saved()).toBeNull();
  await soon.clock.advance(10_000);
  await soon.at(1_500);
  expect(await soon.saved()).toBe(1_500);
  await soon.clock.advance(10_000);
  await soon.at(2_499);
  expect(await soon.saved()).toBe(1_500);
  await soon.at(2_500);
  expect(await soon.saved()).toBe(2_500);
  const late = keeper({ random: 0.5 });
  await late.clock.advance(10_000);
  await late.at(1_499);
  expect(await late.saved()).toBeNull();
  await late.at(1_500);
  expect(await late.saved()).toBe(1_500);
});

test('one that another node has saved counts', async () => {
  const { clock, snapshots, at, saved } = keeper();
  await clock.advance(10_000);
  snapshots.heardOfSnapshot(1_400);
  await at(2_300);
  expect(await saved()).toBeNull();
  snapshots.heardOfSnapshot(900);
  await at(2_400);
  expect(await saved()).toBe(2_400);
  expect(snapshots.newestRevision).toBe(2_400);
});

test('a clock that is set back or forth hastens and holds up nothing', async () => {
  const { clock, at, saved } = keeper();
  clock.step(3_600_000);
  await at(1_000);
  expect(await saved()).toBeNull();
  clock.step(-7_200_000);
  await clock.advance(10_000);
  await at(1_000);
  expect(await saved()).toBe(1_000);
});

test('none of a history that was left meanwhile', async () => {
  const { clock, contact, snapshots, at, saved } = keeper();
  await clock.advance(10_000);
  const saving = at(1_000);
  snapshots.startOver();
  await saving;
  expect(await saved()).toBeNull();
  contact.replaced('epoch-2');
  await snapshots.save();
  expect(await saved()).toBeNull();
});

test('one that cannot be saved is a line in the log, and is tried again 10 s later', async () => {
  const inner = createMemoryJournal({ epoch: 'epoch-1' });
  let isFull = true;
  const saveSnapshot: Journal['saveSnapshot'] = (snapshot) =>
    isFull ? Promise.reject(new JournalError('failed', 'disk full')) : inner.saveSnapshot(snapshot);
  const journal = { saveSnapshot, loadSnapshot: inner.loadSnapshot.bind(inner) } as Journal;
  const { clock, at, saved, warnings } = keeper({ journal });
  await clock.advance(10_000);
  await at(1_000);
  await at(1_001);
  expect(warnings).toEqual(['the snapshot at revision 1000 could not be saved: disk full']);
  isFull = false;
  await clock.advance(10_000);
  await at(1_002);
  expect(await saved()).toBe(1_002);
});

test('one is saved at once for a log that was cut in front of the newest that is known, and tried again after 5 s', async () => {
  const { clock, snapshots, at, saved, warnings } = keeper();
  await at(50);
  snapshots.logBegins(1);
  await clock.settle();
  expect(await saved()).toBeNull();
  snapshots.logBegins(51);
  await clock.settle();
  expect(await saved()).toBe(50);
  expect(warnings).toHaveLength(1);
  await at(60);
  snapshots.logBegins(51);
  snapshots.logBegins(61);
  await clock.settle();
  expect(await saved()).toBe(50);
  await clock.advance(5_000);
  snapshots.logBegins(61);
  await clock.settle();
  expect(await saved()).toBe(60);
});

test('none for a log that begins behind what this node has, or where another node has told of one', async () => {
  const { clock, snapshots, at, saved } = keeper();
  await at(50);
  snapshots.logBegins(52);
  snapshots.heardOfSnapshot(50);
  snapshots.logBegins(51);
  await clock.settle();
  expect(await saved()).toBeNull();
});
