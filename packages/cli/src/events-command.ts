/** `muster events`: the journal as readable lines, or as NDJSON; of a node, or of an incident file. */
import { EVENT_FILTER_FIELDS, parseEventFilter, type EventFilter } from '@muster/replay/event-filter';
import { eventViewLine, pastEvents, type EventView } from '@muster/questions/events';
import { writeJson, writeJsonLines, writeLines } from '@muster/questions/text';
import { orFailure, withIncident } from './ask.ts';
import { CliFailure } from './cli-failure.ts';
import type { Session } from './session.ts';

/** Where nothing says where to begin, the newest so many are shown. */
const NEWEST_SHOWN = 100;
/** So many of the newest revisions are looked through for events that a filter wants. */
const NEWEST_LOOKED_AT = 100_000;

export interface EventsOptions {
  readonly follow?: boolean;
  readonly from?: number;
  readonly limit?: number;
  readonly rejected?: boolean;
  readonly pool?: string;
  readonly backend?: string;
  readonly node?: string;
  readonly listener?: string;
  readonly type?: string;
  readonly origin?: string;
  /** Moments, as text. */
  readonly since?: string;
  readonly until?: string;
  /** An incident file in place of the node. */
  readonly file?: string;
}

export async function showEvents(session: Session, options: EventsOptions): Promise<void> {
  if (options.file !== undefined) return showFileEvents(session, options, options.file);
  const { follow = false, rejected = false, limit } = options;
  const filter = await filterOf(options, Date.now());
  const isFiltered = Object.keys(filter).length > 0;
  const hasBeginning = options.from !== undefined || filter.fromMs !== undefined;
  const query = new URLSearchParams();
  if (options.from !== undefined) query.set('from', String(options.from));
  // Of the rejected ones, the node itself knows how far back it is worth looking.
  else if (!hasBeginning && !rejected)
    query.set('last', String(isFiltered ? NEWEST_LOOKED_AT : (limit ?? NEWEST_SHOWN)));
  // Without a beginning the newest are meant, and which those are shows at the end.
  const isNewestWanted = !hasBeginning && (isFiltered || rejected) && !follow;
  if (limit !== undefined && !isNewestWanted) query.set('limit', String(limit));
  if (follow) query.set('follow', 'true');
  if (rejected) query.set('rejected', 'true');
  for (const field of Object.keys(EVENT_FILTER_FIELDS) as (keyof EventFilter)[]) {
    if (filter[field] !== undefined) query.set(field, String(filter[field]));
  }
  const lines = session.client.lines(`/v1/events?${query.toString()}`);
  const shown = isNewestWanted ? newest(lines, limit ?? NEWEST_SHOWN) : lines;
  for await (const line of shown) {
    await (session.isJson ? writeJsonLines(line) : writeLines([eventViewLine(JSON.parse(line) as EventView)]));
  }
  if (follow && limit === undefined) throw new CliFailure('ended', 'the node ended the stream; is it shutting down?');
}

/** Moments are times here: which revision an event has, its filter does not need to know. */
async function filterOf({ since, until, ...options }: EventsOptions, nowMs: number): Promise<EventFilter> {
  const { pool, backend, node, listener, type, origin } = options;
  const timeMs = async (text: string | undefined): Promise<string | undefined> => {
    if (text === undefined) return undefined;
    const { parseInstant } = await import('@muster/replay');
    const meant = parseInstant({ text, nowMs });
    if (meant.kind === 'now') return String(nowMs);
    if (meant.kind === 'time') return String(meant.timeMs);
    throw new CliFailure('invalid', `"${text}" is no time; for revisions there is --from`);
  };
  return orFailure(async () => {
    const [fromMs, toMs] = [await timeMs(since), await timeMs(until)];
    return parseEventFilter({ pool, backend, node, listener, type, origin, fromMs, toMs });
  });
}

async function* newest<Item>(items: AsyncIterable<Item>, count: number): AsyncGenerator<Item, void> {
  const kept: Item[] = [];
  for await (const item of items) {
    kept.push(item);
    if (kept.length > count * 2) kept.splice(0, kept.length - count);
  }
  yield* count === 0 ? [] : kept.slice(-count);
}

async function showFileEvents(session: Session, options: EventsOptions, file: string): Promise<void> {
  if (options.follow === true) throw new CliFailure('invalid', 'nothing is appended to a file: leave --follow out');
  await withIncident(file, async ({ incident, past }) => {
    const filter = await filterOf(options, incident.about.toMs);
    const { from: fromRevision = null, rejected: isRejectedOnly = false, limit } = options;
    const events = pastEvents(past.replay, { fromRevision, isRejectedOnly, filter });
    const isNewestWanted = fromRevision === null && filter.fromMs === undefined;
    let leftCount = limit ?? Infinity;
    for await (const event of isNewestWanted ? newest(events, limit ?? NEWEST_SHOWN) : events) {
      if (leftCount-- <= 0) break;
      await (session.isJson ? writeJson(event) : writeLines([eventViewLine(event)]));
    }
  });
}
