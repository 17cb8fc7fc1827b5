/**
 * Address ranges in CIDR notation: which peers are trusted.
 *
 * An address becomes one 128-bit number, an IPv4 one as ::ffff:a.b.c.d, so that one comparison serves both families.
 */

export interface Cidr {
  /** The network's first address. */
  readonly network: bigint;
  /** Bits that do not count, at the low end; 0 to 128. */
  readonly freeBits: bigint;
}

const IPV4_PREFIX = 0xffffn << 32n;

/** `10.0.0.0/8`, `fd00::/8`, or a single address; null for anything else. Bits below the prefix are ignored. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (address === null) return null;
  const width = text.includes(':') ? 128 : 32;
  const bits = slash < 0 ? width : prefixBits(text.slice(slash + 1), width);
  if (bits === null) return null;
  const freeBits = BigInt(width - bits);
  return { network: address >> freeBits, freeBits };
}

export function isCidr(text: string): boolean {
  return parseCidr(text) !== null;
}

/** Whether a literal address is in one of the ranges; false for what is no address. A zone (`%eth0`) does not count. */
export function isInAny(ranges: readonly Cidr[], address: string): boolean {
  const value = parseIp(address.replace(/%.*$/, ''));
  return value !== null && ranges.some(({ network, freeBits }) => value >> freeBits === network);
}

function prefixBits(text: string, width: number): number | null {
  return /^(0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= width ? Number(text) : null;
}

/** A literal address as one number, an IPv4 one as ::ffff:a.b.c.d; null for what is no address. */
export function parseIp(text: string): bigint | null {
  if (!text.includes(':')) {
    const value = parseIpv4(text);
    return value === null ? null : IPV4_PREFIX | value;
  }
  return parseIpv6(text);
}

function parseIpv4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255))
    return null;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseIpv6(text: string): bigint | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1)) as [
    bigint[] | null,
    bigint[] | null | undefined,
  ];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...Array.from({ length: missing }, () => 0n), ...(tail ?? [])];
  return groups.reduce((value, group) => (value << 16n) | group, 0n);
}

/** The 16-bit groups of one side of `::`; the last one of an address may be written as an IPv4 address. */
function groupsOf(text: string, isEnd: boolean): bigint[] | null {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(BigInt(`0x${part}`));
      continue;
    }
    const embedded = isEnd && index === parts.length - 1 && part.includes('.') ? parseIpv4(part) : null;
    if (embedded === null) return null;
    groups.push(embedded >> 16n, embedded & 0xffffn);
  }
  return groups;
}
