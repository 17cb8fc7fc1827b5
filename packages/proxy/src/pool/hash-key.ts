/** What a pool's `consistent_hash` looks at, parsed from its text: `client_address`, `path`, `header:NAME`, `cookie:NAME`. */
export interface HashKey {
  readonly on: 'client_address' | 'path' | 'header' | 'cookie';
  /** Of the header, in lower case, or of the cookie; '' for the others. */
  readonly name: string;
}

export function parseHashKey(text = 'client_address'): HashKey {
  const [on, name = ''] = text.split(':') as [HashKey['on'], string?];
  return { on, name: on === 'header' ? name.toLowerCase() : name };
}
