/**
 * Which pool takes a request, by host and path: the most specific route that matches. An exact host goes before a wildcard, a
 * longer wildcard before a shorter one, any host last; within a host the longest path prefix leads.
 *
 * A path is matched as its backend will understand it: dot segments are resolved and escapes of unreserved characters undone
 * first (RFC 3986, 6.2.2), so that `/v1/../admin` is `/admin` here too and no prefix can be walked out of. What is forwarded is
 * the client's own text, unless a prefix is stripped from it.
 */
import type { Route } from '@muster/membership';

export interface RouteMatch {
  readonly pool: string;
  /** The prefix to be taken off, without a final slash; '' for none. */
  readonly strippedPrefix: string;
}

interface HostRoutes {
  /** Longest path first. */
  readonly byPath: { readonly path: string; readonly match: RouteMatch }[];
}

/** What needs a second look: a dot segment, or an escape, which may be needless or in lower case. */
const UNUSUAL_PATH_PATTERN = /\/\.|%/;

export class RouteTable {
  /** Where the one route leads that takes everything; null where there is more to be told apart. */
  readonly #only: RouteMatch | null;
  readonly #byHost = new Map<string, HostRoutes>();
  /** Suffixes with their leading dot, such as `.example.com`. */
  readonly #byWildcard = new Map<string, HostRoutes>();
  readonly #anyHost: HostRoutes = { byPath: [] };

  constructor(routes: readonly Route[]) {
    const [first] = routes;
    const isOnly = routes.length === 1 && first!.host === undefined && first!.path === undefined;
    this.#only = isOnly ? { pool: first!.pool, strippedPrefix: '' } : null;
    for (const route of routes) this.#add(route);
    for (const host of [...this.#byHost.values(), ...this.#byWildcard.values(), this.#anyHost]) {
      host.byPath.sort((left, right) => right.path.length - left.path.length);
    }
  }

  /** `authority` is a host with or without a port, `pathAndQuery` begins with "/" or is "*". Null: no route leads there. */
  match(authority: string, pathAndQuery: string): RouteMatch | null {
    if (this.#only !== null) return this.#only;
    const host = hostOf(authority);
    const path = normalPath(pathAndQuery);
    const exact = this.#byHost.get(host);
    const found = exact === undefined ? null : matchPath(exact, path);
    return found ?? this.#matchWildcard(host, path) ?? matchPath(this.#anyHost, path);
  }

  #add({ host, path = '/', pool, stripPrefix = false }: Route): void {
    const prefix = path.endsWith('/') ? path.slice(0, -1) : path;
    const entry = { path: prefix, match: { pool, strippedPrefix: stripPrefix ? prefix : '' } };
    if (host === undefined) this.#anyHost.byPath.push(entry);
    else if (host.startsWith('*')) addTo(this.#byWildcard, host.slice(1), entry);
    else addTo(this.#byHost, host, entry);
  }

  #matchWildcard(host: string, path: string): RouteMatch | null {
    if (this.#byWildcard.size === 0) return null;
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const routes = this.#byWildcard.get(host.slice(dot));
      const found = routes === undefined ? null : matchPath(routes, path);
      if (found !== null) return found;
    }
    return null;
  }
}

/** The path of a request with a stripped prefix, its query kept: `/v1/a?b` without `/v1` is `/a?b`. */
export function stripPrefix(pathAndQuery: string, prefix: string): string {
  if (prefix === '' || pathAndQuery === '*') return pathAndQuery;
  const query = pathAndQuery.indexOf('?');
  const rest = normalPath(pathAndQuery).slice(prefix.length);
  return (rest === '' ? '/' : rest) + (query < 0 ? '' : pathAndQuery.slice(query));
}

function addTo(routes: Map<string, HostRoutes>, host: string, entry: HostRoutes['byPath'][number]): void {
  const found = routes.get(host);
  if (found === undefined) routes.set(host, { byPath: [entry] });
  else found.byPath.push(entry);
}

/** Whole segments: `/v1` matches `/v1` and `/v1/a`, not `/v10`. */
function matchPath({ byPath }: HostRoutes, path: string): RouteMatch | null {
  for (const { path: prefix, match } of byPath) {
    if (path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/' || prefix === '')) {
      return match;
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

function normalPath(pathAndQuery: string): string {
  const query = pathAndQuery.indexOf('?');
  const path = query < 0 ? pathAndQuery : pathAndQuery.slice(0, query);
  return UNUSUAL_PATH_PATTERN.test(path) ? withoutDotSegments(withoutNeedlessEscapes(path)) : path;
}

function withoutNeedlessEscapes(path: string): string {
  return path.replace(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : escape.toUpperCase();
  });
}

/** RFC 3986, 5.2.4. */
function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/').slice(1);
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if (isLast && (segment === '.' || segment === '..')) kept.push('');
  }
  return `/${kept.join('/')}`;
}
