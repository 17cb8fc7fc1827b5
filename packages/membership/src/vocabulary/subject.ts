/**
 * Subjects: the authority on which entity an event is about.
 *
 *   muster.<cluster>.listener.<listener>
 *   muster.<cluster>.pool.<pool>
 *   muster.<cluster>.backend.<pool>.<backend>
 *   muster.<cluster>.health.<node>.<pool>.<backend>
 *   muster.<cluster>.node.<node>
 *
 * A permission on a subject is therefore a permission on that entity; the payload never names it again.
 *
 * A name is a token of a NATS subject, a label of a metric and a word on a command line, so it is kept to what all of them take
 * unquoted. Nothing here trims or lower-cases: a name that needs mending is refused.
 */
import { z } from 'zod';

export type Entity =
  | { readonly kind: 'listener'; readonly listener: string }
  | { readonly kind: 'pool'; readonly pool: string }
  | { readonly kind: 'backend'; readonly pool: string; readonly backend: string }
  | { readonly kind: 'health'; readonly node: string; readonly pool: string; readonly backend: string }
  | { readonly kind: 'node'; readonly node: string };

export interface Subject {
  readonly cluster: string;
  readonly entity: Entity;
}

const PREFIX = 'muster';
const NAME = '[a-z0-9-]{1,64}';
const NAME_PATTERN = new RegExp(`^${NAME}$`);
/** Captures the cluster, the kind and one to three names. One expression, because every event passes through it. */
const SUBJECT_PATTERN = new RegExp(
  `^${PREFIX}\\.(${NAME})\\.(listener|pool|node|backend|health)\\.(${NAME})(?:\\.(${NAME})(?:\\.(${NAME}))?)?$`,
);

/** What the messages say about names, wherever a name is refused. */
export const NAME_RULE = 'a name is 1 to 64 characters of a-z, 0-9 and "-"';

/** The name of a cluster, listener, pool, backend or node inside a payload or a config file. */
export const nameSchema = z.string().regex(NAME_PATTERN, NAME_RULE);

/** True for 1 to 64 characters of `[a-z0-9-]`, for example `spells-1`. */
export function isName(text: string): boolean {
  return NAME_PATTERN.test(text);
}

/** The parts of a well-formed subject, or null. */
export function parseSubject(subject: string): Subject | null {
  const match = SUBJECT_PATTERN.exec(subject);
  if (match === null) return null;
  const entity = entityOf(match[2] as Entity['kind'], match[3]!, [match[4], match[5]]);
  return entity && { cluster: match[1]!, entity };
}

/** For example `muster.demo.backend.spells.spells-1`. */
export function formatSubject(cluster: string, entity: Entity): string {
  return `${PREFIX}.${cluster}.${formatEntity(entity)}`;
}

/** The entity alone, as people read it: `backend.spells.spells-1`. */
export function formatEntity(entity: Entity): string {
  switch (entity.kind) {
    case 'listener':
      return `listener.${entity.listener}`;
    case 'pool':
      return `pool.${entity.pool}`;
    case 'backend':
      return `backend.${entity.pool}.${entity.backend}`;
    case 'health':
      return `health.${entity.node}.${entity.pool}.${entity.backend}`;
    case 'node':
      return `node.${entity.node}`;
  }
}

function entityOf(
  kind: Entity['kind'],
  first: string,
  [second, third]: readonly [string | undefined, string | undefined],
): Entity | null {
  if (kind === 'backend') return second && !third ? { kind, pool: first, backend: second } : null;
  if (kind === 'health') return second && third ? { kind, node: first, pool: second, backend: third } : null;
  if (second !== undefined) return null;
  if (kind === 'listener') return { kind, listener: first };
  return kind === 'pool' ? { kind, pool: first } : { kind, node: first };
}
