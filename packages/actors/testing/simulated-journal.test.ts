/** What the tests of the actors take for a journal passes the contract that all journals pass, while nothing is done to it. */
import { createMemoryJournal } from '@muster/journal';
import { journalContract } from '@muster/journal/testing';
import { SimulatedJournal } from './simulated-journal.ts';

journalContract('simulated', {
  open: async () => {
    const journal = new SimulatedJournal(createMemoryJournal());
    return {
      journal,
      reopen: async () => null,
      recreate: async () => {
        journal.replaceWith(createMemoryJournal());
        return journal;
      },
      [Symbol.asyncDispose]: () => journal.close(),
    };
  },
});
