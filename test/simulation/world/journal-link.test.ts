/** The link to the simulated journal, over a path that nobody spoils, passes the contract that all journals pass. */
import { SimulatedClock } from '@muster/actors/testing';
import { journalContract } from '@muster/journal/testing';
import { JournalStore } from './history.ts';
import { JournalLink, JournalPath } from './journal-link.ts';
import { ProcessClock } from './process-clock.ts';

journalContract('simulated link', {
  open: async () => {
    const clock = new SimulatedClock();
    const store = new JournalStore(() => clock.now());
    const path = new JournalPath();
    store.onReplaced = () => path.wake();
    const makeLink = () =>
      new JournalLink({ store, path, clock: new ProcessClock(clock, { offsetMs: 0 }), onAppended: () => undefined });
    let link = makeLink();
    const openAgain = async () => {
      await link.close();
      return (link = makeLink());
    };
    return {
      journal: link,
      reopen: openAgain,
      recreate: async () => {
        store.makeAgain();
        return link;
      },
      [Symbol.asyncDispose]: () => link.close(),
    };
  },
});
