/**
 * The fold over many events at once: the same roster and the same hashes as folding them one by one, for less.
 *
 * Within a batch nobody sees the rosters in between, so that the maps are changed in place instead of copied on the way
 * to each change. What is seen of every step is its revision and its digest, for those who compare hashes with others.
 */
import { fold } from './evolve.ts';
import type { RecordedEvent, Rejection } from './recorded-event.ts';
import type { Roster } from './roster.ts';
import { asBatch } from './sorted-map.ts';

export interface FoldedEvents {
  readonly roster: Roster;
  /** Of the events that were passed over, in order. */
  readonly rejections: readonly Rejection[];
}

/** Told of the roster after each event, rejected ones included; called before `foldBatch` returns. */
export type OnFolded = (step: Pick<Roster, 'revision' | 'digest'>) => void;

/** Folds the events in order. `roster` is untouched. */
export function foldBatch(roster: Roster, events: readonly RecordedEvent[], onFolded?: OnFolded): FoldedEvents {
  const rejections: Rejection[] = [];
  const after = asBatch(() => {
    let reached = roster;
    for (const event of events) {
      const folded = fold(reached, event);
      reached = folded.roster;
      if (folded.rejection !== null) rejections.push(folded.rejection);
      onFolded?.(reached);
    }
    return reached;
  });
  return { roster: after, rejections };
}
