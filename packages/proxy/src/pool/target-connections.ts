/**
 * The connections to one target of one pool, dials included: the connection table's row, and the home of invariant I4.
 *
 * The pool tells it what the roster says of the target (`state`); what that means for a connection is the connection's
 * business. Kept-alive HTTP connections that wait for a request are on `idle` as well, the one that was used last at the end.
 */
import { parseTarget, type Address } from '@muster/membership';
import type { NameResolver, NameWait, NameWatcher } from '@muster/transport';
import { isIP } from 'node:net';
import { WheelTimer, type TimerOwner } from '../timers/timer-wheel.ts';

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
  readonly #connections = new Set<PooledConnection>();
  readonly #idle: IdleConnection[] = [];
  /** Connections relayed, or requests under way; 0 once they are counted with an heir. */
  inFlight = 0;
  /** The row of another pool that has the target now, and everything that was here. */
  #heir: TargetConnections | null = null;
  readonly #load: Load;
  readonly timer = new WheelTimer(this);
  readonly #onDeadline: (connections: TargetConnections) => void;
  #state: 'member' | 'leaving' | 'gone' = 'member';
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

  get connections(): Set<PooledConnection> {
    return this.#heir === null ? this.#connections : this.#heir.connections;
  }

  get idle(): IdleConnection[] {
    return this.#heir === null ? this.#idle : this.#heir.idle;
  }

  get state(): 'member' | 'leaving' | 'gone' {
    return this.#heir === null ? this.#state : this.#heir.state;
  }

  set state(state: 'member' | 'leaving' | 'gone') {
    this.#state = state;
  }

  /** Everything here is the heir's from now on, what is under way included; who refers to this row is led there. */
  passTo(heir: TargetConnections): void {
    for (const connection of this.#connections) heir.connections.add(connection);
    // What waits here was used longer ago than what waits there, or as long: it is taken last.
    heir.idle.unshift(...this.#idle.splice(0));
    this.#connections.clear();
    for (; this.inFlight > 0; this.leave()) heir.enter();
    this.#heir = heir;
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
    if (this.#heir !== null) return this.#heir.hasMoved(connection);
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
    if (this.#heir !== null) return this.#heir.enter();
    this.inFlight++;
    this.#load.inFlight++;
  }

  leave(): void {
    if (this.#heir !== null) return this.#heir.leave();
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
