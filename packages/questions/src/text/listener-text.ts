/**
 * Where a listener leads, as a line for people: a pool, or its routes.
 *
 *     spells
 *     api.example.com/v1 → api, *.example.com → web, and 3 more
 *
 * The routes stand in the order in which they were given. Which one leads is decided by how specific they are, not by that.
 */
import type { ListenerSpec, Route } from '@muster/membership';

/** Routes in one cell of a table. */
const ROUTES_SHOWN_MAX = 3;

/** `shownMax`: routes that are written out; the others are counted. */
export function leadsTo(
  { pool, routes = [] }: Pick<ListenerSpec, 'pool' | 'routes'>,
  shownMax = ROUTES_SHOWN_MAX,
): string {
  if (pool !== undefined) return pool;
  const shown = routes.slice(0, shownMax).map(routeText);
  const restCount = routes.length - shown.length;
  return restCount > 0 ? `${shown.join(', ')}, and ${restCount} more` : shown.join(', ');
}

/** `api.example.com/v1 → api`; a star stands for any host, and what a backend does not see of the path is in brackets. */
export function routeText({ host = '*', path = '', pool, stripPrefix = false }: Route): string {
  return `${host}${stripPrefix && path !== '' ? `[${path}]` : path} → ${pool}`;
}
