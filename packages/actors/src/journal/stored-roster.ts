/**
 * Rosters in stored snapshots: which one can be trusted, and how one is made without stopping everything else.
 *
 * Where a snapshot comes from, the journal or this machine's disk, makes no difference here.
 */
import { setImmediate } from 'node:timers/promises';
import type { Journal, StoredSnapshot } from '@muster/journal';
import { decodeSnapshot, snapshotParts, type Roster } from '@muster/membership';
import type { Logger } from '../ports.ts';

/** Snapshots that are looked at before a reader begins with the first event. */
const SNAPSHOTS_TRIED_MAX = 4;

/** A roster and the text that it was read from. */
export interface TrustedSnapshot {
  readonly roster: Roster;
  readonly stored: StoredSnapshot;
}

/** The roster in a stored snapshot, or why it cannot be used. */
export function trustedSnapshot(stored: StoredSnapshot, cluster: string): TrustedSnapshot | string {
  const decoded = decodeSnapshot(stored.data);
  if (decoded.outcome !== 'decoded') return decoded.message;
  const { roster } = decoded;
  if (roster.cluster !== cluster) return `it is of cluster "${roster.cluster}"`;
  if (roster.revision !== stored.revision) return `its content is of revision ${roster.revision}`;
  return { roster, stored };
}

export interface SnapshotQuery {
  readonly epoch: string;
  readonly cluster: string;
  readonly atOrBefore: number;
  readonly log: Logger;
}

/** The newest snapshot in the journal that can be trusted; null where a reader has to begin with the first event. Throws `JournalError`. */
export async function loadTrusted(journal: Journal, query: SnapshotQuery): Promise<TrustedSnapshot | null> {
  let { atOrBefore } = query;
  for (let triedCount = 0; triedCount < SNAPSHOTS_TRIED_MAX; triedCount++) {
    const stored = await journal.loadSnapshot(atOrBefore);
    if (stored === null) return null;
    const { revision, epoch } = stored;
    const trusted =
      epoch === query.epoch ? trustedSnapshot(stored, query.cluster) : `it is of another history, ${epoch}`;
    if (typeof trusted !== 'string') return trusted;
    query.log.warn({ revision, reason: trusted }, `the snapshot at revision ${revision} is passed over: ${trusted}`);
    atOrBefore = revision - 1;
  }
  return null;
}

/** A roster as text. It is immutable, so it may be encoded over many turns of the event loop while newer ones are made. */
export async function encodeInTurns(roster: Roster): Promise<string> {
  const parts: string[] = [];
  for (const part of snapshotParts(roster)) {
    parts.push(part);
    await setImmediate();
  }
  return parts.join('');
}
