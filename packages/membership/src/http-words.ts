/**
 * The words that only HTTP listeners and pools use, as text in events and config: hosts, path prefixes, CIDRs, hash keys.
 *
 * Each is checked here once, so that whoever reads a spec may rely on its shape. Matching requests is the proxy's business.
 */
import { z } from 'zod';
import { isCidr } from './cidr.ts';

const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const HOST_PATTERN = new RegExp(`^(?=.{1,253}$)(?:\\*\\.)?${LABEL}(?:\\.${LABEL})*$`);
const PATH_PATTERN = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-F]{2}){0,1023}$/;
const FILTER_PATTERN = /^\.\/(?!.*(?:^|\/)\.\.(?:\/|$))[\x21-\x7e]{1,255}\.(?:ts|mts|js|mjs)$/;
const FIELD_NAME = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]{1,64}";
const HASH_KEY_PATTERN = new RegExp(`^(?:client_address|path|header:${FIELD_NAME}|cookie:${FIELD_NAME})$`);
const HOST_FIELD_PATTERN = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?$/;

export const hostPatternSchema = z
  .string()
  .regex(HOST_PATTERN, 'a host is a lower-case name such as api.example.com, or *.example.com for all below it');
export const pathPrefixSchema = z
  .string()
  .regex(PATH_PATTERN, 'a path prefix starts with "/", and is written as a URL has it');
export const filterPathSchema = z
  .string()
  .regex(FILTER_PATTERN, 'a filter is a .ts, .mts, .js or .mjs file below the config, such as ./filters/canary.ts');
export const cidrSchema = z
  .string()
  .refine(isCidr, { message: 'a CIDR is ADDRESS/BITS, such as 10.0.0.0/8 or fd00::/8' });
export const hashKeySchema = z
  .string()
  .regex(HASH_KEY_PATTERN, 'a hash key is client_address, path, header:NAME or cookie:NAME');
export const hostFieldSchema = z
  .string()
  .regex(HOST_FIELD_PATTERN, 'the Host that a backend sees is "keep", "target", or a name such as api.internal:8080');
interface Spec {
  readonly protocol: 'tcp' | 'http';
  readonly pool?: string | undefined;
  readonly routes?: readonly { readonly pool: string }[] | undefined;
}

/** Fields of a listener that mean nothing where bytes are only relayed. */
const HTTP_ONLY = [
  'routes',
  'filters',
  'trustedProxies',
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
] as const;

/** What a protocol needs, and what it cannot have. */
export function checkProtocol(spec: Spec, context: z.RefinementCtx): void {
  const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
  if (spec.protocol === 'tcp') {
    if (spec.pool === undefined) refuse('pool', 'a tcp listener needs the pool that takes its connections');
    for (const field of HTTP_ONLY.filter((name) => spec[name as keyof Spec] !== undefined)) {
      refuse(field, `only a listener with protocol = "http" has ${field}`);
    }
  } else if ((spec.pool === undefined) === (spec.routes === undefined)) {
    refuse('pool', 'an http listener needs a pool or routes, and not both');
  }
}

/** The pools that a listener leads to, each once. */
export function poolsOf({ pool, routes }: Omit<Spec, 'protocol'>): string[] {
  if (pool !== undefined) return [pool];
  return [...new Set((routes ?? []).map((route) => route.pool))];
}
