/**
 * The edge of the fold: a recorded event, as a journal hands it over, becomes a checked one or a rejection.
 *
 * A recorded event keeps its payload as the text that was published. So a journal never needs to understand it, the
 * same text reaches every reader, and what does not parse is rejected by all of them alike, with the same reason.
 *
 *     payload ──► JSON ──┬─► usualEvent, by hand: what a program writes of health, modes and registrations
 *                        └─► the schemas: everything else, and every word about what is wrong
 */
import type { z } from 'zod';
import { clip } from '../error-text.ts';
import {
  entityKindOfEvent,
  EVENT_VERSION,
  type EventOf,
  eventSchemas,
  type EventType,
  type MembershipEvent,
} from './event.ts';
import { nearestName } from './nearest-name.ts';
import { isTooDeep, NESTING_MAX } from './json-depth.ts';
import { type Entity, parseSubject } from './subject.ts';
import { parseTarget } from './target.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Characters of somebody else's text that a message shows. */
const EXCERPT_CHARACTERS_MAX = 300;

/** An event in the journal. */
export interface RecordedEvent {
  /** Its place in the total order: 1, 2, 3, … A journal may skip numbers, and never goes back. */
  readonly revision: number;
  /** When the journal took it: ms since 1970. A journal on other machines may have a clock that steps back; the fold does not follow it there. */
  readonly timeMs: number;
  /** Chosen by the publisher; appending the same id again is the same event. */
  readonly id: string;
  readonly subject: string;
  /** Who published it, as they said, for example `config:lb-1`; null where they did not. */
  readonly origin: string | null;
  /** JSON text. */
  readonly payload: string;
  /** Bytes that the payload has in the journal, where only its beginning was read because it is far beyond what is allowed. */
  readonly payloadBytes?: number;
}

/** A recorded event that parsed. It may still make no sense against the roster. */
export interface DecodedEvent {
  readonly recorded: RecordedEvent;
  readonly entity: Entity;
  readonly event: MembershipEvent;
}

export type RejectionReason =
  | 'payload-too-large'
  | 'broken-json'
  | 'unsupported-version'
  | 'unknown-type'
  | 'invalid-payload'
  | 'invalid-subject'
  | 'foreign-cluster'
  | 'wrong-subject'
  | 'unknown-pool'
  | 'unknown-backend'
  | 'unknown-listener'
  | 'unknown-node'
  | 'other-target'
  | 'revision-order';

/** An event that the fold passed over, and why. Deterministic: every reader rejects the same ones alike. */
export interface Rejection {
  readonly revision: number;
  readonly reason: RejectionReason;
  /** For people: what is wrong, and what to do. */
  readonly message: string;
}

/** Characters of JSON that an event may have; longer ones are rejected unread. */
export const PAYLOAD_CHARACTERS_MAX = 65_536;

export function decodeEvent(recorded: RecordedEvent, cluster: string): DecodedEvent | Rejection {
  const reject = (reason: RejectionReason, message: string): Rejection => ({
    revision: recorded.revision,
    reason,
    message,
  });
  const subject = parseSubject(recorded.subject);
  if (subject === null) return reject('invalid-subject', `"${excerpt(recorded.subject)}" is not a subject of an event`);
  if (subject.cluster !== cluster) {
    return reject('foreign-cluster', `the event is about cluster "${subject.cluster}", this is "${cluster}"`);
  }
  const parsed = parsePayload(recorded.payload, recorded.payloadBytes);
  if ('reason' in parsed) return reject(parsed.reason, parsed.message);
  const expectedKind = entityKindOfEvent[parsed.event.type];
  if (expectedKind !== subject.entity.kind) {
    return reject(
      'wrong-subject',
      `${parsed.event.type} belongs on a ${expectedKind} subject, not on ${recorded.subject}`,
    );
  }
  return { recorded, entity: subject.entity, event: parsed.event };
}

/** Checks a payload on its own, as a publisher would before appending it. `payloadBytes` as in a recorded event. */
export function parsePayload(
  payload: string,
  payloadBytes?: number,
): { readonly event: MembershipEvent } | { readonly reason: RejectionReason; readonly message: string } {
  if (payload.length > PAYLOAD_CHARACTERS_MAX) {
    const size = payloadBytes === undefined ? `${payload.length} characters` : `${payloadBytes} bytes`;
    const message = `the payload has ${size}; the limit is ${PAYLOAD_CHARACTERS_MAX} characters`;
    return { reason: 'payload-too-large', message };
  }
  let body: unknown;
  try {
    body = JSON.parse(payload);
  } catch (error) {
    return { reason: 'broken-json', message: `the payload is not JSON: ${excerpt((error as Error).message)}` };
  }
  // What follows walks the body, and shows parts of it.
  if (isTooDeep(payload)) {
    return { reason: 'invalid-payload', message: `the payload is nested deeper than ${NESTING_MAX} levels` };
  }
  return parseBody(body);
}

