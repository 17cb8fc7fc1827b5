/** Which stored snapshot a fold begins with. */
import { expect, test } from 'vitest';
import { emptyRoster, encodeSnapshot, foldBatch, rosterHash, type Roster } from '@muster/membership';
import type { StoredSnapshot } from './journal.ts';
import { newestTrustedSnapshot, startingRoster } from './starting-roster.ts';

const query = { epoch: 'e-1', cluster: 'test', atOrBefore: 1_000 };

function rosterAt(revision: number, cluster = 'test'): Roster {
  const event = { revision, timeMs: 1, id: 'a', subject: `muster.${cluster}.pool.p`, origin: null };
  const payload = JSON.stringify({ type: 'PoolDefined', policy: 'round_robin' });
  return foldBatch(emptyRoster(cluster), [{ ...event, payload }]).roster;
}

function snapshotAt(revision: number, cluster?: string): StoredSnapshot {
  const roster = rosterAt(revision, cluster);
  return { epoch: 'e-1', revision, hash: rosterHash(roster), data: encodeSnapshot(roster) };
}

function journalWith(...snapshots: StoredSnapshot[]) {
  return {
    loadSnapshot: async (atOrBefore = Infinity) => snapshots.findLast(({ revision }) => revision <= atOrBefore) ?? null,
  };
}

test('the newest snapshot is taken, and one that cannot be trusted is passed over with its reason', async () => {
  const passedOver: [number, string][] = [];
  const journal = journalWith(
    snapshotAt(10),
    snapshotAt(20, 'other'),
    { ...snapshotAt(30), epoch: 'e-0' },
    { ...snapshotAt(40), hash: 'another' },
    { ...snapshotAt(41), revision: 50 },
    { ...snapshotAt(60), data: 'no JSON' },
  );
  const onPassedOver = (revision: number, reason: string) => passedOver.push([revision, reason]);
  const found = await newestTrustedSnapshot(journal, { ...query, onPassedOver });
  expect(found?.roster).toEqual(rosterAt(10));
  expect(passedOver).toEqual([
    [60, expect.stringContaining('not JSON')],
    [50, 'its content is of revision 41'],
    [40, expect.stringContaining('and not another')],
    [30, 'it is of another history, e-0'],
    [20, 'it is of cluster "other"'],
  ]);
});

test('a fold begins with the empty roster only while the log has its first event', async () => {
  const unreadable = { ...snapshotAt(10), data: '' };
  expect(await startingRoster(journalWith(unreadable), { firstRevision: 1 }, query)).toEqual(emptyRoster('test'));
  expect(await startingRoster(journalWith(unreadable), { firstRevision: 5 }, query)).toBeNull();
});

test('a snapshot that ends before the log begins leads nowhere', async () => {
  const journal = journalWith(snapshotAt(10));
  expect(await startingRoster(journal, { firstRevision: 12 }, query)).toBeNull();
  expect((await startingRoster(journal, { firstRevision: 11 }, query))?.revision).toBe(10);
});
