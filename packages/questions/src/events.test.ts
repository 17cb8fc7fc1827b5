/** How much of the journal a batch takes, whatever its events are. */
import type { Journal } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventBatches } from './events.ts';

const LARGEST_CHARACTERS = 1_048_576;
/** What a batch is over at, and the one event that passes it. */
const BATCH_CHARACTERS_MAX = 2 * LARGEST_CHARACTERS;

/** A journal with events of these sizes, made as they are read. */
function journalOf(sizes: readonly number[]) {
  const taken = { count: 0, characters: 0 };
  const read = async function* (): AsyncGenerator<RecordedEvent, void> {
    for (const [index, characters] of sizes.entries()) {
      taken.count += 1;
      taken.characters += characters;
      const at = { revision: index + 1, timeMs: 1, id: `e-${index}`, subject: 'muster.test.pool.p', origin: null };
      yield { ...at, payload: 'x'.repeat(characters) };
    }
  };
  return { taken, journal: { read, follow: read } as unknown as Pick<Journal, 'read' | 'follow'> };
}

test('a batch of history has no more characters than it may, and none is left out', async () => {
  const size = fc.oneof(fc.nat(200), fc.nat(LARGEST_CHARACTERS), fc.constant(LARGEST_CHARACTERS));
  const property = fc.asyncProperty(fc.array(size, { maxLength: 40 }), async (sizes) => {
    const { taken, journal } = journalOf(sizes);
    const { signal } = new AbortController();
    let givenCharacters = 0;
    for await (const batch of eventBatches(journal, { from: 1, to: null, isFollowing: false, signal })) {
      const characters = batch.reduce((sum, { payload }) => sum + payload.length, 0);
      expect(characters).toBeLessThanOrEqual(BATCH_CHARACTERS_MAX);
      givenCharacters += characters;
      // Nothing is read ahead of the client.
      expect(taken.characters).toBe(givenCharacters);
    }
    expect(taken.count).toBe(sizes.length);
  });
  await fc.assert(property, { numRuns: 40 });
});
