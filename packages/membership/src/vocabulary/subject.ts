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
 */
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
const NAME = '([a-z0-9-]{1,64})';
/** Captures the cluster, the kind and one to three names. One expression, because every event passes through it. */
const SUBJECT_PATTERN = new RegExp(
  `^${PREFIX}\\.${NAME}\\.(listener|pool|node|backend|health)\\.${NAME}(?:\\.${NAME}(?:\\.${NAME})?)?$`,
);

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
