/**
 * The one way to a target, for the TCP relay, for HTTP and for probes.
 *
 *     dial(address) ─┬─ literal address, Unix path ──────────────────────► guard ──► transport
 *                    └─ host name ──► resolver ─┬─ one, known ───────────► guard ──► transport
 *                                               └─ several, or none yet: their turns ──► guard ──► transport
 *
 * The guard is asked with literal addresses alone, just before each is dialled. How a name's addresses take turns is in
 * `named-dial.ts`; where there is but one, there is nothing to take turns with, and the dial is as a literal address's.
 */
import type { Address } from '@muster/membership';
import { isIP } from 'node:net';
import { SYSTEM_CLOCK, type DialClock } from './dial-clock.ts';
import type { Dial, DialOwner, Transport } from './leg.ts';
import { NamedDial } from './named-dial.ts';
import type { NameResolver } from './names/name-resolver.ts';
import { rawTransport } from './raw-transport.ts';
import { ReachedAddresses } from './reached-addresses.ts';
import { socketTransport } from './socket-transport.ts';
import type { TargetGuard } from './target-guard.ts';

export interface DiallerOptions {
  readonly transport: Transport;
  readonly resolver: NameResolver;
  readonly guard: Pick<TargetGuard, 'refusalOf'>;
  /** For head starts. */
  readonly clock: DialClock;
}

export class Dialler {
  readonly resolver: NameResolver;
  readonly clock: DialClock;
  /** Which address of a name answered last, where the first one did not. */
  readonly reached: ReachedAddresses;
  readonly #transport: Transport;
  readonly #guard: DiallerOptions['guard'];

  constructor({ transport, resolver, guard, clock }: DiallerOptions) {
    this.#transport = transport;
    this.#guard = guard;
    this.resolver = resolver;
    this.clock = clock;
    this.reached = new ReachedAddresses(clock);
  }

  /** The outcome is told later, never within the call. */
  dial(address: Address, owner: DialOwner): Dial {
    if (address.kind === 'unix' || isIP(address.host) !== 0) return this.dialLiteral(address, owner);
    const known = this.resolver.known(address.host);
    const addresses = known?.ok === true ? known.addresses : null;
    if (addresses?.length !== 1) return new NamedDial(this, { target: address, addresses, owner });
    return this.dialLiteral({ kind: 'tcp', host: addresses[0]!, port: address.port }, owner);
  }

  /** As `dial`, for an address that needs no look-up. */
  dialLiteral(address: Address, owner: DialOwner): Dial {
    const refusal = this.#guard.refusalOf(address);
    return refusal === null ? this.#transport.dial(address, owner) : new RefusedDial(refusal.reason, owner);
  }
}

/** A way out with this host's own means: its event loop's handles, its timers. */
export function systemDialler({ resolver, guard }: Pick<DiallerOptions, 'resolver' | 'guard'>): Dialler {
  return new Dialler({ transport: rawTransport ?? socketTransport, resolver, guard, clock: SYSTEM_CLOCK });
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