function parseBody(body: unknown): ReturnType<typeof parsePayload> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { reason: 'invalid-payload', message: 'the payload is not a JSON object with a "type"' };
  }
  const usual = usualEvent(body as Fields);
  if (usual !== null) return { event: usual };
  const { type, version } = body as { type?: unknown; version?: unknown };
  if (version !== undefined && version !== EVENT_VERSION) {
    const message = `version ${excerpt(JSON.stringify(version))} is not known here; this reader knows ${EVENT_VERSION}`;
    return { reason: 'unsupported-version', message };
  }
  if (typeof type !== 'string' || !Object.hasOwn(eventSchemas, type)) return unknownType(type);
  const result: z.ZodSafeParseResult<MembershipEvent> = eventSchemas[type as EventType].safeParse(body);
  if (result.success) return { event: result.data };
  return { reason: 'invalid-payload', message: describeIssues(result.error.issues) };
}

function unknownType(type: unknown): ReturnType<typeof parsePayload> {
  if (type === undefined) return { reason: 'unknown-type', message: 'the payload has no "type"' };
  const meant = typeof type === 'string' ? nearestName(type.slice(0, 64), Object.keys(eventSchemas)) : null;
  const hint = meant === null ? '' : `; did you mean "${meant}"?`;
  return { reason: 'unknown-type', message: `no event has the type ${excerpt(JSON.stringify(type))}${hint}` };
}

/** Zod's issues as one line for a person, naming each field. */
export function describeIssues(issues: readonly z.core.$ZodIssue[]): string {
  const lines = issues
    .slice(0, 3)
    .map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message));
  const rest = issues.length - lines.length;
  return excerpt(lines.join('; ') + (rest > 0 ? `; and ${rest} more` : ''));
}

function excerpt(text: string): string {
  return clip(text, EXCERPT_CHARACTERS_MAX);
}

/**
 * The short way through the schemas, for the events that a journal is full of: a hand-written check costs a tenth of a schema's, and
 * decoding is most of what an event costs. It knows only payloads as a program writes them: every field known and right, no
 * `version`. Anything else is null, and the schemas judge it. That both agree is shown by a property over payloads of all kinds.
 */
export function usualEvent(body: Fields): MembershipEvent | null {
  switch (body['type']) {
    case 'BackendTurnedHealthy':
    case 'BackendTurnedUnhealthy':
    case 'BackendEjected':
    case 'BackendReinstated':
      return isTarget(body['target']) && isReason(body['reason']) && countFields(body) === 3
        ? (body as unknown as MembershipEvent)
        : null;
    case 'BackendModeSet':
      return usualModeSet(body);
    case 'BackendRegistered':
      return usualRegistration(body);
    default:
      return null;
  }
}

function usualModeSet(body: Fields): MembershipEvent | null {
  const { mode, reason } = body;
  if (mode !== 'ready' && mode !== 'drain' && mode !== 'maint') return null;
  const isUsual = reason === undefined ? countFields(body) === 2 : isReason(reason) && countFields(body) === 3;
  return isUsual ? (body as unknown as MembershipEvent) : null;
}

function usualRegistration(body: Fields): EventOf<'BackendRegistered'> | null {
  const { target, weight, leaseMs } = body;
  if (!isTarget(target)) return null;
  if (weight !== undefined && !isWhole(weight, 1, 1_000)) return null;
  if (leaseMs !== undefined && !isWhole(leaseMs, 1_000, 86_400_000)) return null;
  const fieldsCount = 2 + (weight === undefined ? 0 : 1) + (leaseMs === undefined ? 0 : 1);
  if (countFields(body) !== fieldsCount) return null;
  const event = { type: 'BackendRegistered', target, weight: weight ?? 1 } as const;
  return leaseMs === undefined ? event : { ...event, leaseMs };
}

/** What most targets look like; all of these are right. */
const IPV4_TARGET_PATTERN = /^(?:[0-9]{1,3}\.){3}[0-9]{1,3}:[1-9][0-9]{0,3}$/;

function isTarget(value: unknown): value is string {
  return typeof value === 'string' && (IPV4_TARGET_PATTERN.test(value) || parseTarget(value) !== null);
}

function isReason(value: unknown): boolean {
  return typeof value === 'string' && value.length >= 1 && value.length <= 500;
}

function isWhole(value: unknown, min: number, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** Own fields: a body that came out of JSON has no others. */
function countFields(body: Fields): number {
  let count = 0;
  for (const _field in body) count += 1;
  return count;
}
