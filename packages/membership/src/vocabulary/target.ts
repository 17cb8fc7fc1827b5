/**
 * Addresses: where a backend answers (a target) and where a listener is bound.
 *
 * A target is kept as the text that was published, because that text is its identity: two spellings of one
 * address are two targets. Parsing happens where a socket is about to be opened.
 */
import { z } from 'zod';
import { parseIp } from './cidr.ts';

export type Address =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const UNIX_PREFIX = 'unix:';
/** The kernel's `sun_path` holds 108 bytes with its final zero. */
const UNIX_PATH_BYTES_MAX = 107;
const HOST_PATTERN = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,252}[A-Za-z0-9.])?$/;
const IPV6_PATTERN = /^[0-9A-Fa-f:.]{2,45}(%[A-Za-z0-9._-]{1,15})?$/;

/** What the messages say about addresses, wherever one is refused. */
export const ADDRESS_RULE = 'an address is HOST:PORT, [IPV6]:PORT or unix:/PATH, for example 127.0.0.1:8001';

/**
 * `127.0.0.1:8001`, `[::1]:8001` and `unix:/run/app.sock` become an address; anything else is null.
 * Host names are allowed, and looked up by who dials them; ports are 1 to 65535.
 */
export function parseTarget(text: string): Address | null {
  const address = parseAddress(text);
  return address?.kind === 'tcp' && address.port === 0 ? null : address;
}

/** As `parseTarget`, but port 0 is allowed: the kernel chooses a free one. */
export function parseBind(text: string): Address | null {
  return parseAddress(text);
}

/** The text form again; `parseTarget(formatAddress(a))` gives `a`. */
export function formatAddress(address: Address): string {
  if (address.kind === 'unix') return UNIX_PREFIX + address.path;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** True for `localhost`, 127.0.0.0/8 and `::1`. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** The Host that says where a target is, for probes as for traffic: without a zone, which means something on this machine alone. */
export function hostOfTarget(target: string): string {
  // A Unix socket has no name that a Host could say.
  if (target.startsWith(UNIX_PREFIX)) return 'localhost';
  return target.includes('%') ? target.replace(/%[^\]]*\]/, ']') : target;
}

export const targetSchema = z.string().refine((text) => parseTarget(text) !== null, { message: ADDRESS_RULE });

export const bindSchema = z.string().refine((text) => parseBind(text) !== null, { message: ADDRESS_RULE });

/**
 * Whether one address cannot be listened on while the other one is, by the rules of Linux for sockets with SO_REUSEADDR: the same port,
 * and the same address or one that stands for its whole family; `[::]` stands for IPv4 as well. Hosts are literal addresses.
 */
export function excludes(left: Address, right: Address): boolean {
  if (left.kind === 'unix' || right.kind === 'unix') {
    return left.kind === 'unix' && right.kind === 'unix' && left.path === right.path;
  }
  if (left.port !== right.port) return false;
  const [one, other] = [parseIp(left.host), parseIp(right.host)];
  if (one === null || other === null) return left.host === right.host;
  if (one === other || one === ANY_IPV6 || other === ANY_IPV6) return true;
  return isIpv4(one) && isIpv4(other) && (one === ANY_IPV4 || other === ANY_IPV4);
}

const ANY_IPV6 = 0n;
const ANY_IPV4 = 0xffff00000000n;

function isIpv4(address: bigint): boolean {
  return address >> 32n === 0xffffn;
}

function parseAddress(text: string): Address | null {
  if (text.startsWith(UNIX_PREFIX)) return parseUnixPath(text.slice(UNIX_PREFIX.length));
  const colon = text.lastIndexOf(':');
  if (colon < 1) return null;
  const port = parsePort(text.slice(colon + 1));
  const host = parseHost(text.slice(0, colon));
  return port === null || host === null ? null : { kind: 'tcp', host, port };
}

function parseUnixPath(path: string): Address | null {
  const isAbsolute = path.startsWith('/') && path.length > 1 && !path.includes('\0');
  return isAbsolute && utf8Bytes(path) <= UNIX_PATH_BYTES_MAX ? { kind: 'unix', path } : null;
}

function parsePort(text: string): number | null {
  if (!/^(0|[1-9][0-9]{0,4})$/.test(text)) return null;
  const port = Number(text);
  return port <= 65_535 ? port : null;
}

function parseHost(text: string): string | null {
  if (text.startsWith('[')) {
    const inner = text.endsWith(']') ? text.slice(1, -1) : '';
    return inner.includes(':') && IPV6_PATTERN.test(inner) ? inner : null;
  }
  return HOST_PATTERN.test(text) ? text : null;
}

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0)!;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }
  return bytes;
}
