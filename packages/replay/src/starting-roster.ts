/**
 * Where a fold to a revision can begin: the newest stored snapshot at or before it that can be trusted, or the first event.
 *
 * A snapshot that cannot be read is passed over for an older one, which costs time and nothing else. Where retention has
 * removed the log's beginning, what no snapshot leads to any more cannot be had, and is said to be gone.
 */
import { decodeSnapshot, emptyRoster, rosterHash, type Roster } from '@muster/membership';
import type { Head, StoredSnapshot } from '@muster/journal';
import type { Base } from './checked-fold.ts';
import { ReplayError } from './replay-error.ts';
import type { ReplaySource } from './replay-source.ts';

/** Snapshots that are looked at, the newest first, before the log is folded from its first event. */
const SNAPSHOTS_TRIED_MAX = 8;

/** Throws `ReplayError` `compacted` where there is nothing to begin with. */
export async function startingRoster(source: ReplaySource, head: Head, revision: number): Promise<Base> {
  let atOrBefore = revision;
  for (let triedCount = 0; triedCount < SNAPSHOTS_TRIED_MAX && atOrBefore > 0; triedCount++) {
    const stored = await source.loadSnapshot(atOrBefore);
    if (stored === null || stored.revision + 1 < head.firstRevision) break;
    const roster = trusted(stored, { epoch: head.epoch, cluster: source.cluster });
    if (roster !== null) return { roster, recordedBy: `the snapshot at revision ${stored.revision}` };
    atOrBefore = stored.revision - 1;
  }
  if (head.firstRevision <= 1) return { roster: emptyRoster(source.cluster), recordedBy: null };
  throw await compacted(source, head, `revision ${revision}`);
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

function trusted(stored: StoredSnapshot, { epoch, cluster }: { epoch: string; cluster: string }): Roster | null {
  if (stored.epoch !== epoch) return null;
  const decoded = decodeSnapshot(stored.data);
  if (decoded.outcome !== 'decoded') return null;
  const { roster } = decoded;
  const isWhatItSays = roster.cluster === cluster && roster.revision === stored.revision;
  return isWhatItSays && rosterHash(roster) === stored.hash ? roster : null;
}
