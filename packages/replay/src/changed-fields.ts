/**
 * An entity as named fields, each with the event that set it, and which of them differ between two versions. Pure.
 *
 * Whatever stands in an entity's description (a pool's policy, a listener's routes) was set by the event that described it, as
 * a whole; of a backend, each axis was set by an event of its own.
 */
import {
  eligibility,
  viewpointOf,
  type Backend,
  type Listener,
  type NodeRecord,
  type Pool,
  type Reasoned,
  type Roster,
} from '@muster/membership';

/** JSON, and the event that set it: 0 for none, and for what only follows from others. */
export interface FieldValue {
  readonly value: unknown;
  readonly revision: number;
  /** The reason as that event gave it. */
  readonly reason: string | null;
}

/** By name: `target`, `mode`, `health by lb-1`, `connectTimeoutMs`. */
export type Fields = ReadonlyMap<string, FieldValue>;

export interface ChangedField {
  readonly field: string;
  /** Null: it was not there. */
  readonly before: FieldValue | null;
  /** Null: it is not there any more. */
  readonly after: FieldValue | null;
  /** The same value, set anew by another event. */
  readonly isSameValue: boolean;
}

/** In the order of the fields, those before first. */
export function changedFields(before: Fields, after: Fields): ChangedField[] {
  const changed: ChangedField[] = [];
  for (const field of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(field) ?? null, after.get(field) ?? null];
    const isSameValue = from !== null && to !== null && isEqual(from.value, to.value);
    if (isSameValue && from.revision === to.revision) continue;
    // Where the description was given anew, only what differs in it is of interest.
    if (isSameValue && !isSetAlone(field)) continue;
    changed.push({ field, before: from, after: to, isSameValue });
  }
  return changed;
}

const SET_ALONE = /^(target|weight|mode|state|health by .*|ejection by .*)$/;

function isSetAlone(field: string): boolean {
  return SET_ALONE.test(field);
}

export const NO_FIELDS: Fields = new Map();

export function describedFields({ spec, origin, revision }: Listener | Pool): Fields {
  const fields = new Map<string, FieldValue>();
  for (const [field, value] of Object.entries(spec)) {
    if (value !== undefined) fields.set(field, { value, revision, reason: null });
  }
  return fields.set('origin', { value: origin, revision, reason: null });
}

export function nodeFields({ state, leaseMs }: NodeRecord): Fields {
  return new Map<string, FieldValue>([
    ['state', reasoned(state)],
    ['leaseMs', { value: leaseMs, revision: state.revision, reason: null }],
  ]);
}

/** What a backend is, what every node saw of it, and whether it might take traffic on one of them. */
export function backendFields(backend: Backend, roster: Roster, node: string): Fields {
  const { target, weight, mode, leaseMs, origin, revision, observations } = backend;
  const fields = new Map<string, FieldValue>([
    ['target', { value: target.value, revision: target.revision, reason: null }],
    ['weight', { ...weight, reason: null }],
    ['mode', reasoned(mode)],
    ['leaseMs', { value: leaseMs, revision, reason: null }],
    ['origin', { value: origin, revision, reason: null }],
  ]);
  for (const { node: observer, health, ejection } of observations) {
    if (health.revision > 0) fields.set(`health by ${observer}`, reasoned(health));
    if (ejection.revision > 0) fields.set(`ejection by ${observer}`, reasoned(ejection));
  }
  const found = eligibility(backend, roster.pools.get(backend.pool)!.spec, viewpointOf(roster, node));
  return found.isEligible
    ? fields.set(ELIGIBILITY, { value: 'eligible', revision: 0, reason: null })
    : fields.set(ELIGIBILITY, {
        value: `out: ${found.axis} ${found.value}`,
        revision: found.revision,
        reason: found.reason,
      });
}

/** The one field that no event sets: it follows from the others. */
export const ELIGIBILITY = 'eligibility';

function reasoned({ value, revision, reason }: Reasoned<unknown>): FieldValue {
  return { value, revision, reason };
}

/** Both are JSON, out of the same schemas, with one order of keys. */
function isEqual(left: unknown, right: unknown): boolean {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}
