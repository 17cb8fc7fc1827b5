/** Contract: snapshots, and the epoch that they and the followers belong to. */
import { expect } from 'vitest';
import type { ContractTests } from './subject.ts';
import type { Journal, StoredSnapshot } from '../../src/journal.ts';
import { appendMany, collect, FollowerUnderTest } from './samples.ts';

async function snapshotAt(journal: Journal, revision: number, data = `roster at ${revision}`): Promise<StoredSnapshot> {
  return { epoch: (await journal.head()).epoch, revision, hash: `hash of ${data}`, data };
}

async function contentOf(journal: Journal): Promise<object> {
  const { epoch, revision, firstRevision } = await journal.head();
  return { epoch, revision, firstRevision, events: await collect(journal.read()) };
}

export const snapshotTests: ContractTests = {
  'the newest snapshot is answered, or the newest at or before a revision': async ({ journal }) => {
    expect(await journal.loadSnapshot()).toBeNull();
    const [first, , third, , fifth] = (await appendMany(journal, 5)).sort((a, b) => a - b);
    const older = await snapshotAt(journal, third!);
    const newer = await snapshotAt(journal, fifth!, `{"text":"漢字 \u0000 \\" ${'x'.repeat(100_000)}"}`);
    await journal.saveSnapshot(newer);
    await journal.saveSnapshot(older);
    expect(await journal.loadSnapshot()).toEqual(newer);
    expect(await journal.loadSnapshot(fifth)).toEqual(newer);
    expect(await journal.loadSnapshot(fifth! - 1)).toEqual(older);
    expect(await journal.loadSnapshot(third)).toEqual(older);
    expect(await journal.loadSnapshot(first)).toBeNull();
  },

  'a second snapshot at a revision takes the place of the first': async ({ journal }) => {
    const [revision] = await appendMany(journal, 1);
    await journal.saveSnapshot(await snapshotAt(journal, revision!, 'first'));
    const second = await snapshotAt(journal, revision!, 'second');
    await journal.saveSnapshot(second);
    expect(await journal.loadSnapshot()).toEqual(second);
  },

  'however many are saved, the newest is there': async ({ journal }) => {
    const revisions = (await appendMany(journal, 20)).sort((a, b) => a - b);
    for (const revision of revisions) await journal.saveSnapshot(await snapshotAt(journal, revision));
    expect((await journal.loadSnapshot())?.revision).toBe(revisions.at(-1));
    expect((await journal.loadSnapshot(revisions.at(-2)))?.revision).toBe(revisions.at(-2));
  },

  'a snapshot of another epoch is never answered': async ({ journal }) => {
    const [revision] = await appendMany(journal, 1);
    await journal.saveSnapshot({ ...(await snapshotAt(journal, revision!)), epoch: 'of-another-history' });
    expect(await journal.loadSnapshot()).toBeNull();
  },

  'the same store opened again has the same epoch, events and snapshots': async (subject) => {
    const [revision] = await appendMany(subject.journal, 1);
    const snapshot = await snapshotAt(subject.journal, revision!);
    await subject.journal.saveSnapshot(snapshot);
    const before = await contentOf(subject.journal);
    const reopened = await subject.reopen();
    if (reopened === null) return;
    expect(await contentOf(reopened)).toEqual(before);
    expect(await reopened.loadSnapshot()).toEqual(snapshot);
  },

  'a journal deleted and made again has another epoch, no snapshots, and tells followers': async (subject) => {
    const revisions = await appendMany(subject.journal, 3);
    const newest = Math.max(...revisions);
    await subject.journal.saveSnapshot(await snapshotAt(subject.journal, newest));
    const before = await subject.journal.head();
    const recreated = await subject.recreate();
    const after = await recreated.head();
    expect(after.epoch).not.toBe(before.epoch);
    expect(after.revision).toBe(0);
    expect(await recreated.loadSnapshot()).toBeNull();
    using follower = new FollowerUnderTest(recreated, newest);
    expect(await follower.nextItem()).toEqual({ kind: 'epoch-changed', epoch: after.epoch });
  },
};
