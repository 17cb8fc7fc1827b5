/**
 * Where a fold can begin: the newest stored snapshot that can be trusted, or the first event. A node that starts, a question about the
 * past and the admin API all begin here, so all of them trust the same snapshots.
 *
 *     newest ──not trusted──► the one before ──not trusted──► … at most 8 ──► the first event, where the log still has it
 *
 * A snapshot is trusted when it belongs to the journal's present history and to the cluster, can be decoded, and has the revision
 * and the hash under which it was stored. One that is not costs a longer fold and nothing else.
 */
import { setImmediate } from 'node:timers/promises';
import { decodeSnapshot, emptyRoster, rosterHash, snapshotParts, type Roster } from '@muster/membership';
import type { Head, Journal, StoredSnapshot } from './journal.ts';

/** Snapshots that are looked at, the newest first, before a reader begins with the first event. */
const SNAPSHOTS_TRIED_MAX = 8;

/** A roster and the stored text that it was decoded from. */
export interface TrustedSnapshot {
  readonly roster: Roster;
  readonly stored: StoredSnapshot;
}

export interface StartQuery {
  /** The history that the snapshot must belong to. */
  readonly epoch: string;
  readonly cluster: string;
  /** The newest revision that the snapshot may have. */
  readonly atOrBefore: number;
  /** Told of each snapshot that is not trusted, with the reason for people. Default: nobody is. */
  readonly onPassedOver?: (revision: number, reason: string) => void;
}

/** The roster in a stored snapshot, wherever that was stored, or for people why it cannot be trusted. */
export function trustedSnapshot(stored: StoredSnapshot, cluster: string): TrustedSnapshot | string {
  const decoded = decodeSnapshot(stored.data);
  if (decoded.outcome !== 'decoded') return decoded.message;
  const { roster } = decoded;
  if (roster.cluster !== cluster) return `it is of cluster "${roster.cluster}"`;
  if (roster.revision !== stored.revision) return `its content is of revision ${roster.revision}`;
  const hash = rosterHash(roster);
  return hash === stored.hash ? { roster, stored } : `its content has hash ${hash} and not ${stored.hash}`;
}

/** The newest snapshot in the journal that can be trusted; null where there is none. Throws `JournalError`. */
export async function newestTrustedSnapshot(
  journal: Pick<Journal, 'loadSnapshot'>,
  { epoch, cluster, atOrBefore, onPassedOver }: StartQuery,
): Promise<TrustedSnapshot | null> {
  let last = atOrBefore;
  for (let triedCount = 0; triedCount < SNAPSHOTS_TRIED_MAX; triedCount++) {
    const stored = await journal.loadSnapshot(last);
    if (stored === null) return null;
    const trusted =
      stored.epoch === epoch ? trustedSnapshot(stored, cluster) : `it is of another history, ${stored.epoch}`;
    if (typeof trusted !== 'string') return trusted;
    onPassedOver?.(stored.revision, trusted);
    last = stored.revision - 1;
  }
  return null;
}

/**
 * A roster at or before a revision from which on the log has every event: a trusted snapshot's, or the empty one. Null where
 * retention has removed the log's beginning and no trusted snapshot leads to where it begins now. Throws `JournalError`.
 */
export async function startingRoster(
  journal: Pick<Journal, 'loadSnapshot'>,
  { firstRevision }: Pick<Head, 'firstRevision'>,
  query: StartQuery,
): Promise<Roster | null> {
  const snapshot = query.atOrBefore > 0 ? await newestTrustedSnapshot(journal, query) : null;
  if (snapshot !== null && snapshot.stored.revision + 1 >= firstRevision) return snapshot.roster;
  return firstRevision <= 1 ? emptyRoster(query.cluster) : null;
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
