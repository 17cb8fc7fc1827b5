/** The in-memory journal passes the contract that all journals pass. */
import { expect, test } from 'vitest';
import { journalContract } from '../testing/index.ts';
import { collect } from '../testing/contract/samples.ts';
import { createMemoryJournal } from './memory-journal.ts';

journalContract('in memory', {
  open: async () => {
    const journal = createMemoryJournal();
    return {
      journal,
      reopen: async () => null,
      recreate: async () => createMemoryJournal(),
      [Symbol.asyncDispose]: () => journal.close(),
    };
  },
});

test('time comes from the clock that was given, and stays when that goes back', async () => {
  const times = [1_000, 2_000, 1_500, 2_500];
  const journal = createMemoryJournal({ now: () => times.shift()!, epoch: 'e1' });
  for (const id of ['a', 'b', 'c', 'd']) {
    await journal.append({ id, subject: 'muster.test.pool.p', origin: null, payload: '{}' });
  }
  const events = await collect(journal.read());
  expect(events.map(({ timeMs }) => timeMs)).toEqual([1_000, 2_000, 2_000, 2_500]);
  expect((await journal.head()).epoch).toBe('e1');
});
