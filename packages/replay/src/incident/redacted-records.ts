/**
 * Events, rosters and observations without their secrets.
 *
 * An event that every node took is taken after it, and one that every node rejected is rejected for the same reason: texts keep
 * to their limits (`redaction.ts`), and what decides where traffic goes is left alone in an event that makes sense. In one that
 * makes none everything is looked through, since anybody may have published anything.
 */
import {
  isTooDeep,
  parsePayload,
  PAYLOAD_CHARACTERS_MAX,
  rewordAll,
  rewordFree,
  rewordRoster,
  type RecordedEvent,
  type Roster,
} from '@muster/membership';
import type { Observation } from '@muster/observations';
import { isSecretField, mask, redactText } from './redaction.ts';

/** The very same event where it holds no secret. */
export function redactEvent(event: RecordedEvent): RecordedEvent {
  const { id, subject, origin, payload } = event;
  const redacted = {
    id: redactText(id),
    subject: redactText(subject),
    origin: origin === null ? null : redactText(origin),
    payload: redactPayload(payload),
  };
  const isSame =
    redacted.id === id && redacted.subject === subject && redacted.origin === origin && redacted.payload === payload;
  return isSame ? event : { ...event, ...redacted };
}

/** The same content with other digests; entities that hold no secret are shared. */
export function redactRoster(roster: Roster): Roster {
  return rewordRoster(roster, redactField);
}

/** The very same observation where it holds no secret. */
export function redactObservation(observation: Observation): Observation {
  return observation.kind === 'hash' ? observation : rewordFree(observation, redactField);
}

function redactPayload(payload: string): string {
  // Its length is why it was rejected unread, and is all that anybody was told of it.
  if (payload.length > PAYLOAD_CHARACTERS_MAX) return '*'.repeat(payload.length);
  let body: unknown;
  try {
    body = JSON.parse(payload);
  } catch {
    return redactText(payload);
  }
  // No reader takes it, so it is hidden as the text that it is.
  if (isTooDeep(payload)) return redactText(payload);
  const isEvent = 'event' in parsePayload(payload);
  const redacted = isEvent ? rewordFree(body, redactField) : rewordAll(body, redactField);
  return redacted === body ? payload : JSON.stringify(redacted);
}

function redactField(text: string, field: string): string {
  return isSecretField(field) ? mask(text.length) : redactText(text);
}
