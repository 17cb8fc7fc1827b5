/**
 * What a pool's `consistent_hash` looks at, parsed from its text (`client_address`, `path`, `header:NAME`, `cookie:NAME`), and read
 * from a request.
 */
import { joinedValues } from '@muster/http1';

export interface HashKey {
  readonly on: 'client_address' | 'path' | 'header' | 'cookie';
  /** The header's name in lower case, or the cookie's; '' for the others. */
  readonly name: string;
}

export function parseHashKey(text = 'client_address'): HashKey {
  const [on, name = ''] = text.split(':') as [HashKey['on'], string?];
  return { on, name: on === 'header' ? name.toLowerCase() : name };
}

/** The text that is hashed; null where the request has no such thing, or the key is the client's address. */
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
