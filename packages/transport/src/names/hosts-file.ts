/**
 * /etc/hosts, which is asked before any name server, and `localhost`, which leads to this host whatever anybody says (RFC 6761, 6.3).
 *
 *     127.0.0.1  localhost
 *     10.0.0.5   backend backend.internal    # a comment
 */
import { isIP, SocketAddress } from 'node:net';

export type HostsTable = ReadonlyMap<string, readonly string[]>;

/** Names are lower-case. Lines that make no sense are passed over. */
export function parseHosts(text: string): HostsTable {
  const table = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names) {
      const known = table.get(name.toLowerCase());
      if (known === undefined) table.set(name.toLowerCase(), [canonical(address)]);
      else known.push(canonical(address));
    }
  }
  return table;
}

const LOOPBACK = ['::1', '127.0.0.1'];

/** Null where the table says nothing of the name. `localhost` leads to loopback addresses only, `*.localhost` too. */
export function hostAddresses(table: HostsTable, name: string): readonly string[] | null {
  const found = table.get(name) ?? null;
  if (name !== 'localhost' && !name.endsWith('.localhost')) return found;
  const loopback = found?.filter((address) => address === '::1' || address.startsWith('127.')) ?? [];
  return loopback.length > 0 ? loopback : LOOPBACK;
}

/** As the kernel writes a peer's address, so that the two can be compared: `0:0::01` becomes `::1`. A zone stays. */
function canonical(address: string): string {
  if (!address.includes(':') || address.includes('%')) return address;
  return new SocketAddress({ address, family: 'ipv6' }).address;
}
