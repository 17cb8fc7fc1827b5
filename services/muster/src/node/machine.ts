/**
 * Which machine this is, as far as addresses go: two nodes with the same loopback are on the same one. Containers on one host have
 * a loopback each, and are machines of their own here.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';

let known: string | null = null;

/** 16 hex digits. Where the kernel does not say which boot and which network it is, the host's name stands for both. */
export function machineId(): string {
  return (known ??= createHash('sha256').update(describe()).digest('hex').slice(0, 16));
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
