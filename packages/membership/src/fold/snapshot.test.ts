/** Snapshots: damage of any kind is noticed. (That they are faithful is shown in evolve.test.ts.) */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from './evolve.ts';
import { generatedHistory } from '../../testing/index.ts';
import { rosterHash } from './hash.ts';
import { emptyRoster } from './roster.ts';
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts';

test.each([
  ['', 'not-a-snapshot'],
  ['{', 'not-a-snapshot'],
  ['null', 'other-format'],
  ['{"format":2}', 'other-format'],
  ['{"format":4}', 'other-format'],
  ['{"format":3}', 'not-a-snapshot'],
])('%j is unreadable: %s', (text, reason) => {
  expect(decodeSnapshot(text)).toMatchObject({ outcome: 'unreadable', reason });
});

test('a character changed anywhere gives the same roster again or is refused', () => {
  fc.assert(
    fc.property(generatedHistory, fc.nat(), fc.integer({ min: 32, max: 126 }), (history, seed, character) => {
      const roster = history.reduce((before, event) => fold(before, event).roster, emptyRoster('demo'));
      const text = encodeSnapshot(roster);
      const at = seed % text.length;
      const decoded = decodeSnapshot(text.slice(0, at) + String.fromCharCode(character) + text.slice(at + 1));
      const hash = rosterHash(roster);
      expect(decoded).toSatisfy(() => decoded.outcome === 'unreadable' || rosterHash(decoded.roster) === hash);
    }),
    { numRuns: 1_000 },
  );
});

test('a text that does not say when a backend got its target is read as one that got it long ago', () => {
  const events = [
    { subject: 'muster.demo.pool.p', payload: '{"type":"PoolDefined"}' },
    { subject: 'muster.demo.backend.p.a', payload: '{"type":"BackendRegistered","target":"a:80"}' },
  ].map((event, index) => ({ revision: index + 1, timeMs: 1_000, id: `${index}`, origin: null, ...event }));
  const roster = events.reduce((before, event) => fold(before, event).roster, emptyRoster('demo'));
  const text = encodeSnapshot(roster);
  expect(text).toContain('"target":{"value":"a:80","revision":2,"timeMs":1000}');
  const earlier = decodeSnapshot(text.replace('"revision":2,"timeMs":1000}', '"revision":2}'));
  const decoded = earlier.outcome === 'decoded' ? earlier.roster : null;
  expect(decoded?.pools.get('p')!.backends.get('a')!.target).toEqual({ value: 'a:80', revision: 2, timeMs: 0 });
});
