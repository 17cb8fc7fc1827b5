/** The roster as pieces of text: that they are one answer, and that what they cost grows with the roster alone. */
import { emptyRoster, foldBatch, type MembershipEventInput, type RecordedEvent, type Roster } from '@muster/membership';
import { expect, test } from 'vitest';
import { poolParts, rosterParts, type RosterView } from './roster.ts';

function rosterOf(poolsCount: number, backendsCount: number): Roster {
  const events: RecordedEvent[] = [];
  const add = (subject: string, event: MembershipEventInput): void => {
    const revision = events.length + 1;
    const at = { revision, timeMs: revision, id: `e-${revision}`, subject: `muster.test.${subject}`, origin: null };
    events.push({ ...at, payload: JSON.stringify(event) });
  };
  for (let pool = 0; pool < poolsCount; pool++) {
    add(`pool.p-${pool}`, { type: 'PoolDefined' });
    for (let index = 0; index < backendsCount; index++) {
      add(`backend.p-${pool}.b-${index}`, { type: 'BackendRegistered', target: `10.0.0.${index % 250}:80` });
    }
  }
  return foldBatch(emptyRoster('test'), events).roster;
}

/** A node that counts how often it was asked for what costs as much as all of its pools. */
function countingNode(roster: Roster) {
  const asked = { status: 0, pending: 0, roster: 0 };
  const node = {
    status: () => ((asked.status += 1), { node: 'lb-1' }),
    pending: () => ((asked.pending += 1), new Map()),
    roster: () => ((asked.roster += 1), roster),
    refusalOf: () => null,
  } as unknown as Parameters<typeof rosterParts>[0];
  return { node, asked };
}

test('the pieces are one JSON document, also where there is nothing', () => {
  const { node } = countingNode(rosterOf(3, 120));
  const view = JSON.parse([...rosterParts(node)].join('')) as RosterView;
  expect(view.pools.map(({ id, backends }) => [id, backends.length])).toEqual([
    ['p-0', 120],
    ['p-1', 120],
    ['p-2', 120],
  ]);
  expect(JSON.parse([...poolParts(node, 'p-1')!].join(''))).toEqual(view.pools[1]);
  expect(poolParts(node, 'p-9')).toBeNull();
  const empty = JSON.parse([...rosterParts(countingNode(emptyRoster('test')).node)].join('')) as RosterView;
  expect(empty).toMatchObject({ pools: [], listeners: [], nodes: [], revision: 0 });
});

test('what costs as much as the node is asked once, however many pools there are, and no piece is large', () => {
  const { node, asked } = countingNode(rosterOf(400, 2));
  for (const part of rosterParts(node)) expect(part.length).toBeLessThan(65_536);
  expect(asked).toEqual({ status: 1, pending: 1, roster: 1 });
  for (const part of rosterParts(countingNode(rosterOf(1, 3_000)).node)) expect(part.length).toBeLessThan(65_536);
});
