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
  readonly connections = new Set<PooledConnection>();
  readonly idle: IdleConnection[] = [];
  /** Connections relayed, or requests under way. */
  inFlight = 0;
  readonly #load: Load;
  readonly timer = new WheelTimer(this);
  readonly #onDeadline: (connections: TargetConnections) => void;
  state: 'member' | 'leaving' | 'gone' = 'member';

  /** Throws a TypeError for a target that is no address; the fold lets none through. */
  constructor(target: string, load: Load, onDeadline: (connections: TargetConnections) => void) {
    this.#load = load;
    this.#onDeadline = onDeadline;
    const address = parseTarget(target);
    if (address === null) throw new TypeError(`The roster holds a target that is no address: ${target}`);
    this.address = address;
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
