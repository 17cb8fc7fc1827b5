/** An event as the admin API shows it, and as the command line prints it: plain JSON. */
import { isTooDeep, type Rejection } from '@muster/membership';
import type { JudgedEvent } from './events/rejected-events.ts';

/** Of a payload where only rejected events are asked for: anybody may have published anything. */
const REJECTED_PAYLOAD_CHARACTERS = 500;

export interface EventView {
  readonly revision: number;
  /** ISO 8601, the journal's clock. */
  readonly time: string;
  readonly id: string;
  readonly subject: string;
  readonly origin: string | null;
  /** Null where the payload has none. */
  readonly type: string | null;
  /**
   * The payload as JSON; as the text that was published where it is not JSON, or is nested deeper than anybody can print. With `rejectedSince`, of one that is longer
   * than 500 characters, the beginning of the text, ending in `…`.
   */
  readonly payload: unknown;
  /**
   * Why every reader passes the event over. Null where it was taken, and, without `rejectedSince`, where that depends on
   * earlier events and this node folded it long ago.
   */
  readonly rejection: Pick<Rejection, 'reason' | 'message'> | null;
}

/** `isCut`: of a long payload the beginning alone is shown. */
export function eventView({ event, rejection }: JudgedEvent, isCut: boolean): EventView {
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
