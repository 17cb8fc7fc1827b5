/** What a pool with `consistent_hash` hashes of a request, besides its client's address. */
import { joinedValues } from '@muster/http1';
import type { HashKey } from '../pool/hash-key.ts';

/** Null where the request has no such thing, or the key is the client's address. */
export function hashText({ on, name }: HashKey, fields: string, pathAndQuery: string): string | null {
  switch (on) {
    case 'path':
      return pathAndQuery.split('?', 1)[0]!;
    case 'header':
      return joinedValues(fields, name, ', ');
    case 'cookie':
      return cookieValue(fields, name);
    default:
      return null;
  }
}

/** The first cookie of that name (RFC 6265, 4.2), or null. Several Cookie lines are one list, as HTTP/2 sends them (RFC 9113, 8.2.3). */
function cookieValue(fields: string, name: string): string | null {
  const cookies = joinedValues(fields, 'cookie', '; ');
  if (cookies === null) return null;
  for (const pair of cookies.split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return null;
}
