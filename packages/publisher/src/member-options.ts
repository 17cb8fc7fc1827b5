/**
 * What a member is joined with, and the check of it: whatever a node would reject is refused here, before it is sent, since a
 * publisher never sees that its event was rejected.
 */
import { eventSchemas, isName, NAME_RULE, type EventOf } from '@muster/membership';
import { PublisherError } from './publisher-error.ts';

const LEASE_MS = 15_000;
/** How long `drain` and `leave` wait for their acknowledgement. */
const ANSWER_TIMEOUT_MS = 2_000;
/** Below this, heartbeats are a load on everybody and tell nothing. */
const HEARTBEAT_MS_MIN = 100;
const TIMEOUT_MS_MAX = 86_400_000;
/** Printable ASCII: it becomes a header. */
const ORIGIN_PATTERN = /^[\x20-\x7e]{1,256}$/;

export interface MemberOptions {
  /** The pool to join. It need not exist yet: until somebody defines it, the registration is repeated every now and then. */
  readonly pool: string;
  /** The member's name in its pool, the same over restarts: a process that comes back under it is the same member. */
  readonly id: string;
  /** Where it answers: `HOST:PORT`, `[IPV6]:PORT` or `unix:/PATH`, as the nodes reach it. */
  readonly target: string;
  /** Its share of new connections, 1 to 1,000. Default 1. */
  readonly weight?: number;
  /** Silent for so long, it is taken out; 1,000 to 86,400,000. Default 15,000. */
  readonly leaseMs?: number;
  /** From one heartbeat to the next, ±10 %; 100 to half of the lease. Default: a third of the lease. */
  readonly heartbeatMs?: number;
  /** Who publishes, as the events' origin. Default `publisher:<id>`. Keep it over restarts: it tells its own drain by it. */
  readonly origin?: string;
  /** How long `drain` and `leave` wait for their acknowledgement, ms. Default 2,000. */
  readonly answerTimeoutMs?: number;
  /** Ends the wait of `join`. Afterwards it has no effect. */
  readonly signal?: AbortSignal;
}

/** The options with their defaults, checked. */
export interface MemberSpec {
  readonly cluster: string;
  readonly pool: string;
  readonly id: string;
  readonly registration: EventOf<'BackendRegistered'>;
  readonly heartbeatMs: number;
  readonly origin: string;
  readonly answerTimeoutMs: number;
}

/** Throws `PublisherError` with the code `invalid-option`. */
export function checkMember(cluster: string, options: MemberOptions): MemberSpec {
  const { pool, id, target, weight, leaseMs = LEASE_MS, origin = `publisher:${id}` } = options;
  checkName('cluster', cluster);
  checkName('pool', pool);
  checkName('id', id);
  const member = `member "${pool}/${id}"`;
  const described = { type: 'BackendRegistered', target, leaseMs, ...(weight !== undefined && { weight }) };
  const registration = eventSchemas.BackendRegistered.safeParse(described);
  if (!registration.success) {
    const { path, message } = registration.error.issues[0]!;
    throw invalid(`${member}: ${path.join('.')}: ${message}`);
  }
  const { heartbeatMs = Math.floor(leaseMs / 3), answerTimeoutMs = ANSWER_TIMEOUT_MS } = options;
  if (!Number.isInteger(heartbeatMs) || heartbeatMs < HEARTBEAT_MS_MIN || heartbeatMs > leaseMs / 2) {
    const range = `${HEARTBEAT_MS_MIN} to ${leaseMs / 2}, half of its lease`;
    throw invalid(`${member}: heartbeatMs must be a whole number from ${range}, not ${heartbeatMs}`);
  }
  if (!Number.isInteger(answerTimeoutMs) || answerTimeoutMs < 1 || answerTimeoutMs > TIMEOUT_MS_MAX) {
    throw invalid(`${member}: answerTimeoutMs must be a whole number from 1 to ${TIMEOUT_MS_MAX}`);
  }
  if (!ORIGIN_PATTERN.test(origin)) throw invalid(`${member}: an origin is 1 to 256 printable ASCII characters`);
  return { cluster, pool, id, registration: registration.data, heartbeatMs, origin, answerTimeoutMs };
}

export function checkName(what: string, name: string): void {
  if (typeof name !== 'string' || !isName(name)) throw invalid(`${what} ${JSON.stringify(name)}: ${NAME_RULE}`);
}

function invalid(message: string): PublisherError {
  return new PublisherError('invalid-option', message);
}
