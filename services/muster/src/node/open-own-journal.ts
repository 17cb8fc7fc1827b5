/**
 * A journal of this node's own, in a file, and what to serve where that file is damaged.
 *
 *     sound                                        the journal
 *     damaged, and there is a local snapshot       what was served last; nothing is read from the journal or appended to it
 *     damaged, and there is none                   no start, with one line that says what is missing and what to do
 *
 * The local snapshot lies beside the journal, at most some seconds behind it. It says how far the journal had come also where
 * everything else that says so is gone.
 */
import type { LocalSnapshot } from '@muster/actors';
import { JournalError } from '@muster/journal';
import { openEmbeddedJournal, refusedJournal } from '@muster/journal-embedded';
import type { Log } from '../log/log.ts';
import { localSnapshotFile, localSnapshotHead, ownSnapshotPath } from './local-snapshot-file.ts';
import type { JournalOpening } from './open-journal.ts';

/** `log` is waited for only where there is something to tell. */
export async function openOwn(path: string, log: Promise<Log>): Promise<JournalOpening> {
  const tell = (level: 'info' | 'warn' | 'error') => (fields: object, text: string) =>
    void log.then((opened) => opened[level](fields, text));
  const snapshotPath = ownSnapshotPath(path);
  const file = localSnapshotFile(snapshotPath, { info: tell('info'), warn: tell('warn') });
  const known = await localSnapshotHead(snapshotPath);
  const warn = tell('warn');
  try {
    const journal = await openEmbeddedJournal({ path, known, onNote: (text) => warn({ path }, text) });
    void journal.checked().then(() => {
      if (journal.damage === null) return;
      tell('error')({ path }, `${journal.damage}; what is served does not rest on it, and is right`);
    });
    return {
      outcome: 'open',
      open: {
        journal,
        live: null,
        // The journal itself is what a start begins with.
        localSnapshot: { ...file, load: async () => null },
        adoptionStore: null,
        awayReason: () => null,
        damage: () => journal.damage,
        close: () => journal.close(),
      },
    };
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    if (error.code !== 'unreadable' || known === null) return { outcome: 'failed', reason: error.message };
    return openRefused(error, file);
  }
}

async function openRefused(refusal: JournalError, file: LocalSnapshot): Promise<JournalOpening> {
  const snapshot = await file.load();
  if (snapshot === null) return { outcome: 'failed', reason: refusal.message };
  const journal = refusedJournal(refusal);
  const reason = (): string => refusal.message;
  const localSnapshot = { ...file, load: async () => snapshot };
  const open = {
    journal,
    live: null,
    localSnapshot,
    adoptionStore: null,
    awayReason: reason,
    damage: reason,
    close: () => journal.close(),
  };
  return { outcome: 'open', open };
}
