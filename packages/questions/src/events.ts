/**
 * The journal's events, each with the verdict of those who read it: `muster events`. A node streams them, an incident file is read through;
 * both give the same views, and both are read in the same way.
 *
 * Whether an event makes sense may depend on all that came before it. A node remembers what it passed over lately; whoever wants to
 * know more folds the log again from before the span, where each event is judged exactly as every node judged it.
 */
import { setImmediate } from 'node:timers/promises';
import type { Journal } from '@muster/journal';
import { fold, isTooDeep, type RecordedEvent, type Rejection, type Roster } from '@muster/membership';
import type { Replay } from '@muster/replay';
import { EVENT_FILTER_FIELDS, eventFilter, type EventFilter } from '@muster/replay/event-filter';
import type { z } from 'zod';
import type { Shapes } from './question.ts';
import { eventLine } from './text/event-text.ts';
import { paint } from './text/output.ts';
import { printable, timeOfDay } from './text/plain-text.ts';

/** What a URL asks. The filter's fields are texts here: `parseEventFilter` judges them. */
export function eventQuery({ z, flag }: Shapes) {
  const atLeast0 = z.coerce.number().pipe(z.int().min(0));
  const filterFields = Object.fromEntries(
    Object.entries(EVENT_FILTER_FIELDS).map(([field, meaning]) => [
      field,
      z.string().min(1).max(1_024).optional().describe(`only events ${meaning}`),
    ]),
  ) as Record<keyof EventFilter, z.ZodOptional<z.ZodString>>;
  return z.strictObject({
    from: atLeast0
      .optional()
      .describe('the first revision wanted; the oldest, or with rejected the newest 100,000, when left out'),
    last: atLeast0
      .optional()
      .describe('in place of from: the newest so many revisions, or fewer where the log was cut'),
    to: atLeast0.optional().describe('the last revision wanted'),
    limit: atLeast0.optional().describe('events at most'),
    follow: flag.default(false).describe('go on with what is appended from now on'),
    rejected: flag.default(false).describe('only the events that every node passes over, with the reason'),
    ...filterFields,
  });
}

export type EventRequest = z.output<ReturnType<typeof eventQuery>>;

/** An event as the admin API shows it, and as the command line prints it. */
export const eventShape = ({ z, ...of }: Shapes) =>
  z.object({
    revision: of.revision,
    time: z.string().describe("ISO 8601, by the journal's clock"),
    id: of.text,
    subject: of.text,
    origin: of.text.nullable(),
    type: of.text.nullable().describe('null where the payload has none'),
    payload: z
      .unknown()
      .describe(
        'as JSON; as the text that was published where it is not JSON, or is nested deeper than anybody can print; of a long one that was rejected the beginning of the text, where only those are asked for',
      ),
    rejection: z
      .object({ reason: of.text, message: of.text })
      .nullable()
      .describe(
        'why every reader passes it over; null where it was taken, and where a node that remembers it no more would have to judge it by earlier events',
      ),
  });

export type EventView = z.output<ReturnType<typeof eventShape>>;
export type Verdict = Pick<Rejection, 'reason' | 'message'> | null;

/** Of a payload where only rejected events are asked for: anybody may have published anything. */
const REJECTED_PAYLOAD_CHARACTERS = 500;

/** `isCut`: of a long payload the beginning alone is shown. */
export function eventView(event: RecordedEvent, rejection: Verdict, isCut = false): EventView {
  const { revision, timeMs, id, subject, origin, payload } = event;
  const isShort = !isCut || payload.length <= REJECTED_PAYLOAD_CHARACTERS;
  const body = isShort ? parseLoosely(payload) : `${payload.slice(0, REJECTED_PAYLOAD_CHARACTERS)}…`;
  const type = (body as { type?: unknown } | null)?.type;
  return {
    revision,
    time: new Date(timeMs).toISOString(),
    id,
    subject,
    origin,
    type: typeof type === 'string' ? type : null,
    payload: body,
    rejection: rejection === null ? null : { reason: rejection.reason, message: rejection.message },
  };
}

