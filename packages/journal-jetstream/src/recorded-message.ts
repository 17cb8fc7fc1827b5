/**
 * A message of the stream as a recorded event. Anyone may have published it, so nothing is taken for granted.
 *
 * What is wrong with a message is never a reason to stop: every node must hand the same thing to its fold, which rejects
 * it with a reason. So a missing or unfit id becomes one made of the revision, an unfit origin becomes null, bytes that
 * are not UTF-8 become replacement characters, and of a payload beyond `PAYLOAD_BYTES_MAX` only its first bytes are read.
 *
 * This is the hot path of catching up, so the reply subject is cut by hand and headers are searched as text: 16 µs of CPU a
 * message became 8, most of them the client's own, on a busy machine.
 */
import { isEventId, isOrigin, PAYLOAD_BYTES_MAX } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type { Msg } from '@nats-io/transport-node';
import { headerValue, messageBytes } from './message-bytes.ts';

export const ID_HEADER = 'Nats-Msg-Id';
export const ORIGIN_HEADER = 'Muster-Origin';

/** Where a message stands, as the server says in its reply subject. */
export interface Delivery {
  readonly revision: number;
  /** Counts what this consumer was sent, from 1. */
  readonly deliverySequence: number;
  /** ns since 1970, as digits: more than a number can hold. */
  readonly timeNs: string;
  /** Messages that the consumer has yet to be sent. */
  readonly pendingCount: number;
}

/** A reply subject has 8 dots, or 11; a stream's name and a consumer's have none. */
const dots = new Int32Array(16);

/**
 *     $JS.ACK.<stream>.<consumer>.<delivered>.<revision>.<delivery>.<timeNs>.<pending>
 *     $JS.ACK.<domain>.<account>.<stream>.<consumer>.<delivered>.<revision>.<delivery>.<timeNs>.<pending>.<random>
 */
export function parseDelivery(reply: string): Delivery {
  let dotCount = 0;
  for (let index = reply.indexOf('.'); index !== -1; index = reply.indexOf('.', index + 1)) {
    dots[dotCount & 15] = index;
    dotCount += 1;
  }
  const first = dotCount > 8 ? 6 : 4;
  const token = (offset: number): string => {
    const position = first + offset;
    return reply.slice(dots[position]! + 1, position + 1 < dotCount ? dots[position + 1] : undefined);
  };
  return {
    revision: Number(token(0)),
    deliverySequence: Number(token(1)),
    timeNs: token(2),
    pendingCount: Number(token(3)),
  };
}

/** `timeNs` as ms since 1970, rounded down. */
export function timeMsOf(timeNs: string): number {
  return Number(timeNs.slice(0, -6));
}

/** `2026-07-31T08:00:00.000123Z` as ns since 1970, as digits. The server leaves out trailing zeros. */
export function nanosecondsOf(timestamp: string): string {
  const [, seconds = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(timestamp) ?? [];
  return `${Date.parse(`${seconds}Z`) / 1_000}${fraction.padEnd(9, '0')}`;
}

/** `subject`: where the message was not delivered on its own, but as an answer. */
export function recordedEventOf(
  message: Msg,
  { revision, timeNs }: Pick<Delivery, 'revision' | 'timeNs'>,
  subject = message.subject,
): RecordedEvent {
  const { id, origin, payload, payloadBytes } = readText(message);
  return {
    revision,
    timeMs: timeMsOf(timeNs),
    id: isEventId(id) ? id : `seq-${revision}`,
    subject,
    origin: isOrigin(origin) ? origin : null,
    payload,
    // Left out of all but the few that have it, so that usual events keep one shape.
    ...(payloadBytes > PAYLOAD_BYTES_READ && { payloadBytes }),
  };
}

interface ReadText extends Pick<RecordedEvent, 'id' | 'payload'> {
  readonly origin: string;
  /** Of the whole payload. */
  readonly payloadBytes: number;
}

function readText(message: Msg): ReadText {
  const raw = messageBytes(message);
  if (raw === null) {
    const { headers, data } = message;
    const payload = Buffer.from(data.subarray(0, PAYLOAD_BYTES_READ)).toString();
    const [id = '', origin = ''] = [headers?.get(ID_HEADER), headers?.get(ORIGIN_HEADER)];
    return { id, origin, payload, payloadBytes: data.length };
  }
  const { bytes, headerBytes } = raw;
  const head = bytes.toString('latin1', 0, headerBytes);
  return {
    id: headerValue(ID_HEADER, head, bytes),
    origin: headerValue(ORIGIN_HEADER, head, bytes),
    payload: bytes.toString('utf8', headerBytes, Math.min(bytes.length, headerBytes + PAYLOAD_BYTES_READ)),
    payloadBytes: bytes.length - headerBytes,
  };
}

/** One byte more than is allowed is enough to be rejected, alike everywhere. */
const PAYLOAD_BYTES_READ = PAYLOAD_BYTES_MAX + 1;
