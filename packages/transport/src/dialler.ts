/**
 * The one way to a target, for the TCP relay, for HTTP and for probes.
 *
 *     dial(address) ─┬─ literal address, Unix path ──────────────────────► guard ──► transport
 *                    └─ host name ──► resolver ─┬─ one, known ───────────► guard ──► transport
 *                                               └─ several, or none yet: their turns ──► guard ──► transport
 *
 * The guard is asked with literal addresses alone, just before each is dialled. Where a name has but one address, there is nothing to
 * take turns with, and the dial is as a literal address's.
 */
import type { Address } from '@muster/membership';
import { isIP } from 'node:net';
import { SYSTEM_CLOCK, type DialClock } from './names/resolver-settings.ts';
import { gravity } from './connect-failure.ts';
import type { Dial, DialOwner, Leg, Transport } from './leg.ts';
import type { NameResolver, NameWait, Resolution } from './names/name-resolver.ts';
import { rawTransport } from './raw-transport.ts';
import { ReachedAddresses } from './reached-addresses.ts';
import { socketTransport } from './socket-transport.ts';
import type { TargetGuard } from './target-guard.ts';

/** RFC 8305, 5: Connection Attempt Delay. */
export const HEAD_START_MS = 250;

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

type TcpAddress = Address & { kind: 'tcp' };

interface NamedDialParts {
  readonly target: TcpAddress;
  /** The addresses that are known, at least one; null while they are waited for. */
  readonly addresses: readonly string[] | null;
  readonly owner: DialOwner;
}

/**
 * A dial to a host name: its addresses by turns until one answers (RFC 8305, "Happy Eyeballs"), all within the caller's one timeout.
 *
 *     address 1 ──────────────────────────── silent ────────► closed, when another has answered
 *     address 2        250 ms ──► refused
 *     address 3                   at once ──► connected: the dial's outcome
 *
 * The next address is dialled 250 ms after the last one, or at once when that fails. The first to connect wins, and the others are
 * closed. Where all fail, the failure that says most about the target is the dial's.
 */
class NamedDial implements Dial {
  readonly #dialler: Dialler;
  readonly #target: TcpAddress;
  readonly #owner: DialOwner;
  readonly #wait: NameWait | null;
  /** The addresses that were not dialled yet, the next one first. */
  #hosts: string[] = [];
  /** The one that the next connection begins with anyway. */
  #firstHost = '';
  readonly #attempts = new Set<AddressAttempt>();
  #stopHeadStart: (() => void) | null = null;
  #failure: { readonly code: string; readonly detail: string | undefined } | null = null;
  isLookingUp = true;

  constructor(dialler: Dialler, { target, addresses, owner }: NamedDialParts) {
    this.#dialler = dialler;
    this.#target = target;
    this.#owner = owner;
    const onResolved = (resolution: Resolution) => this.#resolved(resolution);
    this.#wait = addresses === null ? dialler.resolver.wait(target.host, onResolved) : null;
    if (addresses !== null) this.#start(addresses);
  }

  close(): void {
    this.#wait?.close();
    this.#stop();
  }

  connected(attempt: AddressAttempt, leg: Leg): void {
    this.#attempts.delete(attempt);
    this.#stop();
    if (attempt.host !== this.#firstHost) this.#dialler.reached.answered(this.#key, attempt.host);
    this.#owner.onConnected(leg);
  }

  failed(attempt: AddressAttempt, code: string, detail: string | undefined): void {
    this.#attempts.delete(attempt);
    if (this.#failure === null || gravity(code) >= gravity(this.#failure.code)) this.#failure = { code, detail };
    if (this.#hosts.length > 0) this.#dialNext();
    else if (this.#attempts.size === 0) this.#owner.onConnectFailed(this.#failure.code, this.#failure.detail);
  }

  get #key(): string {
    return `${this.#target.host}:${this.#target.port}`;
  }

  #resolved(resolution: Resolution): void {
    if (resolution.ok) this.#start(resolution.addresses);
    else this.#owner.onConnectFailed(resolution.code);
  }

  #start(addresses: readonly string[]): void {
    this.isLookingUp = false;
    this.#hosts = [...this.#dialler.reached.inOrder(this.#key, addresses)];
    this.#firstHost = this.#hosts[0]!;
    this.#dialNext();
  }

  #dialNext(): void {
    const host = this.#hosts.shift();
    if (host === undefined) return;
    this.#stopHeadStart?.();
    const attempt = new AddressAttempt(this, host);
    this.#attempts.add(attempt);
    attempt.dial = this.#dialler.dialLiteral({ kind: 'tcp', host, port: this.#target.port }, attempt);
    if (this.#hosts.length === 0) return;
    this.#stopHeadStart = this.#dialler.clock.after(HEAD_START_MS, () => this.#dialNext());
  }

  #stop(): void {
    this.#stopHeadStart?.();
    for (const attempt of this.#attempts) attempt.dial?.close();
    this.#attempts.clear();
    this.#hosts = [];
  }
}

/** One address of them, under way. */
class AddressAttempt implements DialOwner {
  readonly host: string;
  readonly #whole: NamedDial;
  dial: Dial | null = null;

  constructor(whole: NamedDial, host: string) {
    this.#whole = whole;
    this.host = host;
  }

  onConnected(leg: Leg): void {
    this.#whole.connected(this, leg);
  }

  onConnectFailed(code: string, detail?: string): void {
    this.#whole.failed(this, code, detail);
  }
}
