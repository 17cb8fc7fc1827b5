/**
 * The short way through the schemas, for the events that a journal is full of: what a node saw of a backend, a mode, a
 * registration. A hand-written check costs a tenth of a schema's, and decoding is most of what an event costs.
 *
 * It knows only payloads as a program writes them: every field known and right, no `version`. Of anything else it says
 * that it is unusual, and the schemas judge it, so that they alone say what is wrong and in which words. That both agree
 * is shown by a property over payloads of all kinds.
 */
import type { EventOf, MembershipEvent } from './event.ts';
import { parseTarget } from './target.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The event, if it is one of the usual ones and all is right with it; null leaves it to the schemas. */
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
