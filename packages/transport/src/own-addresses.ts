/**
 * Addresses that are this node's own: its admin API, its listeners, the servers of its journal; and those of the other nodes. Traffic that is sent to one of them
 * comes back with the node's own address as its sender, and gets what only those on this machine should get, or goes round for ever.
 *
 * An address has many spellings, and a name any of them: so literal addresses are compared as numbers (`::ffff:127.0.0.1` is
 * `127.0.0.1`), zones do not count, an address that is bound everywhere is reached by each address of the machine, and Unix sockets are
 * compared as files, whatever links and dots lead there. What rewrites addresses outside of this machine (NAT, a published port of
 * a container) cannot be seen from here.
 */
import { isInAny, parseCidr, type Address } from '@muster/membership';
import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';

export interface OwnAddress {
  /** The address as it is bound. A host that is no literal address counts as bound on every address of the machine. */
  readonly address: Address;
  /** For people, behind "it is": `this node's own admin API`. */
  readonly name: string;
  /** True for an address of another machine, which leads there as it is written and in no other way. Default false. */
  readonly isElsewhere?: boolean;
}

/** How long the machine's addresses are taken to be the same. */
const INTERFACES_KEPT_MS = 1_000;
/** What the kernel takes for this machine itself: 0.0.0.0 and :: connect to loopback. */
const THIS_MACHINE = ['127.0.0.0/8', '::1', '0.0.0.0/8', '::'].map((text) => parseCidr(text)!);
const UNSPECIFIED = ['0.0.0.0/8', '::'].map((text) => parseCidr(text)!);

export class OwnAddresses {
  readonly #interfaces: () => readonly string[];
  #byPort = new Map<number, OwnAddress[]>();
  #sockets: OwnAddress[] = [];
  #local: readonly string[] = [];
  #localReadMs = -Infinity;

  /** `interfaces`: the machine's addresses; by default those of its network interfaces. */
  constructor(interfaces: () => readonly string[] = interfaceAddresses) {
    this.#interfaces = interfaces;
  }

  /** Takes the place of all that were told before. */
  replace(addresses: readonly OwnAddress[]): void {
    this.#byPort = new Map();
    this.#sockets = [];
    for (const own of addresses) {
      if (own.address.kind === 'unix') this.#sockets.push(own);
      else this.#byPort.set(own.address.port, [...(this.#byPort.get(own.address.port) ?? []), own]);
    }
  }

  /** Whose address it is, for people; null: it is none of them. `host` is a literal address. */
  nameOf(address: Address): string | null {
    if (address.kind === 'unix') return this.#nameOfSocket(address.path);
    const candidates = this.#byPort.get(address.port);
    if (candidates === undefined) return null;
    return (
      candidates.find(({ address: own, isElsewhere = false }) => {
        if (own.kind !== 'tcp') return false;
        return isElsewhere ? isSameHost(address.host, own.host) : this.#reaches(address.host, own.host);
      })?.name ?? null
    );
  }

  #reaches(host: string, ownHost: string): boolean {
    if (isInAny(UNSPECIFIED, host)) return true;
    const isEverywhere = isIP(ownHost) === 0 || isInAny(UNSPECIFIED, ownHost);
    return isEverywhere ? this.#isLocal(host) : isSameHost(host, ownHost);
  }

  #isLocal(host: string): boolean {
    if (isInAny(THIS_MACHINE, host)) return true;
    const nowMs = performance.now();
    if (nowMs - this.#localReadMs > INTERFACES_KEPT_MS) {
      this.#local = this.#interfaces();
      this.#localReadMs = nowMs;
    }
    return this.#local.some((local) => isSameHost(host, local));
  }

  #nameOfSocket(path: string): string | null {
    if (this.#sockets.length === 0) return null;
    const file = fileOf(path);
    for (const { address, name } of this.#sockets) {
      const ownPath = (address as Address & { kind: 'unix' }).path;
      if (path === ownPath || (file !== null && file === fileOf(ownPath))) return name;
    }
    return null;
  }
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}

function isSameHost(left: string, right: string): boolean {
  const range = parseCidr(right.replace(/%.*$/, ''));
  return range !== null && isInAny([range], left);
}

/** The file that a path leads to, whatever links are on the way; null where there is none. */
function fileOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}
