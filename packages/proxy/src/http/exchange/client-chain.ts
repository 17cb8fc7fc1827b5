/**
 * Whom a request is from, by what trusted proxies say of it (X-Forwarded-For, or Forwarded of RFC 7239).
 *
 *     X-Forwarded-For: 198.51.100.9, 203.0.113.7:4711, 10.0.0.3        peer 10.0.0.2
 *                       anybody's word   the client      ◄── trusted proxies
 *
 * Each proxy appends whom it was asked by, so the list is read from its end: the first that is no trusted proxy itself is the client, and
 * what stands before it is only the client's own word. Where a proxy wrote something that is no address (`unknown`, `_hidden`), nobody
 * knows more than that this proxy was asked; then it is the client.
 */
import { isInAny, parseCidr, type Cidr } from '@muster/membership';

/** The client's address without port, brackets and zone. `peer` is trusted. */
export function clientOf(said: string[], peer: string, trustedProxies: readonly Cidr[]): string {
  let nearest = peer;
  for (const node of said.toReversed()) {
    const address = nodeAddress(node);
    if (address === null) return nearest;
    nearest = address;
    if (!isInAny(trustedProxies, address)) return address;
  }
  return nearest;
}

/** `203.0.113.7:4711` is 203.0.113.7, `"[2001:db8::7]:443"` is 2001:db8::7; null for what is no address. */
function nodeAddress(node: string): string | null {
  const text = node.replace(/^"(.*)"$/, '$1');
  const close = text.indexOf(']');
  const isBracketed = text.startsWith('[') && /^(?::[0-9]{1,5})?$/.test(text.slice(close + 1));
  const address = plainAddress(isBracketed ? text.slice(1, close) : text.replace(/^([^:]*):[0-9]{1,5}$/, '$1'));
  return address.includes('/') || parseCidr(address) === null ? null : address;
}

/** As others know it: without the zone, which means something on this machine alone, and an IPv4 address in its own form. */
export function plainAddress(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=[0-9]+\.)/i, '');
}

/** What X-Forwarded-For lists. */
export function listedNodes(forwardedFor: string): string[] {
  return forwardedFor.split(',').map((node) => node.trim());
}

/** The `for` of each element of Forwarded (RFC 7239, 4); '' where one has none. Reads it once, whatever quotes are left open. */
export function forwardedNodes(forwarded: string): string[] {
  const nodes: string[] = [];
  let node = '';
  let pair = '';
  let isQuoted = false;
  for (let index = 0; index <= forwarded.length; index++) {
    const character = forwarded[index] ?? ',';
    if (isQuoted && character === '\\') pair += forwarded[++index] ?? '';
    else if (character === '"') isQuoted = !isQuoted;
    else if (isQuoted || (character !== ',' && character !== ';')) pair += character;
    else {
      node = /^[ \t]*for=(.*)$/i.exec(pair)?.[1]?.trim() ?? node;
      pair = '';
      if (character === ';') continue;
      nodes.push(node);
      node = '';
    }
  }
  // What a quote was left open in says nothing.
  if (isQuoted) nodes.push('');
  return nodes;
}
