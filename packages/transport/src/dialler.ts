/**
 * The one way to a target, for the TCP relay, for HTTP and for probes: a literal address or a Unix path is asked for at the guard
 * and dialled; a host name is resolved first.
 *
 *     dial(address) ──► resolver, where it is a name ──► guard, for each address ──► transport
 *
 * A name's addresses are tried in order until one answers, all within the caller's one timeout.
 */
import type { Address } from '@muster/membership';
import { isIP } from 'node:net';
import type { Dial, DialOwner, Leg, Transport } from './leg.ts';
import type { NameResolver, NameWait, Resolution } from './name-resolver.ts';
import type { TargetGuard } from './target-guard.ts';

export interface DiallerParts {
  readonly transport: Transport;
  readonly resolver: NameResolver;
  readonly guard: TargetGuard;
}

type TcpAddress = Address & { kind: 'tcp' };

export class Dialler {
  readonly #parts: DiallerParts;

  constructor(parts: DiallerParts) {
    this.#parts = parts;
  }

  /** The outcome is told later, never within the call. */
  dial(address: Address, owner: DialOwner): Dial {
    if (address.kind === 'tcp' && isIP(address.host) === 0) return new NamedDial(this.#parts, address, owner);
    const refusal = this.#parts.guard.refusalOf(address);
    if (refusal !== null) return new RefusedDial(refusal.reason, owner);
    return this.#parts.transport.dial(address, owner);
  }
}

/** A dial that the guard did not let through. */
class RefusedDial implements Dial {
  #isClosed = false;

  constructor(reason: string, owner: DialOwner) {
    process.nextTick(() => {
      if (!this.#isClosed) owner.onConnectFailed('TARGET_REFUSED', reason);
    });
  }

  close(): void {
    this.#isClosed = true;
  }
}

class NamedDial implements Dial, DialOwner {
  readonly #parts: DiallerParts;
  readonly #port: number;
  readonly #owner: DialOwner;
  readonly #wait: NameWait | null;
  #hosts: readonly string[] = [];
  #nextIndex = 0;
  #dial: Dial | null = null;

  constructor(parts: DiallerParts, { host, port }: TcpAddress, owner: DialOwner) {
    this.#parts = parts;
    this.#port = port;
    this.#owner = owner;
    const known = parts.resolver.known(host);
    const isUsable = known?.ok === true;
    this.#wait = isUsable ? null : parts.resolver.wait(host, (resolution) => this.#start(resolution));
    if (isUsable) this.#start(known);
  }

  onConnected(leg: Leg): void {
    this.#owner.onConnected(leg);
  }

  /** Goes on with the next address; the last one's failure is the dial's. */
  onConnectFailed(code: string, detail?: string): void {
    const host = this.#hosts[this.#nextIndex++];
    if (host === undefined) return this.#owner.onConnectFailed(code, detail);
    const address: TcpAddress = { kind: 'tcp', host, port: this.#port };
    const refusal = this.#parts.guard.refusalOf(address);
    if (refusal === null) this.#dial = this.#parts.transport.dial(address, this);
    else this.#dial = new RefusedDial(refusal.reason, this);
  }

  close(): void {
    this.#wait?.close();
    this.#dial?.close();
  }

  #start(resolution: Resolution): void {
    if (resolution.ok) this.#hosts = resolution.addresses;
    this.onConnectFailed(resolution.ok ? 'ENOTFOUND' : resolution.code);
  }
}
