/**
 * What another node says it has bound, as addresses that this node can tell from others. Pure.
 *
 *     bound there           from the same machine        from elsewhere
 *     0.0.0.0:8080, a name  as if it were bound here     each address of that machine, port 8080
 *     10.0.0.5:8080         as if it were bound here     10.0.0.5:8080
 *     127.0.0.1:9900        as if it were bound here     leads to nobody there
 *     unix:/run/lb.sock     as if it were bound here     leads to nobody there
 */
import { isIP } from 'node:net';
import type { Neighbour } from '@muster/actors';
import { isInAny, parseBind, parseCidr, type Address } from '@muster/membership';
import type { OwnAddress } from '@muster/transport';

const LOOPBACK = ['127.0.0.0/8', '::1'].map((text) => parseCidr(text)!);
const UNSPECIFIED = ['0.0.0.0', '::'].map((text) => parseCidr(text)!);

/** `machine`: the one that this node is on. What is no address is passed over. */
export function neighbourAddresses({ node, bound }: Neighbour, machine: string): OwnAddress[] {
  const isHere = bound.machine === machine;
  const seenFrom = (bind: string, name: string): OwnAddress[] => {
    const address = parseBind(bind);
    if (address === null || (address.kind === 'tcp' && address.port === 0)) return [];
    if (isHere) return [{ address, name }];
    return reachable(address, bound.hosts).map((one) => ({ address: one, name, isElsewhere: true }));
  };
  return [
    ...(bound.admin === null ? [] : seenFrom(bound.admin, `the admin API of node ${node}`)),
    ...bound.listeners.flatMap((bind) => seenFrom(bind, `a listener of node ${node}`)),
  ];
}

function reachable(address: Address, hosts: readonly string[]): Address[] {
  if (address.kind === 'unix' || isInAny(LOOPBACK, address.host)) return [];
  const isEverywhere = isIP(address.host) === 0 || isInAny(UNSPECIFIED, address.host);
  if (!isEverywhere) return [address];
  return hosts.filter((host) => isIP(host) !== 0).map((host) => ({ kind: 'tcp', host, port: address.port }));
}
