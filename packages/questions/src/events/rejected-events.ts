/**
 * The events that every reader passes over, with the reasons.
 *
 * Whether an event makes sense may depend on all that came before it. So the events are folded here once more, beside the
 * node's own roster, from a snapshot before the range on: what stands in it is judged exactly as every node judged it.
 */
import { startingRoster, type Head, type Journal } from '@muster/journal';
import { fold, type RecordedEvent, type Rejection, type Roster } from '@muster/membership';
import { ReplayError } from '@muster/replay';
import { eventBatches, type EventRange } from './event-batches.ts';

/** Where no first revision is asked for, so many of the newest events are looked through. */
export const REJECTED_RANGE_EVENTS = 100_000;

/** An event, and why it was passed over; null where it was taken, or nobody here knows. */
export interface JudgedEvent {
  readonly event: RecordedEvent;
  readonly rejection: Pick<Rejection, 'reason' | 'message'> | null;
}

/** The rejected events of a range. `before`: what `rosterBefore` gave for its first revision. */
export async function* rejectedEvents(
  journal: Journal,
  before: Roster,
  range: EventRange,
): AsyncGenerator<readonly JudgedEvent[], void> {
  let roster = before;
  for await (const events of eventBatches(journal, { ...range, from: before.revision + 1 })) {
    const rejected: JudgedEvent[] = [];
    for (const event of events) {
      const folded = fold(roster, event);
      roster = folded.roster;
      if (folded.rejection === null || event.revision < range.from) continue;
      rejected.push({ event, rejection: folded.rejection });
    }
    yield rejected;
  }
}

/**
 * A roster at some revision before `from`, from which on the journal has every event. Throws `ReplayError` with code
 * `compacted` where there is none any more, and `JournalError`.
 */
export async function rosterBefore(journal: Journal, from: number, cluster: string): Promise<Roster> {
  const head = await journal.head();
  const query = { epoch: head.epoch, cluster, atOrBefore: from - 1 };
  const roster = await startingRoster(journal, head, query);
  if (roster === null) throw tooOld(from, head);
  return roster;
}

function tooOld(from: number, { firstRevision, revision }: Head): ReplayError {
  const message = `what came before event ${from} is gone: the journal holds ${firstRevision} to ${revision}, and no snapshot before ${from}; choose a later one`;
  return new ReplayError('compacted', message);
}
