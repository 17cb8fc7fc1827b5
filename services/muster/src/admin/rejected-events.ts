/**
 * The events that every reader passes over, with the reasons.
 *
 * Whether an event makes sense may depend on all that came before it. So the events are folded here once more, beside the
 * node's own roster, from a snapshot before the range on: what stands in it is judged exactly as every node judged it.
 */
import type { Head, Journal } from '@muster/journal';
import { decodeSnapshot, emptyRoster, fold, type RecordedEvent, type Rejection, type Roster } from '@muster/membership';
import { ApiError } from './api-error.ts';
import { eventBatches, type EventRange } from './event-batches.ts';

/** Where no first revision is asked for, so many of the newest events are looked through. */
export const REJECTED_RANGE_EVENTS = 100_000;
/** Snapshots that are tried before the log is read from its start, where some cannot be decoded. */
const SNAPSHOTS_TRIED_MAX = 3;

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
 * A roster at some revision before `from`, from which on the journal has every event. Throws `ApiError` where there is none
 * any more, and `JournalError`.
 */
export async function rosterBefore(journal: Journal, from: number, cluster: string): Promise<Roster> {
  const head = await journal.head();
  let atOrBefore = from - 1;
  for (let triedCount = 0; triedCount < SNAPSHOTS_TRIED_MAX && atOrBefore > 0; triedCount++) {
    const stored = await journal.loadSnapshot(atOrBefore);
    if (stored === null || stored.revision + 1 < head.firstRevision) break;
    const decoded = decodeSnapshot(stored.data);
    if (decoded.outcome === 'decoded') return decoded.roster;
    atOrBefore = stored.revision - 1;
  }
  if (head.firstRevision <= 1) return emptyRoster(cluster);
  throw tooOld(from, head);
}

function tooOld(from: number, { firstRevision, revision }: Head): ApiError {
  const message = `what came before event ${from} is gone: the journal holds ${firstRevision} to ${revision}, and no snapshot before ${from}; choose a later one`;
  return new ApiError(410, { code: 'compacted', message });
}
