/**
 * Who may use the admin API. With a token: whoever sends it. Without one the address is a loopback address, and then the
 * danger is a web page in a browser of this machine, so requests from pages, and through names that somebody else's DNS
 * points at 127.0.0.1, are refused.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopbackHost } from '../config/node-config.ts';
import { ApiError } from './api-error.ts';

/** What a load balancer or an orchestrator asks, without a secret and without a secret in the answer. */
const OPEN_PATHS = new Set(['/healthz', '/readyz']);

/** Null when the request may go on. */
export function refuseAccess(
  { path, headers }: { readonly path: string; readonly headers: IncomingHttpHeaders },
  token: string | null,
): ApiError | null {
  if (OPEN_PATHS.has(path)) return null;
  return token === null ? refusePages(headers) : refuseStrangers(headers.authorization, token);
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

function refusePages({ origin, host }: IncomingHttpHeaders): ApiError | null {
  if (origin !== undefined) {
    return new ApiError(403, {
      code: 'from-a-page',
      message: 'requests from web pages need a token; start the node with one',
    });
  }
  if (host !== undefined && !isLoopbackHost(hostName(host))) {
    const message = `without a token this API answers only as localhost or 127.0.0.1, not as ${JSON.stringify(host.slice(0, 80))}`;
    return new ApiError(403, { code: 'foreign-host', message });
  }
  return null;
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
