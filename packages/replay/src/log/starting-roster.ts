/** Where a fold to a revision begins (`startingRoster` of the journal), and what is said where it cannot begin any more. */
import { startingRoster, type Head } from '@muster/journal';
import type { Base } from '../fold/checked-fold.ts';
import { ReplayError } from './replay-error.ts';
import type { ReplaySource } from './replay-source.ts';

/** Throws `ReplayError` `compacted` where there is nothing to begin with. */
export async function startingBase(source: ReplaySource, head: Head, revision: number): Promise<Base> {
  const { epoch } = head;
  const roster = await startingRoster(source, head, { epoch, cluster: source.cluster, atOrBefore: revision });
  if (roster === null) throw await compacted(source, head, `revision ${revision}`);
  return { roster, recordedBy: roster.revision === 0 ? null : `the snapshot at revision ${roster.revision}` };
}

/** What is said where retention has removed what somebody asks for. `what`: for example `revision 12`. */
export async function compacted(source: ReplaySource, head: Head, what: string): Promise<ReplayError> {
  const oldest = await oldestRevision(source, head);
  const had =
    oldest === null ? 'no older state can be had at all' : `the oldest state that can be had is revision ${oldest}`;
  const message = `${source.name}: what led to ${what} was removed by retention; ${had}`;
  return new ReplayError('compacted', message, oldest === null ? {} : { revision: oldest });
}

/** The oldest revision whose state can be had; null where there is none. */
export async function oldestRevision(source: ReplaySource, { firstRevision, revision }: Head): Promise<number | null> {
  if (firstRevision <= 1) return 0;
  const before = await source.loadSnapshot(firstRevision - 1);
  if (before !== null && before.revision + 1 >= firstRevision) return before.revision;
  return firstSnapshotAtOrAfter(source, firstRevision, revision);
}

/** By halving: the port finds the newest snapshot before a revision, and not the oldest after one. */
async function firstSnapshotAtOrAfter(source: ReplaySource, from: number, to: number): Promise<number | null> {
  let found: number | null = null;
  let low = from;
  let high = to;
  while (low <= high) {
    const middle = Math.floor((low + high) / 2);
    const stored = await source.loadSnapshot(middle);
    if (stored !== null && stored.revision >= from) {
      found = stored.revision;
      high = stored.revision - 1;
    } else low = middle + 1;
  }
  return found;
}
