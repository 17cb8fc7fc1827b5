/** The embedded journal passes the contract that all journals pass. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { journalContract } from '@muster/journal/testing';
import { openEmbeddedJournal } from './embedded-journal.ts';

journalContract('embedded', {
  open: async () => {
    const directory = mkdtempSync(join(tmpdir(), 'muster-journal-'));
    const path = join(directory, 'deeper', 'node.journal');
    let journal = await openEmbeddedJournal({ path });
    const openAgain = async () => {
      await journal.close();
      journal = await openEmbeddedJournal({ path });
      return journal;
    };
    return {
      journal,
      reopen: openAgain,
      recreate: async () => {
        await journal.close();
        rmSync(path);
        // As a person who means it does: what is left of a journal beside its file says that the file is missing.
        rmSync(`${path}.head`);
        return openAgain();
      },
      [Symbol.asyncDispose]: async () => {
        await journal.close();
        rmSync(directory, { recursive: true });
      },
    };
  },
});
