/**
 * What every journal refuses before it stores anything.
 *
 * The rules are the narrowest that all stores can keep: a subject that NATS can route, an id and an origin that fit in
 * a message header, and text that survives UTF-8. So an event that one journal takes, every other one takes too, and
 * a journal can be copied into another.
 *
 * It does not look into payloads: whether an event makes sense is the fold's question.
 */
import type { RecordedEvent } from '@muster/membership';
import { PAYLOAD_BYTES_MAX, type AppendOptions, type AppendOutcome, type NewEvent } from './journal.ts';

const ID_PATTERN = /^[!-~]{1,128}$/;
/** Dot-separated tokens of printable ASCII without the wildcards `*` and `>`. */
const SUBJECT_PATTERN = /^[!-)+,\-/-=?-~]+(?:\.[!-)+,\-/-=?-~]+)*$/;
const SUBJECT_CHARACTERS_MAX = 400;
const ORIGIN_CHARACTERS_MAX = 256;
const CONTROL_CHARACTER = /\p{Cc}/u;
/** UTF-8 needs at most this many bytes for one UTF-16 code unit. */
const UTF8_BYTES_PER_UNIT_MAX = 3;

export type AppendRefusal = Extract<AppendOutcome, { outcome: 'refused' }>;

/** Why a journal must refuse this append, or null when it may try. Pure; under 1 µs for a small event. */
export function refuseAppend(event: NewEvent, options: AppendOptions = {}): AppendRefusal | null {
  if (!isEventId(event.id)) return invalid('an id has 1 to 128 printable ASCII characters without spaces');
  if (event.subject.length > SUBJECT_CHARACTERS_MAX || !SUBJECT_PATTERN.test(event.subject)) {
    const rule = `1 to ${SUBJECT_CHARACTERS_MAX} printable ASCII characters in tokens separated by dots, without * and >`;
    return invalid(`a subject has ${rule}`);
  }
  if (event.origin !== null && !isOrigin(event.origin)) {
    return invalid(
      `an origin has 1 to ${ORIGIN_CHARACTERS_MAX} characters, no control characters, no spaces around it`,
    );
  }
  const { expectedRevision } = options;
  if (expectedRevision !== undefined && !(Number.isSafeInteger(expectedRevision) && expectedRevision >= 0)) {
    return invalid(`an expected revision is a whole number from 0; ${expectedRevision} is not`);
  }
  if (!event.payload.isWellFormed())
    return invalid('the payload has half of a surrogate pair, which UTF-8 cannot keep');
  return refusePayloadSize(event.payload);
}

function refusePayloadSize(payload: string): AppendRefusal | null {
  if (payload.length * UTF8_BYTES_PER_UNIT_MAX <= PAYLOAD_BYTES_MAX) return null;
  const payloadBytes = Buffer.byteLength(payload);
  if (payloadBytes <= PAYLOAD_BYTES_MAX) return null;
  const message = `the payload has ${payloadBytes} bytes; a journal takes at most ${PAYLOAD_BYTES_MAX}`;
  return { outcome: 'refused', reason: 'too-large', message };
}

/** Whether text may be an event's id. */
export function isEventId(text: string): boolean {
  return ID_PATTERN.test(text);
}

/** Whether text may say who published an event. */
export function isOrigin(origin: string): boolean {
  if (origin.length === 0 || origin.length > ORIGIN_CHARACTERS_MAX) return false;
  return origin.trim() === origin && origin.isWellFormed() && !CONTROL_CHARACTER.test(origin);
}

function invalid(message: string): AppendRefusal {
  return { outcome: 'refused', reason: 'invalid', message };
}

/** The answer where an id is there already: ours, if subject and payload are; who appended it first does not matter. */
export function answerToSameId(
  event: NewEvent,
  present: Pick<RecordedEvent, 'revision' | 'subject' | 'payload'>,
): AppendOutcome {
  const { revision, subject, payload } = present;
  if (subject === event.subject && payload === event.payload)
    return { outcome: 'appended', revision, isDuplicate: true };
  const message = `the id ${event.id} is that of another event, at revision ${revision}; append under another id`;
  return { outcome: 'refused', reason: 'id-taken', message };
}
