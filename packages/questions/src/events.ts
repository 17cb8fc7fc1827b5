/**
 * The events of a span, each with the verdict that every reader comes to: the log folded again from before it.
 */
import { fold } from '@muster/membership';
import { eventFilter, type EventFilter, type Replay } from '@muster/replay';
import { eventView, type EventView } from './event-view.ts';

export interface PastEventsQuery {
  /** The first revision wanted; null for the oldest that there is. */
  readonly fromRevision: number | null;
  readonly filter: EventFilter;
  /** Only what every reader passes over. */
  readonly isRejectedOnly: boolean;
}

/** In order. Throws `ReplayError`, for a filter that makes no sense before the first event. */
export async function* pastEvents(replay: Replay, query: PastEventsQuery): AsyncGenerator<EventView, void> {
  const isWanted = eventFilter(query.filter);
  const { firstRevision } = await replay.source.head();
  const fromRevision = query.fromRevision ?? firstRevision;
  let { roster } = await replay.rosterAt(Math.max(0, fromRevision - 1));
  for await (const event of replay.source.read({ fromRevision: Math.max(1, fromRevision) })) {
    const folded = fold(roster, event);
    ({ roster } = folded);
    const { rejection } = folded;
    if ((rejection === null && query.isRejectedOnly) || !isWanted(event)) continue;
    yield eventView({ event, rejection }, query.isRejectedOnly);
  }
}
