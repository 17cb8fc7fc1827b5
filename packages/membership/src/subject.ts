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
import { isName } from './names.ts';

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
const TOKENS_MAX = 6;

/** The parts of a well-formed subject, or null. */
export function parseSubject(subject: string): Subject | null {
  const [prefix, cluster, kind, first, second, third, more] = subject.split('.', TOKENS_MAX + 1);
  if (prefix !== PREFIX || more !== undefined || !isToken(cluster) || !isToken(first)) return null;
  const entity = entityOf(kind, first, [second, third]);
  return entity && { cluster, entity };
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

function isToken(token: string | undefined): token is string {
  return token !== undefined && isName(token);
}

function entityOf(kind: string | undefined, first: string, rest: readonly (string | undefined)[]): Entity | null {
  const [second, third] = rest;
  if (second === undefined) {
    if (kind === 'listener') return { kind, listener: first };
    if (kind === 'pool') return { kind, pool: first };
    return kind === 'node' ? { kind, node: first } : null;
  }
  if (!isName(second)) return null;
  if (third === undefined) return kind === 'backend' ? { kind, pool: first, backend: second } : null;
  return kind === 'health' && isName(third) ? { kind, node: first, pool: second, backend: third } : null;
}
