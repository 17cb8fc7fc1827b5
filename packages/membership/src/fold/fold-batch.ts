/**
 * The fold over many events at once: the same roster and the same hashes as folding them one by one, for less.
 *
 * Within a batch nobody keeps the rosters in between, so that the maps are changed in place instead of copied on the way
 * to each change. Of every step its revision and its digest are seen, for those who compare hashes with others; and whoever
 * has to know what an event found and what it left is asked before each, and looks up what it needs at that moment.
 */
import { fold } from './evolve.ts';
import type { RecordedEvent, Rejection } from '../vocabulary/recorded-event.ts';
import type { Roster } from './roster.ts';
import { asBatch } from './sorted-map.ts';

export interface FoldedEvents {
  readonly roster: Roster;
  /** Of the events that were passed over, in order. */
  readonly rejections: readonly Rejection[];
}

/**
 * Asked before each event, with the roster that the event finds. What it returns is called with the roster that the event
 * left, where the event was accepted; null for an event that it has no interest in.
 *
 * The maps of both rosters may change with the next event: whoever is asked looks up what it needs and keeps that, which is
 * immutable, but neither a roster nor a pool.
 */
export type FoldWitness = (found: Roster, event: RecordedEvent) => ((left: Roster) => void) | null;

export interface FoldBatchOptions {
  /** Told of the roster after each event, rejected ones included. */
  readonly onStep?: (step: Pick<Roster, 'revision' | 'digest'>) => void;
  readonly witness?: FoldWitness | null;
}

/** Folds the events in order. `roster` is untouched. Whatever it was given is called before it returns. */
export function foldBatch(
  roster: Roster,
  events: readonly RecordedEvent[],
  { onStep, witness }: FoldBatchOptions = {},
): FoldedEvents {
  const rejections: Rejection[] = [];
  const after = asBatch(() => {
    let reached = roster;
    for (const event of events) {
      const onAccepted = witness?.(reached, event);
      const folded = fold(reached, event);
      reached = folded.roster;
      if (folded.rejection === null) onAccepted?.(reached);
      else rejections.push(folded.rejection);
      onStep?.(reached);
    }
    return reached;
  });
  return { roster: after, rejections };
}
