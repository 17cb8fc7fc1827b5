/**
 * Which events somebody wants to see: by what they are about, what happened, who published them, and when. Pure.
 *
 *     eventFilter({ pool: 'spells', type: ['BackendEjected', 'BackendReinstated'], fromMs })
 *
 * It looks at the subject, at the payload's type and at the origin; it does not ask whether the fold took the event.
 */
import {
  eventSchemas,
  isName,
  NAME_RULE,
  nearestName,
  parseSubject,
  type EventType,
  type RecordedEvent,
} from '@muster/membership';
import { ReplayError } from './replay-error.ts';

/** What is left out does not narrow; what is given narrows further. */
export interface EventFilter {
  /** Events on the pool itself, on its backends, and what nodes saw of these. */
  readonly pool?: string;
  /** A backend's id, or `POOL/ID`. */
  readonly backend?: string;
  /** What this node saw of backends, and its own starts and stops. */
  readonly node?: string;
  readonly listener?: string;
  readonly type?: EventType | readonly EventType[];
  /** Exactly this origin, or with a `*` at its end everything that begins so: `cli:*`. */
  readonly origin?: string;
  /** Inclusive, ms since 1970 by the journal's clock. */
  readonly fromMs?: number;
  /** Exclusive. */
  readonly toMs?: number;
}

/** The names of a filter's fields, each with what it takes, for command lines and API descriptions. */
export const EVENT_FILTER_FIELDS: Readonly<Record<keyof EventFilter, string>> = {
  pool: 'of this pool and its backends',
  backend: 'of this backend: its id, or POOL/ID',
  node: 'what this node saw, and its starts and stops',
  listener: 'of this listener',
  type: 'of this type, for example BackendEjected; several are separated by commas',
  origin: 'published by this origin; cli:* is every one that begins so',
  fromMs: 'not before this time, ms since 1970',
  toMs: 'before this time, ms since 1970',
};

export type EventPredicate = (event: RecordedEvent) => boolean;

/** Throws `ReplayError` `invalid-question` for a name that is none, a type that is not there, or an end before the beginning. */
export function eventFilter(filter: EventFilter): EventPredicate {
  check(filter);
  const { fromMs = -Infinity, toMs = Infinity, origin, type } = filter;
  const types = type === undefined ? null : typeof type === 'string' ? [type] : type;
  const isAbout = subjectPredicate(filter);
  const isBy = originPredicate(origin);
  return (event) =>
    event.timeMs >= fromMs &&
    event.timeMs < toMs &&
    isAbout(event.subject) &&
    isBy(event.origin) &&
    (types === null || types.includes(typeOf(event.payload) as EventType));
}

/** From a query string or a command line: `type` with commas, times as numbers. Unknown fields throw `invalid-question`. */
export function parseEventFilter(fields: Readonly<Record<string, string | undefined>>): EventFilter {
  const filter: Record<string, unknown> = {};
  for (const [field, text] of Object.entries(fields)) {
    if (text === undefined) continue;
    if (!Object.hasOwn(EVENT_FILTER_FIELDS, field))
      throw refusal(unknown('filter', field, Object.keys(EVENT_FILTER_FIELDS)));
    filter[field] = field === 'type' ? text.split(',') : field.endsWith('Ms') ? timeOf(field, text) : text;
  }
  check(filter);
  return filter;
}

function check(filter: EventFilter): void {
  const { pool, backend, node, listener, type, fromMs, toMs } = filter;
  const names = { pool, node, listener };
  for (const [field, name] of Object.entries(names)) {
    if (name !== undefined && !isName(name)) throw refusal(`${field} "${name.slice(0, 80)}": ${NAME_RULE}`);
  }
  if (backend !== undefined && !backendNames(backend).every(isName)) {
    throw refusal(`backend "${backend.slice(0, 140)}": it is ID or POOL/ID, and ${NAME_RULE}`);
  }
  for (const wanted of type === undefined ? [] : typeof type === 'string' ? [type] : type) {
    if (!Object.hasOwn(eventSchemas, wanted)) throw refusal(unknown('event type', wanted, Object.keys(eventSchemas)));
  }
  if (fromMs !== undefined && toMs !== undefined && toMs <= fromMs) throw refusal('the end is not after the beginning');
}

function backendNames(backend: string): readonly string[] {
  const names = backend.split('/');
  return names.length > 2 ? [''] : names;
}

function subjectPredicate({ pool, backend, node, listener }: EventFilter): (subject: string) => boolean {
  if (pool === undefined && backend === undefined && node === undefined && listener === undefined) return () => true;
  const names = backend === undefined ? [] : backendNames(backend);
  const backendId = names.at(-1);
  const poolOfBackend = names.length === 2 ? names[0] : undefined;
  return (subject) => {
    const entity = parseSubject(subject)?.entity as Partial<Record<'pool' | 'backend' | 'node' | 'listener', string>>;
    if (entity === undefined) return false;
    return (
      (pool === undefined || entity.pool === pool) &&
      (poolOfBackend === undefined || entity.pool === poolOfBackend) &&
      (backendId === undefined || entity.backend === backendId) &&
      (node === undefined || entity.node === node) &&
      (listener === undefined || entity.listener === listener)
    );
  };
}

function originPredicate(wanted: string | undefined): (origin: string | null) => boolean {
  if (wanted === undefined) return () => true;
  if (!wanted.endsWith('*')) return (origin) => origin === wanted;
  const beginning = wanted.slice(0, -1);
  return (origin) => origin !== null && origin.startsWith(beginning);
}

/** Null where the payload is not an object with one. */
function typeOf(payload: string): unknown {
  try {
    return (JSON.parse(payload) as { readonly type?: unknown } | null)?.type ?? null;
  } catch {
    // What is not JSON was passed over by every reader, and is of no type.
    return null;
  }
}

function timeOf(field: string, text: string): number {
  const timeMs = Number(text);
  if (text.trim() === '' || !Number.isFinite(timeMs))
    throw refusal(`${field} "${text.slice(0, 40)}": it is ms since 1970`);
  return timeMs;
}

function unknown(what: string, wrong: string, known: readonly string[]): string {
  const meant = nearestName(wrong.slice(0, 64), known);
  return `there is no ${what} "${wrong.slice(0, 64)}"; ${meant === null ? `there are ${known.join(', ')}` : `did you mean "${meant}"?`}`;
}

function refusal(message: string): ReplayError {
  return new ReplayError('invalid-question', message);
}