function parseLoosely(payload: string): unknown {
  if (isTooDeep(payload)) return payload;
  try {
    return JSON.parse(payload);
  } catch {
    // What is not JSON is shown as it was published.
    return payload;
  }
}

/** Gives each event's verdict by folding on from the roster before it. To be asked for every event after that roster, in order. */
export function foldingJudge(before: Roster): (event: RecordedEvent) => Verdict {
  let roster = before;
  return (event) => {
    const folded = fold(roster, event);
    ({ roster } = folded);
    return folded.rejection;
  };
}

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
  const { roster } = await replay.rosterAt(Math.max(0, fromRevision - 1));
  const judge = foldingJudge(roster);
  for await (const event of replay.source.read({ fromRevision: Math.max(1, fromRevision) })) {
    const rejection = judge(event);
    if ((rejection === null && query.isRejectedOnly) || !isWanted(event)) continue;
    yield eventView(event, rejection, query.isRejectedOnly);
  }
}

/** Events in one batch of history, at most. */
const BATCH_EVENTS = 256;
/** Characters of payloads in one batch of history; the event that passes it is the batch's last. */
const BATCH_CHARACTERS_MAX = 1_048_576;

export interface EventRange {
  /** The first revision wanted. */
  readonly from: number;
  /** The last revision wanted; null for no end. */
  readonly to: number | null;
  /** Go on with what is appended from now on. */
  readonly isFollowing: boolean;
  readonly signal: AbortSignal;
}

/**
 * A range of a live journal in batches, with a turn of the event loop between two of them, so that a long history keeps nobody waiting.
 * Ends at the end of the range, with the signal, or when the journal becomes another history.
 */
export async function* eventBatches(
  journal: Pick<Journal, 'read' | 'follow'>,
  { from, to, isFollowing, signal }: EventRange,
): AsyncGenerator<readonly RecordedEvent[], void> {
  const last = to ?? Infinity;
  if (!isFollowing) return yield* historyBatches(journal, { from, to, signal });
  for await (const item of journal.follow({ afterRevision: Math.max(0, from - 1), signal })) {
    if (item.kind === 'epoch-changed') return;
    if (item.kind !== 'events') continue;
    yield item.events.filter(({ revision }) => revision <= last);
    if ((item.events.at(-1)?.revision ?? 0) >= last) return;
    await setImmediate();
  }
}

async function* historyBatches(
  journal: Pick<Journal, 'read'>,
  { from, to, signal }: Omit<EventRange, 'isFollowing'>,
): AsyncGenerator<readonly RecordedEvent[], void> {
  let batch: RecordedEvent[] = [];
  let characters = 0;
  for await (const event of journal.read({ fromRevision: from, ...(to !== null && { toRevision: to }) })) {
    if (signal.aborted) return;
    batch.push(event);
    characters += event.payload.length;
    if (batch.length < BATCH_EVENTS && characters < BATCH_CHARACTERS_MAX) continue;
    yield batch;
    batch = [];
    characters = 0;
    await setImmediate();
  }
  if (batch.length > 0) yield batch;
}

/** Characters of a rejected payload on its line; `--json` has more. */
const PAYLOAD_SHOWN_CHARACTERS = 80;

/** `12  12:03:04.123  backend spells/spells-1  registered …`; of a rejected one why, and what was published. */
export function eventViewLine({ time, payload, rejection, ...event }: EventView): string {
  const timeMs = Date.parse(time);
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  if (rejection === null) return eventLine({ ...event, timeMs, payload: text });
  const shown = text.length > PAYLOAD_SHOWN_CHARACTERS ? `${text.slice(0, PAYLOAD_SHOWN_CHARACTERS)}…` : text;
  const why = paint('yellow', printable(`rejected ${rejection.reason}: ${rejection.message}`));
  const what = printable(`${event.subject} from ${event.origin ?? 'unknown'}: ${shown}`);
  return `${event.revision}  ${timeOfDay(timeMs)}  ${why}  ${what}`;
}
