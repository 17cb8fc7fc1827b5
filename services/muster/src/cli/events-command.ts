/** `muster events`: the journal as readable lines, or as NDJSON. */
import type { EventView } from '../admin/event-view.ts';
import { CliFailure } from './cli-failure.ts';
import { eventLine } from './describe-event.ts';
import { printable, timeOfDay } from './plain-text.ts';
import { paint, write, type Session } from './session.ts';

/** Without `--from`, the newest so many are shown. */
const NEWEST_SHOWN = 100;
/** Characters of a rejected payload on its line; `--json` has more. */
const PAYLOAD_SHOWN_CHARACTERS = 80;

export interface EventsOptions {
  readonly follow?: boolean;
  readonly from?: number;
  readonly limit?: number;
  readonly rejected?: boolean;
}

export async function showEvents(session: Session, options: EventsOptions): Promise<void> {
  const { follow = false, rejected = false, from, limit } = options;
  const query = new URLSearchParams();
  // Of the rejected ones, the node itself knows how far back it is worth looking.
  if (from !== undefined) query.set('from', String(from));
  else if (!rejected) query.set('last', String(limit ?? NEWEST_SHOWN));
  if (limit !== undefined) query.set('limit', String(limit));
  if (follow) query.set('follow', 'true');
  if (rejected) query.set('rejected', 'true');
  for await (const line of session.client.lines(`/v1/events?${query.toString()}`)) {
    await write(`${session.isJson ? line : lineOf(JSON.parse(line) as EventView)}\n`);
  }
  if (follow && limit === undefined) throw new CliFailure('ended', 'the node ended the stream; is it shutting down?');
}

function lineOf({ time, payload, rejection, ...event }: EventView): string {
  const timeMs = Date.parse(time);
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return rejection === null
    ? eventLine({ ...event, timeMs, payload: text })
    : rejectedLine(event, { timeMs, text, rejection });
}

/** `12  12:03:04.123  rejected broken-json: the payload is not JSON: …  muster.demo.pool.p from unknown: {"type` */
function rejectedLine(
  { revision, subject, origin }: Pick<EventView, 'revision' | 'subject' | 'origin'>,
  { timeMs, text, rejection }: { timeMs: number; text: string; rejection: NonNullable<EventView['rejection']> },
): string {
  const shown = text.length > PAYLOAD_SHOWN_CHARACTERS ? `${text.slice(0, PAYLOAD_SHOWN_CHARACTERS)}…` : text;
  const why = paint('yellow', printable(`rejected ${rejection.reason}: ${rejection.message}`));
  return `${revision}  ${timeOfDay(timeMs)}  ${why}  ${printable(`${subject} from ${origin ?? 'unknown'}: ${shown}`)}`;
}
