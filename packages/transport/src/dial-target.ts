/**
 * Dials a target: a literal address or a Unix path directly, a host name through the resolver at each dial.
 *
 * A name's addresses are tried in the resolver's order until one answers, all within the caller's one timeout. Answers
 * are not cached here: that is the resolver's business, and a stale one would outlive the change that made it stale.
 */
import type { Address } from '@muster/membership';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import type { Dial, DialOwner, Leg, Transport } from './leg.ts';

export function dialTarget(transport: Transport, address: Address, owner: DialOwner): Dial {
  if (address.kind === 'unix' || isIP(address.host) !== 0) return transport.dial(address, owner);
  return new NamedDial(transport, address, owner);
}

class NamedDial implements Dial, DialOwner {
  readonly #transport: Transport;
  readonly #port: number;
  readonly #owner: DialOwner;
  #hosts: string[] = [];
  #dial: Dial | null = null;
  #isClosed = false;

  constructor(transport: Transport, { host, port }: Address & { kind: 'tcp' }, owner: DialOwner) {
    this.#transport = transport;
    this.#port = port;
    this.#owner = owner;
    lookup(host, { all: true }, (error, addresses) => {
      if (this.#isClosed) return;
      this.#hosts = addresses?.map(({ address }) => address) ?? [];
      this.onConnectFailed(error?.code ?? 'ENOTFOUND');
    });
  }

  onConnected(leg: Leg): void {
    this.#owner.onConnected(leg);
  }

  /** Goes on with the next address; the last one's failure is the dial's. */
  onConnectFailed(code: string): void {
    const host = this.#hosts.shift();
    if (host === undefined) this.#owner.onConnectFailed(code);
    else this.#dial = this.#transport.dial({ kind: 'tcp', host, port: this.#port }, this);
  }

  close(): void {
    this.#isClosed = true;
    this.#dial?.close();
  }
}
