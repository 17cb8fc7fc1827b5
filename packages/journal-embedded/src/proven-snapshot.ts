/** Snapshots in the journal's file: which of them is what was stored, at the event that it was made after. */
import type { StoredSnapshot } from '@muster/journal';
import { snapshotDigest } from './event-digest.ts';
import type { EventRows } from './event-rows.ts';
import type { JournalFile } from './journal-file.ts';

export interface SnapshotSource {
  readonly file: Pick<JournalFile, 'database' | 'path' | 'epoch'>;
  readonly rows: EventRows;
  readonly onNote: (text: string) => void;
}

/** The newest at or before a revision; null where none is proven. Of those that are not, `onNote` is told. */
export function provenSnapshot({ file, rows, onNote }: SnapshotSource, atOrBefore: number): StoredSnapshot | null {
  const { database, path, epoch } = file;
  const statement = database.prepare(
    'SELECT revision, hash, data, digest FROM snapshots WHERE revision <= ? ORDER BY revision DESC LIMIT 1',
  );
  for (let last = atOrBefore; ;) {
    const row = statement.get(last);
    if (row === undefined) return null;
    const snapshot = { ...(row as unknown as StoredSnapshot), epoch };
    const { revision } = snapshot;
    if (isSound(rows, snapshot, row['digest'])) return { epoch, revision, hash: snapshot.hash, data: snapshot.data };
    onNote(
      `the journal ${path}: its snapshot at revision ${revision} is not the one that was stored, and is passed over`,
    );
    last = revision - 1;
  }
}

/** One without a digest is of an earlier version; whoever reads it compares the roster's hash. */
function isSound(rows: EventRows, snapshot: StoredSnapshot, digest: unknown): boolean {
  if (typeof snapshot.hash !== 'string' || typeof snapshot.data !== 'string') return false;
  return digest === null || digest === snapshotDigest(rows.digestAt(snapshot.revision) ?? '', snapshot);
}
