/**
 * The connections to one target of one pool, dials included: the connection table's row, and the home of invariant I4.
 *
 * The pool tells it what the roster says of the target (`state`); what that means for a connection is the connection's
 * business. Kept-alive HTTP connections that wait for a request are on `idle` as well, the one that was used last at the end.
 */
import { parseTarget, type Address } from '@muster/membership';
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
  /** It waits for nothing any more. */
  closeIdle(): void;
}

/** What the targets of one pool have under way together. */
export interface Load {
  inFlight: number;
}

export class TargetConnections implements TimerOwner {
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
