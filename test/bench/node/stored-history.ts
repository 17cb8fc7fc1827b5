/**
 * Snapshots of a journal's history, made by folding it from its first event: what a node would have saved on its way.
 */
import type { Journal, StoredSnapshot } from '@muster/journal';
import {
  emptyRoster,
  encodeSnapshot,
  foldBatch,
  rosterHash,
  type RecordedEvent,
  type Roster,
} from '@muster/membership';

const BATCH_EVENTS = 1_000;

/**
 * A snapshot at each of these revisions, which must rise. Throws where the history is shorter, or holds an event that is
 * rejected: a benchmark on such a history would measure something else.
 */
export async function snapshotsAt(
  journal: Journal,
  { cluster, revisions }: { readonly cluster: string; readonly revisions: readonly number[] },
): Promise<StoredSnapshot[]> {
  const { epoch } = await journal.head();
  const snapshots: StoredSnapshot[] = [];
  let roster = emptyRoster(cluster);
  for (const revision of revisions) {
    roster = await foldTo(roster, { journal, toRevision: revision });
    if (roster.revision !== revision) throw new Error(`The history ends at ${roster.revision}, before ${revision}`);
    if (roster.rejectedCount > 0) throw new Error(`The history holds ${roster.rejectedCount} events that are rejected`);
    snapshots.push({ epoch, revision, hash: rosterHash(roster), data: encodeSnapshot(roster) });
  }
  return snapshots;
}

async function foldTo(
  start: Roster,
  { journal, toRevision }: { readonly journal: Journal; readonly toRevision: number },
): Promise<Roster> {
  let roster = start;
  let batch: RecordedEvent[] = [];
  for await (const event of journal.read({ fromRevision: start.revision + 1, toRevision })) {
    batch.push(event);
    if (batch.length < BATCH_EVENTS) continue;
    roster = foldBatch(roster, batch).roster;
    batch = [];
  }
  return foldBatch(roster, batch).roster;
}
