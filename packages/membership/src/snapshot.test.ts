/** Snapshots: damage of any kind is noticed. (That they are faithful is shown in evolve.test.ts.) */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from './evolve.ts';
import { generatedHistory } from './generated-history.test-support.ts';
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
