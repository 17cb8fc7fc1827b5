/**
 * What another history lacks of a roster: the events that make everything that somebody has published there be in it, as it is.
 * Pure.
 *
 *     pools ──► members ──► their modes ──► listeners        in this order, each under the origin that owns it
 *
 * No event at all means that nothing goes or changes for traffic when the other takes the place of the one. What the other has
 * beyond it is left alone, and what nodes saw is theirs to see again.
 */
import type { MembershipEvent } from '../vocabulary/event.ts';
import type { Backend, Listener, Pool, Roster } from '../fold/roster.ts';
import { formatSubject, type Entity } from '../vocabulary/subject.ts';

export interface RestorationStep {
  readonly entity: Entity;
  readonly event: MembershipEvent;
  /** Who is to own it; null where the publisher did not say. */
  readonly origin: string | null;
}

/** In order; steps of one type of event are independent of each other. `by`: who has it written, for the events. */
export function restorationSteps(held: Roster, other: Roster, by?: string): RestorationStep[] {
  const author = by === undefined ? {} : { by };
  const backends = [...held.pools.values()].flatMap((pool) => [...pool.backends.values()]);
  return [
    ...[...held.pools.values()].flatMap((pool) => poolStep(pool, other.pools.get(pool.id), author)),
    ...backends.flatMap((backend) => backendStep(backend, counterpart(other, backend), author)),
    ...backends.flatMap((backend) => modeStep(backend, counterpart(other, backend), author)),
    ...[...held.listeners.values()].flatMap((one) => listenerStep(one, other.listeners.get(one.id), author)),
  ];
}

/** What a journal has to take for a step. */
export function restoringEvent(cluster: string, { entity, event, origin }: RestorationStep) {
  return { subject: formatSubject(cluster, entity), origin, payload: JSON.stringify(event) };
}

/** Whether a roster has everything of another as it is, so that `restorationSteps` has nothing to do. */
export function holdsAllOf(other: Roster, held: Roster): boolean {
  return restorationSteps(held, other).length === 0;
}

type Author = { readonly by?: string };

function counterpart(other: Roster, { pool, id }: Backend): Backend | undefined {
  return other.pools.get(pool)?.backends.get(id);
}

function poolStep({ id, spec, origin }: Pool, found: Pool | undefined, author: Author): RestorationStep[] {
  if (found !== undefined && isSame(spec, found.spec)) return [];
  return [{ entity: { kind: 'pool', pool: id }, event: { type: 'PoolDefined', ...spec, ...author }, origin }];
}

function backendStep(backend: Backend, found: Backend | undefined, author: Author): RestorationStep[] {
  const { pool, id, origin } = backend;
  if (found !== undefined && isSame(registrationOf(backend), registrationOf(found))) return [];
  const event = { type: 'BackendRegistered', ...registrationOf(backend), ...author } as const;
  return [{ entity: { kind: 'backend', pool, backend: id }, event, origin }];
}

function registrationOf({ target, weight, leaseMs }: Backend) {
  return { target: target.value, weight: weight.value, ...(leaseMs !== null && { leaseMs }) };
}

function modeStep({ pool, id, mode }: Backend, found: Backend | undefined, author: Author): RestorationStep[] {
  if ((found?.mode.value ?? 'ready') === mode.value) return [];
  const reason = mode.reason === null ? {} : { reason: mode.reason };
  const event = { type: 'BackendModeSet', mode: mode.value, ...reason, ...author } as const;
  return [{ entity: { kind: 'backend', pool, backend: id }, event, origin: mode.origin }];
}

function listenerStep({ id, spec, origin }: Listener, found: Listener | undefined, author: Author): RestorationStep[] {
  if (found !== undefined && isSame(spec, found.spec)) return [];
  return [
    { entity: { kind: 'listener', listener: id }, event: { type: 'ListenerDefined', ...spec, ...author }, origin },
  ];
}

/** Specs come out of their schemas with one order of keys, so equal text is equal content. */
function isSame(left: object, right: object): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
