/** The URL of a NATS server, taken apart so that what is secret in it stays out of whatever is shown. */

export interface ServerAddress {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  /** `tls://`: nothing is sent before the connection is encrypted. */
  readonly requiresTls: boolean;
  /** What may be shown: `nats://HOST:PORT`. */
  readonly label: string;
  readonly user: ServerUser | null;
}

export type ServerUser =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** A name without a password, as NATS reads such URLs. */
  | { readonly kind: 'token'; readonly token: string };

const DEFAULT_PORT = 4222;

/** Null for what is not `nats://[USER:PASSWORD@]HOST[:PORT]` or the same with `tls://`. */
export function parseServerUrl(text: string): ServerAddress | null {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'nats:' && url.protocol !== 'tls:')) return null;
  if (url.hostname === '' || url.port === '0' || !['', '/'].includes(url.pathname) || url.search + url.hash !== '') {
    return null;
  }
  const user = userOf(url);
  if (user === undefined) return null;
  const port = url.port === '' ? DEFAULT_PORT : Number(url.port);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port,
    requiresTls: url.protocol === 'tls:',
    label: `${url.protocol}//${url.hostname}:${port}`,
    user,
  };
}

/** Undefined where it is badly encoded. */
function userOf({ username, password }: URL): ServerUser | null | undefined {
  try {
    const name = decodeURIComponent(username);
    if (password !== '') return { kind: 'password', user: name, password: decodeURIComponent(password) };
    return name === '' ? null : { kind: 'token', token: name };
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
