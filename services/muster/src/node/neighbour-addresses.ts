/**
 * What another node says it has bound, as addresses that this node can tell from others; and what this machine is called and reached by,
 * which each node says of itself.
 *
 *     bound there           from the same machine        from elsewhere
 *     0.0.0.0:8080, a name  as if it were bound here     each address of that machine, port 8080
 *     10.0.0.5:8080         as if it were bound here     10.0.0.5:8080
 *     127.0.0.1:9900        as if it were bound here     leads to nobody there
 *     unix:/run/lb.sock     as if it were bound here     leads to nobody there
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import type { Neighbour } from '@muster/actors';
import { type Address, isInAny, parseBind, parseCidr } from '@muster/membership';
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

/** This machine's id, once it was asked for. */
let knownMachine: string | null = null;

/**
 * Which machine this is, as far as addresses go: two nodes with the same loopback are on the same one. Containers on one host have
 * a loopback each, and are machines of their own here. 16 hex digits; where the kernel does not say which boot and which network it is,
 * the host's name stands for both.
 */
export function machineId(): string {
  return (knownMachine ??= createHash('sha256').update(describe()).digest('hex').slice(0, 16));
}

function describe(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8') + readlinkSync('/proc/self/ns/net');
  } catch {
    return hostname();
  }
}

const LINK_LOCAL = /^(fe[89ab]|169\.254\.)/i;

/** Addresses that lead here from other machines: without loopback, and without those that mean something on one link alone. */
export function hostsOfMachine(): string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  return addresses
    .filter(({ internal, address }) => !internal && !LINK_LOCAL.test(address))
    .map(({ address }) => address);
}
