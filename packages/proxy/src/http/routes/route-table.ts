/**
 * Which pool takes a request, by host and path: the most specific route that matches. An exact host goes before a wildcard, a
 * longer wildcard before a shorter one, any host last; within a host the longest path prefix leads.
 *
 * Paths are in their normal form already (`request-path.ts` of the message layer), and what is matched is what is forwarded. Where a
 * backend that decodes slashes, merges empty segments or drops parameters would find another route than the one that leads, the
 * path is ambiguous and leads nowhere: `/admin%2Fusers` beside a route for `/admin`.
 *
 * The cost of a look-up is bounded by the routes, not by the request: of a host only as many labels are looked up as the longest
 * wildcard has.
 */
import type { Route } from '@muster/membership';
import { loosePath } from '@muster/http1';

export interface RouteMatch {
  readonly pool: string;
  /** The prefix to be taken off, without a final slash; '' for none. */
  readonly strippedPrefix: string;
}

/** Two readers of the path would find different routes. */
export const AMBIGUOUS = Symbol('ambiguous');

interface PathRoute {
  readonly path: string;
  /** The path as the most permissive reader has it. */
  readonly loosePath: string;
  readonly match: RouteMatch;
}

interface HostRoutes {
  /** Longest path first. */
  readonly byPath: PathRoute[];
}

/** What of a normal path somebody might read in another way. */
const LOOSE_PATTERN = /[%;]|\/\//;

export class RouteTable {
  /** Where the one route leads that takes everything; null where there is more to be told apart. */
  readonly #only: RouteMatch | null;
  readonly #byHost = new Map<string, HostRoutes>();
  /** Suffixes with their leading dot, such as `.example.com`. */
  readonly #byWildcard = new Map<string, HostRoutes>();
  readonly #anyHost: HostRoutes = { byPath: [] };
  /** The most that a host can share with a wildcard: its labels, and its characters with the leading dot. */
  #wildcardLabelsMax = 0;
  #wildcardLengthMax = 0;

  constructor(routes: readonly Route[]) {
    const [first] = routes;
    const isOnly = routes.length === 1 && first!.host === undefined && first!.path === undefined;
    this.#only = isOnly ? { pool: first!.pool, strippedPrefix: '' } : null;
    for (const route of routes) this.#add(route);
    for (const host of [...this.#byHost.values(), ...this.#byWildcard.values(), this.#anyHost]) {
      host.byPath.sort((left, right) => right.path.length - left.path.length);
    }
  }

  /**
   * `authority` is a host with or without a port, `pathAndQuery` begins with "/" and is in its normal form, or is "*". Null: no route
   * leads there.
   */
  match(authority: string, pathAndQuery: string): RouteMatch | typeof AMBIGUOUS | null {
    if (this.#only !== null) return this.#only;
    const host = hostOf(authority);
    const query = pathAndQuery.indexOf('?');
    const path = query < 0 ? pathAndQuery : pathAndQuery.slice(0, query);
    const found = this.#find(host, path, false);
    if (!LOOSE_PATTERN.test(path)) return found;
    const loosely = this.#find(host, loosePath(path), true);
    const isSame = found?.pool === loosely?.pool && found?.strippedPrefix === loosely?.strippedPrefix;
    return isSame ? found : AMBIGUOUS;
  }

  #add({ host, path = '/', pool, stripPrefix = false }: Route): void {
    const prefix = path.endsWith('/') ? path.slice(0, -1) : path;
    const match = { pool, strippedPrefix: stripPrefix ? prefix : '' };
    const entry = { path: prefix, loosePath: prefix === '' ? '' : loosePath(prefix), match };
    if (host === undefined) this.#anyHost.byPath.push(entry);
    else if (host.startsWith('*')) this.#addWildcard(host.slice(1), entry);
    else addTo(this.#byHost, host, entry);
  }

  #addWildcard(suffix: string, entry: PathRoute): void {
    addTo(this.#byWildcard, suffix, entry);
    this.#wildcardLabelsMax = Math.max(this.#wildcardLabelsMax, suffix.split('.').length - 1);
    this.#wildcardLengthMax = Math.max(this.#wildcardLengthMax, suffix.length);
  }

  #find(host: string, path: string, isLoose: boolean): RouteMatch | null {
    const exact = this.#byHost.get(host);
    const found = exact === undefined ? null : matchPath(exact, path, isLoose);
    return found ?? this.#matchWildcard(host, path, isLoose) ?? matchPath(this.#anyHost, path, isLoose);
  }

  /** The longest suffix first. */
  #matchWildcard(host: string, path: string, isLoose: boolean): RouteMatch | null {
    const shortest = host.length - this.#wildcardLengthMax;
    let first = host.length;
    for (let count = 0; count < this.#wildcardLabelsMax; count++) {
      const dot = host.lastIndexOf('.', first - 1);
      if (dot < 1 || dot < shortest) break;
      first = dot;
    }
    for (let dot = host.indexOf('.', first); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const routes = this.#byWildcard.get(host.slice(dot));
      const found = routes === undefined ? null : matchPath(routes, path, isLoose);
      if (found !== null) return found;
    }
    return null;
  }
}

/** A normal path without the prefix that it begins with, its query kept: `/v1/a?b` without `/v1` is `/a?b`. */
export function stripPrefix(pathAndQuery: string, prefix: string): string {
  if (prefix === '' || pathAndQuery === '*') return pathAndQuery;
  const rest = pathAndQuery.slice(prefix.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function addTo(routes: Map<string, HostRoutes>, host: string, entry: PathRoute): void {
  const found = routes.get(host);
  if (found === undefined) routes.set(host, { byPath: [entry] });
  else found.byPath.push(entry);
}

/** Whole segments: `/v1` matches `/v1` and `/v1/a`, not `/v10`. */
function matchPath({ byPath }: HostRoutes, path: string, isLoose: boolean): RouteMatch | null {
  for (const route of byPath) {
    const prefix = isLoose ? route.loosePath : route.path;
    if (path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/' || prefix === '')) {
      return route.match;
    }
  }
  return null;
}

/** In lower case, without port and without the dot of an absolute name. */
function hostOf(authority: string): string {
  const colon = authority.startsWith('[') ? authority.indexOf(':', authority.indexOf(']')) : authority.indexOf(':');
  const host = (colon < 0 ? authority : authority.slice(0, colon)).toLowerCase();
  return host.endsWith('.') ? host.slice(0, -1) : host;
}
