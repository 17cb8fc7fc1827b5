/** The difference between two rosters, checked against a plain comparison of their content. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { diff, type Change } from './diff.ts';
import { fold } from './evolve.ts';
import { generatedHistory } from '../../testing/index.ts';
import type { RecordedEvent } from '../vocabulary/recorded-event.ts';
import { emptyRoster, type Roster } from './roster.ts';

const folded = (events: readonly RecordedEvent[]) =>
  events.reduce((roster, event) => fold(roster, event).roster, emptyRoster('demo'));

function names({ kind, before, after }: Change): string {
  const entity = (after ?? before)!;
  const name = 'pool' in entity ? `${entity.pool}/${entity.id}` : entity.id;
  return `${kind} ${name} ${before === null ? 'added' : after === null ? 'removed' : 'changed'}`;
}

function content(roster: Roster): Map<string, string> {
  const entries = new Map<string, string>();
  for (const { id, digest } of roster.listeners.values()) entries.set(`listener ${id}`, JSON.stringify(digest));
  for (const pool of roster.pools.values()) {
    entries.set(`pool ${pool.id}`, JSON.stringify(pool.digest));
    for (const { id, digest } of pool.backends.values())
      entries.set(`backend ${pool.id}/${id}`, JSON.stringify(digest));
  }
  return entries;
}

function expected(before: Roster, after: Roster): string[] {
  const [from, to] = [content(before), content(after)];
  const changes: string[] = [];
  for (const [name, digest] of to) {
    if (!from.has(name)) changes.push(`${name} added`);
    else if (from.get(name) !== digest) changes.push(`${name} changed`);
  }
  for (const name of from.keys()) if (!to.has(name)) changes.push(`${name} removed`);
  return changes.sort();
}

test('names exactly what differs between any two points of a history', () => {
  fc.assert(
    fc.property(generatedHistory, fc.nat(), (history, cutSeed) => {
      const before = folded(history.slice(0, history.length === 0 ? 0 : cutSeed % history.length));
      const after = folded(history);
      expect(diff(before, after).map(names).sort()).toEqual(expected(before, after));
    }),
    { numRuns: 300 },
  );
});

test('a pool comes before its backends when it is added, and after them when it is removed', () => {
  const events = ['PoolDefined', 'BackendRegistered'].map((type, index) => ({
    revision: index + 1,
    timeMs: 0,
    id: `${index}`,
    origin: null,
    subject: index === 0 ? 'muster.demo.pool.p' : 'muster.demo.backend.p.b',
    payload: JSON.stringify(index === 0 ? { type } : { type, target: 'a:1' }),
  }));
  const after = folded(events);
  expect(diff(emptyRoster('demo'), after).map(names)).toEqual(['pool p added', 'backend p/b added']);
  expect(diff(after, emptyRoster('demo')).map(names)).toEqual(['backend p/b removed', 'pool p removed']);
});
