/** A roster in other words: folding reworded events gives what rewording the folded roster gives. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from './evolve.ts';
import { generatedHistory } from '../../testing/index.ts';
import { rosterHash } from './hash.ts';
import type { RecordedEvent } from '../vocabulary/recorded-event.ts';
import { rewordFree, rewordRoster } from './reword.ts';
import { emptyRoster } from './roster.ts';
import { encodeSnapshot } from './snapshot.ts';

const shout = (text: string): string => text.replaceAll(/status|alice|healthz/g, (found) => found.toUpperCase());

function shouted(event: RecordedEvent): RecordedEvent {
  let payload: unknown;
  try {
    payload = JSON.parse(event.payload);
  } catch {
    return event;
  }
  const origin = event.origin === null ? null : shout(event.origin);
  return { ...event, origin, payload: JSON.stringify(rewordFree(payload, shout)) };
}

test('folding reworded events gives the reworded roster, down to its hash', () => {
  fc.assert(
    fc.property(generatedHistory, (history) => {
      const roster = history.reduce((before, event) => fold(before, event).roster, emptyRoster('demo'));
      const reworded = history.map(shouted).reduce((before, event) => fold(before, event).roster, emptyRoster('demo'));
      expect(encodeSnapshot(rewordRoster(roster, shout))).toBe(encodeSnapshot(reworded));
    }),
    { numRuns: 300 },
  );
});

test('a roster in the same words has the same hash and the same backends', () => {
  fc.assert(
    fc.property(generatedHistory, (history) => {
      const roster = history.reduce((before, event) => fold(before, event).roster, emptyRoster('demo'));
      const same = rewordRoster(roster, (text) => text);
      expect(rosterHash(same)).toBe(rosterHash(roster));
      for (const pool of roster.pools.values()) {
        for (const backend of pool.backends.values()) {
          expect(same.pools.get(pool.id)!.backends.get(backend.id)).toBe(backend);
        }
      }
    }),
    { numRuns: 100 },
  );
});
