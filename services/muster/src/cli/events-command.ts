/** `muster events`: the journal as readable lines, or as NDJSON. */
import type { EventView } from '../admin/event-stream.ts';
import type { StatusView } from '../admin/status-view.ts';
import { CliFailure } from './cli-failure.ts';
import { eventLine } from './describe-event.ts';
import { write, type Session } from './session.ts';

/** Without `--from`, the newest so many are shown. */
const NEWEST_SHOWN = 100;

export interface EventsOptions {
  readonly follow?: boolean;
  readonly from?: number;
  readonly limit?: number;
}

export async function showEvents(session: Session, { follow = false, from, limit }: EventsOptions): Promise<void> {
  const query = new URLSearchParams({ from: String(from ?? (await newestFrom(session, limit ?? NEWEST_SHOWN))) });
  if (limit !== undefined) query.set('limit', String(limit));
  if (follow) query.set('follow', 'true');
  for await (const line of session.client.lines(`/v1/events?${query.toString()}`)) {
    await write(`${session.isJson ? line : readable(JSON.parse(line) as EventView)}\n`);
  }
  if (follow && limit === undefined) throw new CliFailure('ended', 'the node ended the stream; is it shutting down?');
}

async function newestFrom({ client }: Session, count: number): Promise<number> {
  const { headRevision, revision } = await client.get<StatusView>('/v1/status');
  return Math.max(1, Math.max(headRevision, revision) - count + 1);
}

function readable({ time, payload, rejection, ...event }: EventView): string {
  const text = rejection !== null && typeof payload === 'string' ? payload : JSON.stringify(payload);
  return eventLine({ ...event, timeMs: Date.parse(time), payload: text });
}
