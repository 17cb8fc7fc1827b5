/**
 * The words that only HTTP listeners and pools use, as text in events and config: hosts, path prefixes, CIDRs, hash keys.
 *
 * Each is checked here once, so that whoever reads a spec may rely on its shape. Matching requests is the proxy's business.
 */
import { z } from 'zod';
import { isCidr } from './cidr.ts';

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const HOST_PATTERN = new RegExp(`^(?=.{1,253}$)(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`);
/** A space or a slash may be escaped; what needs no escape may not be, because requests are matched without such. */
const ESCAPE = '%(?!2[DE]|3[0-9]|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])[0-9A-F]{2}';
const SEGMENT = `(?!\\.{1,2}(?:/|$))(?:[A-Za-z0-9\\-._~!$&'()*+,;=:@]|${ESCAPE})+`;
const PATH_PATTERN = new RegExp(`^(?=.{1,1024}$)/(?:${SEGMENT}(?:/${SEGMENT})*)?$`);
const FILTER_PATTERN = /^\.\/(?!(?:.*\/)?\.\.(?:\/|$))[\x21-\x7e]{1,255}\.(?:ts|mts|js|mjs)$/;
const FIELD_NAME = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]{1,64}";
const HASH_KEY_PATTERN = new RegExp(`^(?:client_address|path|header:${FIELD_NAME}|cookie:${FIELD_NAME})$`);
/** What says how a message is framed, or is asked of every client, is no proxy's word. */
const NOT_SAID_BY_PROXIES =
  'host|connection|content-length|transfer-encoding|upgrade|expect|te|date|cookie|authorization';
const PROXY_FIELD_PATTERN = new RegExp(`^(?!(?:${NOT_SAID_BY_PROXIES})$)[a-z0-9-]{2,64}\\*?$`);
const HOST_FIELD_PATTERN = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?$/;

export const hostPatternSchema = z
  .string()
  .regex(HOST_PATTERN, 'a host is a lower-case name such as api.example.com, or *.example.com for all below it');
export const pathPrefixSchema = z
  .string()
  .regex(
    PATH_PATTERN,
    'a path prefix is written as in a URL and without a "/" at its end, such as /v1 for /v1 and all below',
  );
export const filterPathSchema = z
  .string()
  .regex(FILTER_PATTERN, 'a filter is a .ts, .mts, .js or .mjs file below the config, such as ./filters/canary.ts');
export const cidrSchema = z
  .string()
  .refine(isCidr, { message: 'a CIDR is ADDRESS/BITS, such as 10.0.0.0/8 or fd00::/8' });
export const hashKeySchema = z
  .string()
  .regex(HASH_KEY_PATTERN, 'a hash key is client_address, path, header:NAME or cookie:NAME');
export const proxyFieldSchema = z
  .string()
  .regex(
    PROXY_FIELD_PATTERN,
    'a field name in lower case, of letters, digits and "-", or how names begin with a "*" behind it, such as x-tenant or x-internal-*',
  );
export const hostFieldSchema = z
  .string()
  .regex(HOST_FIELD_PATTERN, 'the Host that a backend sees is "keep", "target", or a name such as api.internal:8080');
interface RouteWords {
  readonly host?: string | undefined;
  readonly path?: string | undefined;
  readonly pool: string;
  readonly stripPrefix?: boolean | undefined;
}

interface ListenerWords {
  readonly protocol: 'tcp' | 'http';
  readonly pool?: string | undefined;
  readonly routes?: readonly RouteWords[] | undefined;
}

/** Fields of a listener that mean nothing where bytes are only relayed. */
export const HTTP_ONLY_FIELDS = [
  'routes',
  'filters',
  'trustedProxies',
  'proxyFields',
  'forwardedFields',
  'hostField',
  'accessLog',
  'headTimeoutMs',
  'keepAliveTimeoutMs',
  'bodyTimeoutMs',
  'maxHeadBytes',
  'maxFields',
  'maxTargetBytes',
  'maxBodyBytes',
  'escapedSlashes',
  'emptySegments',
  'pathParameters',
] as const;

/** What a protocol needs, and what it cannot have; and that no two routes of a listener are about the same requests. */
export function checkListener(spec: ListenerWords, context: z.RefinementCtx): void {
  const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (spec.protocol === 'tcp') {
    const foreign = HTTP_ONLY_FIELDS.filter((field) => spec[field as keyof ListenerWords] !== undefined);
    for (const field of foreign)
      refuse([field], `${field} needs protocol = "http"; a tcp listener has a pool and no more`);
    // One with routes and no pool is an http listener whose protocol was forgotten, and that has been said.
    if (spec.pool === undefined && spec.routes === undefined) {
      refuse(['pool'], 'a tcp listener needs the pool that takes its connections');
    }
    return;
  }
  if (spec.pool === undefined && spec.routes === undefined) {
    refuse(['pool'], 'an http listener needs a pool that takes all its requests, or routes');
  } else if (spec.pool !== undefined && spec.routes !== undefined) {
    refuse(
      ['pool'],
      'an http listener has a pool or routes, not both; a route without host and path takes what is left',
    );
  }
  checkRoutes(spec.routes ?? [], (path, message) => refuse(['routes', ...path], message));
}

function checkRoutes(
  routes: readonly RouteWords[],
  refuse: (path: (string | number)[], message: string) => void,
): void {
  const firstByMatch = new Map<string, number>();
  for (const [index, { host = '', path = '/', stripPrefix = false }] of routes.entries()) {
    const match = `${host} ${path}`;
    const first = firstByMatch.get(match);
    if (first === undefined) firstByMatch.set(match, index);
    else refuse([index], `route ${index + 1} has the host and path of route ${first + 1}; take one of them out`);
    if (stripPrefix && path === '/')
      refuse([index, 'stripPrefix'], 'stripPrefix needs a path other than "/" to take off');
  }
}

/** The pools that a listener leads to, each once. */
export function poolsOf({ pool, routes }: Omit<ListenerWords, 'protocol'>): string[] {
  if (pool !== undefined) return [pool];
  return [...new Set((routes ?? []).map((route) => route.pool))];
}
