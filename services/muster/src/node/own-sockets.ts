/**
 * What this node has bound or connected to itself, so that nobody can make it a backend: kept here as it changes, and told to the
 * guards of all its processes before a socket is handed to anyone.
 */
import { isIP } from 'node:net';
import type { OpenSocket } from '@muster/actors';
import { parseBind } from '@muster/membership';
import type { OwnAddress } from '@muster/transport';
import type { NodeConfig } from '../config/node-config.ts';

export class OwnSockets {
  readonly #tell: (addresses: readonly OwnAddress[]) => void;
  readonly #held = new Set<OwnAddress>();

  /** `tell` gets all of them at each change. */
  constructor(tell: (addresses: readonly OwnAddress[]) => void) {
    this.#tell = tell;
  }

  /** `bind` as in a config or as bound. Returns what forgets it; an address with port 0 is none yet. */
  hold(bind: string, name: string): () => void {
    const address = parseBind(bind);
    if (address === null || (address.kind === 'tcp' && address.port === 0)) return () => undefined;
    const own: OwnAddress = { address, name };
    this.#held.add(own);
    this.#tell([...this.#held]);
    return () => {
      if (this.#held.delete(own)) this.#tell([...this.#held]);
    };
  }

  /** The admin API as it is configured, before it is bound, and the servers of the journal that are given as addresses. */
  holdConfigured({ admin, journal }: Pick<NodeConfig, 'admin' | 'journal'>): void {
    if (admin !== null) this.hold(admin, "this node's own admin API");
    if (journal.kind !== 'jetstream') return;
    for (const server of journal.access.servers) {
      const { hostname = '', port = '' } = URL.parse(server) ?? {};
      // Of other names nobody knows here where they lead.
      if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || hostname === 'localhost')
        this.hold(`${hostname}:${port === '' ? '4222' : port}`, "a server of this node's journal");
    }
  }

  /** Listening sockets that are held from their binding to their end. */
  readonly held =
    (open: OpenSocket): OpenSocket =>
    async (...args) => {
      const outcome = await open(...args);
      if (outcome.outcome !== 'open') return outcome;
      const { socket } = outcome;
      const forget = this.hold(socket.boundAddress, "one of this node's own listeners");
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
}
