/**
 * The newest event that a follower handed over, by which it knows its history again.
 *
 * A revision alone proves nothing: a stream that was deleted and made again has one of the same number, and so has a server
 * that lost acknowledged events (a power failure with unsynced writes) and was given others since. Time and id differ.
 */
import type { RecordedEvent } from '@muster/membership';
import type { Delivered } from './pull-reader.ts';
import { recordedEventOf } from './recorded-message.ts';

export interface Anchor {
  readonly revision: number;
  readonly timeNs: string;
  readonly id: string;
}

export function anchorAt({ revision, id }: RecordedEvent, timeNs: string): Anchor {
  return { revision, timeNs, id };
}

export function isSameEvent(one: Anchor, other: Anchor): boolean {
  return one.revision === other.revision && one.timeNs === other.timeNs && one.id === other.id;
}

/** Whether a batch holds the very event that was handed over last; null: it does not reach it yet. */
export function proofOf(anchor: Anchor, batch: readonly Delivered[]): 'equals' | 'differs' | null {
  // A copy of the stream that lags behind begins with what it has, which is older.
  const first = batch.find(({ delivery }) => delivery.revision >= anchor.revision);
  if (first === undefined) return null;
  const found = anchorAt(recordedEventOf(first.message, first.delivery), first.delivery.timeNs);
  return isSameEvent(anchor, found) ? 'equals' : 'differs';
}
