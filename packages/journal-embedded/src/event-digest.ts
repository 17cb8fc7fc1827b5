/**
 * The chain of digests: each event's row carries one over the digest of the event before and everything in the row.
 *
 *     beginning (epoch) ──► event 1 ──► event 2 ──► … ──► newest        the same place, the same digest: the same events up to there
 *                                          └──► snapshot at 2
 *
 * So a row that is changed, moved, missing, or of another history is found by whoever reads it with the one before, and two files that
 * agree in their newest digest agree in everything. It is against accidents and hands that repair: who changes a row and computes all
 * digests behind it anew is found only by what else knows the newest one (`head-file.ts`).
 *
 * SHA-256 of one short text takes 1 µs; a commit takes some 100.
 */
import { hash } from 'node:crypto';
import type { StoredSnapshot } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';

/** In base64: 132 bits. */
const DIGEST_CHARACTERS = 22;

/** What stands before the first event. */
export function beginningDigest(epoch: string): string {
  return digestOf(`journal\n${epoch}`);
}

/** Ids, subjects and origins hold no line feeds, and the payload is the last: no two events have the same text. */
export function eventDigest(before: string, event: RecordedEvent): string {
  const { revision, timeMs, id, subject, origin, payload } = event;
  return digestOf(`${before}\n${revision}\n${timeMs}\n${id}\n${subject}\n${origin ?? '\0'}\n${payload}`);
}

/** `event`: the digest at the snapshot's revision. */
export function snapshotDigest(event: string, { revision, hash: rosterHash, data }: StoredSnapshot): string {
  return digestOf(`snapshot\n${event}\n${revision}\n${rosterHash}\n${data}`);
}

export function digestOf(text: string): string {
  return hash('sha256', text, 'base64').slice(0, DIGEST_CHARACTERS);
}
