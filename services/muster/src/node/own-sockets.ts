/**
 * What this node has bound or connected to itself, and what the other nodes have, so that nobody can make it a backend: kept here as
 * it changes, and told to the guards of all this node's processes before a socket is handed to anyone.
 */
import { isIP } from 'node:net';
import type { Neighbour, OpenSocket } from '@muster/actors';
import type { NodeConfig } from '@muster/config';
import { type Address, type BoundAddresses, formatAddress, parseBind } from '@muster/membership';
import { bindSharedSocket, type OwnAddress } from '@muster/transport';
import { hostsOfMachine, machineId } from './neighbour-addresses.ts';
import { neighbourAddresses } from './neighbour-addresses.ts';

type Held = 'admin' | 'listener' | 'journal';

const NAMES: Readonly<Record<Held, string>> = {
  admin: "this node's own admin API",
  listener: "one of this node's own listeners",
  journal: "a server of this node's journal",
};

interface HeldAddress extends OwnAddress {
  readonly kind: Held;
  /** As a config has it. */
  readonly bind: string;
}

export class OwnSockets {
  readonly #tell: (addresses: readonly OwnAddress[]) => void;
  readonly #held = new Set<HeldAddress>();
  #neighbours: readonly OwnAddress[] = [];

  /** `tell` gets all of them at each change. */
  constructor(tell: (addresses: readonly OwnAddress[]) => void) {
    this.#tell = tell;
  }

  /** `bind` as in a config or as bound. Returns what forgets it; an address with port 0 is none yet. */
  hold(bind: string, kind: Held): () => void {
    const address = parseBind(bind);
    if (address === null || (address.kind === 'tcp' && address.port === 0)) return () => undefined;
    const held: HeldAddress = { address, name: NAMES[kind], kind, bind };
    this.#held.add(held);
    this.#changed();
    return () => {
      if (this.#held.delete(held)) this.#changed();
    };
  }

  /** The admin API as it is configured, before it is bound, and the servers of the journal that are given as addresses. */
  holdConfigured({ admin, journal }: Pick<NodeConfig, 'admin' | 'journal'>): void {
    if (admin !== null) this.hold(admin, 'admin');
    if (journal.kind !== 'jetstream') return;
    for (const server of journal.access.servers) {
      const { hostname = '', port = '' } = URL.parse(server) ?? {};
      // Of other names nobody knows here where they lead.
      if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || hostname === 'localhost')
        this.hold(`${hostname}:${port === '' ? '4222' : port}`, 'journal');
    }
  }

  /** For the other nodes of the cluster. */
  readonly bound = (): BoundAddresses => {
    const bindsOf = (kind: Held): string[] =>
      [...this.#held].filter((held) => held.kind === kind).map(({ bind }) => bind);
    return {
      machine: machineId(),
      hosts: hostsOfMachine(),
      admin: bindsOf('admin').at(-1) ?? null,
      listeners: bindsOf('listener'),
    };
  };

  /** Takes the place of all that was told of other nodes before. */
  readonly setNeighbours = (neighbours: readonly Neighbour[]): void => {
    this.#neighbours = neighbours.flatMap((neighbour) => neighbourAddresses(neighbour, machineId()));
    this.#changed();
  };

  /** Listening sockets that are held from their binding to their end. */
  readonly held =
    (open: OpenSocket): OpenSocket =>
    async (...args) => {
      const outcome = await open(...args);
      if (outcome.outcome !== 'open') return outcome;
      const { socket } = outcome;
      const forget = this.hold(socket.boundAddress, 'listener');
      // The handle goes along: what is handed to workers is this very object.
      const close = socket.close.bind(socket);
      return {
        outcome: 'open',
        socket: Object.assign(socket, {
          close: () => {
            forget();
            close();
          },
        }),
      };
    };

  #changed(): void {
    const own = [...this.#held].map(({ address, name }) => ({ address, name }));
    this.#tell([...own, ...this.#neighbours]);
  }
}

/** Opens a listener's socket in the control process, and says for people why one could not be opened. */
export const openListeningSocket: OpenSocket = async (bind) => {
  const wanted = parseBind(bind);
  if (wanted === null) return { outcome: 'failed', reason: `"${bind}" is not an address`, taken: null };
  const bound = await bindSharedSocket(wanted);
  if (!bound.ok) {
    const taken = bound.code === 'EADDRINUSE' ? bound.address : null;
    return { outcome: 'failed', reason: explainBindFailure(bind, bound.code), taken };
  }
  const { handle, address } = bound.socket;
  const boundAddress = formatAddress(asWritten(wanted, address));
  return { outcome: 'open', socket: { boundAddress, address, handle, close: () => bound.socket.close() } };
};

/** With the name that was asked for, and the port that was given. */
function asWritten(wanted: Address, bound: Address): Address {
  return wanted.kind === 'tcp' && bound.kind === 'tcp' ? { ...wanted, port: bound.port } : wanted;
}

/** For example: `127.0.0.1:8080 is taken by another program; stop that one, or choose another address`. */
function explainBindFailure(bind: string, code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return `${bind} is taken by another program; stop that one, or choose another address`;
    case 'EACCES':
      return bind.startsWith('unix:')
        ? `${bind} may not be bound by this user; choose a folder that it may write to, or grant the right`
        : `${bind} may not be bound by this user; choose a port above 1023, or grant the right`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${bind} is not an address of this machine; choose one that is`;
    case 'ENOENT':
    case 'ENOTDIR':
      return `${bind} is in a folder that does not exist; make it, or choose another path`;
    case 'ENOTSOCK':
      return `${bind} is a file that is no socket; remove it, or choose another path`;
    default:
      return `${bind} cannot be bound: ${code}`;
  }
}
