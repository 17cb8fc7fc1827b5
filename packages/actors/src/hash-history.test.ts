/** The ring of hashes: what it remembers, and what it does not make up. */
import { emptyRoster, fold, rosterHash } from '@muster/membership';
import { expect, test } from 'vitest';
import { HashHistory } from './folded-roster.ts';

test('the hash of each folded revision is the one that the roster had there', () => {
  const history = new HashHistory();
  const hashByRevision = new Map<number, string>();
  let roster = emptyRoster('demo');
  for (const revision of [3, 4, 9]) {
    const payload = JSON.stringify({ type: 'PoolDefined' });
    const subject = `muster.demo.pool.p-${revision}`;
    roster = fold(roster, { revision, timeMs: 1, id: `${revision}`, subject, origin: null, payload }).roster;
    history.record(roster);
    hashByRevision.set(revision, rosterHash(roster));
  }
  for (const [revision, hash] of hashByRevision) expect(history.at(revision)).toBe(hash);
  expect(history.at(5)).toBeNull();
  expect(history.at(0)).toBe(rosterHash(emptyRoster('demo')));
});

test('a revision is forgotten when one 65,536 later takes its place', () => {
  const history = new HashHistory();
  history.record({ revision: 5, digest: { high: 0xffffffff, low: 1 } });
  expect(history.at(5)).toBe('ffffffff00000001');
  history.record({ revision: 5 + 65_536, digest: { high: 2, low: 3 } });
  expect(history.at(5)).toBeNull();
  expect(history.at(5 + 65_536)).toBe('0000000200000003');
});
