/**
 * The connections to one target of one pool, dials included: the connection table's row, and the home of invariant I4.
 *
 * The pool tells it what the roster says of the target (`state`); what that means for a connection is the connection's
 * business. Kept-alive HTTP connections that wait for a request are on `idle` as well, the one that was used last at the end.
 */
import { parseTarget, type Address } from '@muster/membership';
import type { NameResolver, NameWait, NameWatcher } from '@muster/transport';
import { isIP } from 'node:net';
import { WheelTimer, type TimerOwner } from '../timer-wheel.ts';

/** A connection, as the table knows it. */
export interface PooledConnection {
  /** Its target is gone or its time is over: close, or dial another backend if it has not connected yet. */
  leaveTarget(reason: 'target_removed' | 'drain_timeout'): void;
}

/** A kept-alive connection. */
export interface IdleConnection extends PooledConnection {
  /** It can be taken: what came on it before has been read. */
  readonly isSettled: boolean;
  /** The literal address that it leads to; null for a Unix socket. */
  readonly peerAddress: string | null;
  /** It waits for nothing any more. */
  closeIdle(): void;
}

/** What the targets of one pool have under way together. */
export interface Load {
  inFlight: number;
}

export class TargetConnections implements TimerOwner, NameWatcher {
  readonly address: Address;
  readonly connections = new Set<PooledConnection>();
  readonly idle: IdleConnection[] = [];
  /** Connections relayed, or requests under way. */
  inFlight = 0;
  readonly #load: Load;
  readonly timer = new WheelTimer(this);
  readonly #onDeadline: (connections: TargetConnections) => void;
  state: 'member' | 'leaving' | 'gone' = 'member';
  /** Where the target's host name leads now; null where it is none, or has not changed since it was first picked. */
  #currentAddresses: readonly string[] | null = null;
  #nameWatch: NameWait | null = null;

  /** Throws a TypeError for a target that is no address; the fold lets none through. */
  constructor(target: string, load: Load, onDeadline: (connections: TargetConnections) => void) {
    this.#load = load;
    this.#onDeadline = onDeadline;
    const address = parseTarget(target);
    if (address === null) throw new TypeError(`The roster holds a target that is no address: ${target}`);
    this.address = address;
  }

  /** Learns when the target's host name leads elsewhere, until the target is gone. */
  watchName(resolver: NameResolver): void {
    const { address } = this;
    if (address.kind === 'tcp' && isIP(address.host) === 0) this.#nameWatch = resolver.watch(address.host, this);
  }

  isNeeded(): boolean {
    return this.connections.size > 0;
  }

  /** New connections go to the new addresses by themselves. Those in use are finished, and then closed by `hasMoved`. */
  onChanged(addresses: readonly string[]): void {
    this.#currentAddresses = addresses;
    for (const connection of this.idle.filter((one) => this.hasMoved(one))) connection.closeIdle();
  }

  /** Whether the connection leads to an address that the target's name no longer has. */
  hasMoved(connection: IdleConnection): boolean {
    if (this.#currentAddresses === null) return false;
    const { peerAddress } = connection;
    return peerAddress !== null && !this.#currentAddresses.includes(peerAddress);
  }

  /** No backend has this target any more. */
  leaveTable(): void {
    this.state = 'gone';
    this.#nameWatch?.close();
  }

  onTimer(): void {
    this.#onDeadline(this);
  }

  /** A kept-alive connection can be taken. */
  get hasIdle(): boolean {
    return this.idle.some(({ isSettled }) => isSettled);
  }

  /** A connection or request begins; `leave` is its end. */
  enter(): void {
    this.inFlight++;
    this.#load.inFlight++;
  }

  leave(): void {
    this.inFlight--;
    this.#load.inFlight--;
  }

  closeAll(reason: 'target_removed' | 'drain_timeout'): void {
    for (const connection of this.connections) connection.leaveTarget(reason);
  }

  closeIdle(): void {
    for (const connection of this.idle.splice(0)) connection.closeIdle();
  }
}
