/**
 * Who may use the admin API. With a token: whoever sends it. Without one the address is a loopback address, and then two strangers
 * can make a program of this machine ask for them:
 *
 *     a web page, in a browser      GET without Origin by <img>, POST by a form, names that somebody's DNS points at 127.0.0.1
 *     a proxy, Muster itself too    a backend whose target is the admin API, and a request through the public listener
 *
 * A browser says where a request comes from (`Sec-Fetch-Site`, `Origin`), and a proxy that it forwarded one (`Via`, `Forwarded`,
 * `X-Forwarded-…`). Both are refused, with a token as without: a token is for programs, and no program needs a page's help. The pages
 * of the API itself have its own origin, and are let in.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopbackHost } from '@muster/membership';
import { ApiError } from './api-error.ts';

export interface AccessRules {
  /** What clients must send; null: nothing, for loopback addresses only. */
  readonly token: string | null;
  /** Whether requests may come through a proxy, because an operator has put one in front. */
  readonly isBehindProxy: boolean;
}

export interface AskedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** What a load balancer or an orchestrator asks, without a secret and without a secret in the answer. */
const OPEN_PATHS = new Set(['/healthz', '/readyz']);
/** Where a link on another site may lead: a page shows itself to the person who followed the link, and tells that site nothing. */
const PAGE_PATHS = new Set(['/']);

/** In every answer: it is for who asked, is kept nowhere, and is shown in no other page. */
export const ANSWER_FIELDS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Null when the request may go on. */
export function refuseAccess(request: AskedRequest, { token, isBehindProxy }: AccessRules): ApiError | null {
  const { path, headers } = request;
  const foreign = refuseForeignPage(request, { token, isBehindProxy });
  if (foreign !== null || OPEN_PATHS.has(path)) return foreign;
  return (
    (isBehindProxy ? null : refuseForwarded(headers)) ??
    (token === null ? refuseForeignHost(headers) : refuseStrangers(headers.authorization, token))
  );
}

function refuseStrangers(authorization: string | undefined, token: string): ApiError | null {
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (given !== undefined && isSameText(given, token)) return null;
  const message =
    given === undefined
      ? 'a token is needed: send "Authorization: Bearer TOKEN" (the command line reads MUSTER_ADMIN_TOKEN)'
      : 'the token is not the one that this node was started with';
  return new ApiError(401, { code: 'unauthorized', message });
}

/**
 * Browsers add `Sec-Fetch-Site` to every request to a loopback address, also where they send no `Origin`. No page can set or remove
 * it. What is not a browser sends neither.
 */
function refuseForeignPage({ method, path, headers }: AskedRequest, rules: AccessRules): ApiError | null {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    const isLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
    if (!isLink || method !== 'GET' || !PAGE_PATHS.has(path)) return fromAPage();
  }
  if (origin === undefined) return null;
  const isOwn =
    host !== undefined && (origin === `http://${host}` || (rules.isBehindProxy && origin === `https://${host}`));
  // Without a token the browser's own word is asked for, too: an Origin alone is written by anybody.
  return isOwn && (site === 'same-origin' || rules.token !== null) ? null : fromAPage();
}

function fromAPage(): ApiError {
  const message =
    'requests from web pages of another origin are refused; ask from a program, or from the pages of this node';
  return new ApiError(403, { code: 'from-a-page', message });
}

/** What proxies add, whoever made them. Who comes through one is not on this machine, whatever the address of the connection says. */
const FORWARDING_FIELD =
  /^(?:via|forwarded|(?:x-)?(?:original-)?forwarded-[a-z-]+|x-real-ip|true-client-ip|x-client-ip|x-cluster-client-ip|cf-connecting-ip|x-envoy-[a-z-]+|x-original-(?:url|host|for)|x-rewrite-url)$/;

function refuseForwarded(headers: IncomingHttpHeaders): ApiError | null {
  const field = Object.keys(headers).find((name) => FORWARDING_FIELD.test(name.replaceAll('_', '-')));
  if (field === undefined) return null;
  const message = `this request was forwarded by a proxy (it has the field ${field}), and the admin API is not for those who come through one; set adminBehindProxy = true under [node], with a token, where that is meant`;
  return new ApiError(403, { code: 'forwarded', message });
}

/** A name that somebody else's DNS points at 127.0.0.1 makes that somebody's page one of this origin: DNS rebinding. */
function refuseForeignHost({ host }: IncomingHttpHeaders): ApiError | null {
  if (host === undefined || isLoopbackHost(hostName(host))) return null;
  const message = `without a token this API answers only as localhost or 127.0.0.1, not as ${JSON.stringify(host.slice(0, 80))}`;
  return new ApiError(403, { code: 'foreign-host', message });
}

/** `::1` of `[::1]:9900`. */
function hostName(host: string): string {
  return host
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}

/** In a time that says nothing about where two texts differ. Digests, since the comparison needs equal lengths. */
function isSameText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}
