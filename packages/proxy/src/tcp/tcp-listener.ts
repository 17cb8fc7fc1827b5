/**
 * One listener in one worker: accepts, counts, and keeps the connections that it accepted until they are over.
 *
 * A removed listener stops accepting at once; its connections finish until a deadline. The listening socket itself
 * belongs to the control process, so connections that wait in its queue are not lost with a worker.
 */
import type { ListenerSpec } from '@muster/membership';
import { Connection, type ConnectionHost, type Outcome } from './connection.ts';
import type { Acceptor, Leg, ListenOutcome, SocketHandle, Transport } from '../transport/leg.ts';
import type { ProxiedPool } from '../pool/proxied-pool.ts';
import { RefusalLog, type RefusalLine } from '../refusal-log.ts';
import { WheelTimer, type TimerOwner, type TimerWheel } from '../timer-wheel.ts';
import { emptyListenerStats, type CloseReason, type ListenerStats, type RefusalReason } from '../traffic-stats.ts';

/** The part of the worker that its listeners share. */
export interface ListenerEnvironment {
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  /** Null where the roster has no such pool. */
  readonly poolNamed: (id: string) => ProxiedPool | null;
  /** Whether the worker may take one more connection. */
  readonly hasRoom: () => boolean;
  /** The listener has stopped accepting and its last connection is over. */
  readonly onEmpty: (listener: TcpListener) => void;
  readonly onOpenCountChanged: (delta: 1 | -1) => void;
  readonly logRefusal: (line: RefusalLine) => void;
}

export class TcpListener implements ConnectionHost, TimerOwner {
  readonly id: string;
  readonly stats: ListenerStats = emptyListenerStats();
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  readonly #environment: ListenerEnvironment;
  readonly #connections = new Set<Connection>();
  readonly #refusalLog: RefusalLog;
  readonly #drainTimer = new WheelTimer(this);
  #spec: ListenerSpec;
  #acceptor: Acceptor | null = null;
  #isClosing = false;
  #closeReason: CloseReason = 'listener_removed';

  constructor(id: string, spec: ListenerSpec, environment: ListenerEnvironment) {
    this.id = id;
    this.#spec = spec;
    this.#environment = environment;
    this.transport = environment.transport;
    this.wheel = environment.wheel;
    this.#refusalLog = new RefusalLog(environment.wheel, environment.logRefusal);
  }

  async open(handle: SocketHandle): Promise<ListenOutcome> {
    const outcome = await this.transport.listen(handle, {
      onAccepted: (leg) => this.#accepted(leg),
      onAcceptFailed: () => void this.stats.acceptFailures++,
    });
    if (!outcome.ok) return outcome;
    this.#acceptor = outcome.acceptor;
    if (this.#isClosing) outcome.acceptor.close();
    return outcome;
  }

  /** For connections from now on; open ones keep the idle timeout they began with. */
  update(spec: ListenerSpec): void {
    this.#spec = spec;
  }

  get idleTimeoutMs(): number {
    return this.#spec.idleTimeoutMs;
  }

  get pool(): ProxiedPool | null {
    return this.#environment.poolNamed(this.#spec.pool);
  }

  /** Stops accepting; what is open after `drainTimeoutMs` is closed for `reason`. 0 closes all at once. */
  stop(drainTimeoutMs: number, reason: CloseReason): void {
    this.#closeReason = reason;
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#acceptor?.close();
      this.#refusalLog.close();
    }
    if (drainTimeoutMs === 0) this.onTimer();
    else this.wheel.set(this.#drainTimer, drainTimeoutMs);
    this.#tellIfEmpty();
  }

  onTimer(): void {
    for (const connection of this.#connections) connection.close(this.#closeReason);
  }

  ended(connection: Connection, outcome: Outcome): void {
    this.#connections.delete(connection);
    this.stats.open--;
    this.#environment.onOpenCountChanged(-1);
    if (outcome.kind === 'closed') this.stats.closed[outcome.reason]++;
    else this.#refused(outcome.reason);
    this.#tellIfEmpty();
  }

  #accepted(leg: Leg): void {
    this.stats.accepted++;
    if (!this.#environment.hasRoom()) {
      leg.close();
      this.#refused('connection_limit');
      return;
    }
    this.stats.open++;
    this.#environment.onOpenCountChanged(1);
    const connection = new Connection(this, leg);
    this.#connections.add(connection);
    connection.dialNext();
  }

  #refused(reason: RefusalReason): void {
    this.stats.refused[reason]++;
    if (!this.#isClosing) this.#refusalLog.refused({ listener: this.id, pool: this.#spec.pool, reason });
  }

  #tellIfEmpty(): void {
    if (!this.#isClosing || this.#connections.size > 0) return;
    this.wheel.clear(this.#drainTimer);
    this.#environment.onEmpty(this);
  }
}
