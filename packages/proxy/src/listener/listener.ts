/**
 * One listener in one worker: accepts, counts, and keeps the connections that it accepted until they are over. What is spoken
 * on them is its protocol's business.
 *
 * A removed listener stops accepting at once; its connections finish until a deadline. The listening socket itself
 * belongs to the control process, so connections that wait in its queue are not lost with a worker.
 */
import type { ListenerSpec } from '@muster/membership';
import { Arrival } from './arrival.ts';
import { RefusalLog, type RefusalLine } from './refusal-log.ts';
import { WheelTimer, type TimerOwner, type TimerWheel } from '../timers/timer-wheel.ts';
import { emptyListenerStats, type CloseReason, type ListenerStats, type ConnectionRefusal } from './listener-stats.ts';
import type { Acceptor, Leg, ListenOutcome, SocketHandle, Transport } from '@muster/transport';

/** An accepted connection. It tells its listener once when it is over. */
export interface OpenConnection {
  /** Called once, after the listener has counted it. */
  start(): void;
  /** Takes nothing new, and ends when what is under way is done. */
  finish(): void;
  /** Ends at once. May be repeated. */
  close(reason: CloseReason): void;
}

export type Outcome =
  | { readonly kind: 'refused'; readonly reason: ConnectionRefusal }
  | { readonly kind: 'closed'; readonly reason: CloseReason };

/** What is spoken on a listener. */
export interface Protocol {
  readonly name: ListenerSpec['protocol'];
  /** For connections and requests from now on. */
  update(spec: ListenerSpec): void;
  open(arrival: Arrival, listener: Listener): OpenConnection;
}

/** The part of the worker that its listeners share. */
export interface ListenerEnvironment {
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  /** Whether the worker may take one more connection. */
  readonly hasRoom: () => boolean;
  /** Whether a socket that was closed can be had again: then a full worker accepts nothing, and the kernel keeps who comes. */
  readonly canPause: boolean;
  /** The listener has stopped accepting and its last connection is over. */
  readonly onEmpty: (listener: Listener) => void;
  readonly onOpenCountChanged: (delta: 1 | -1) => void;
  readonly logRefusal: (line: RefusalLine) => void;
}

export class Listener implements TimerOwner {
  readonly id: string;
  readonly stats: ListenerStats = emptyListenerStats();
  readonly #environment: ListenerEnvironment;
  #protocol: Protocol;
  readonly #connections = new Set<OpenConnection>();
  readonly #refusalLog: RefusalLog;
  readonly #acceptFailureLog: RefusalLog;
  readonly #drainTimer = new WheelTimer(this);
  /** Null before `open`, and while the worker is full. */
  #acceptor: Acceptor | null = null;
  #isPaused = false;
  #isClosing = false;
  #closeReason: CloseReason = 'listener_removed';

  constructor(id: string, protocol: Protocol, environment: ListenerEnvironment) {
    this.id = id;
    this.#protocol = protocol;
    this.#environment = environment;
    this.#refusalLog = new RefusalLog(environment.wheel, environment.logRefusal);
    this.#acceptFailureLog = new RefusalLog(environment.wheel, environment.logRefusal);
  }

  async open(handle: SocketHandle): Promise<ListenOutcome> {
    const outcome = await this.#environment.transport.listen(handle, {
      onAccepted: (leg) => this.#accepted(leg),
      onAcceptFailed: () => this.#acceptFailed(),
    });
    if (!outcome.ok) return outcome;
    if (this.#isClosing) {
      outcome.acceptor.close();
      return outcome;
    }
    this.#acceptor = outcome.acceptor;
    this.#isPaused = false;
    if (this.#environment.canPause && !this.#environment.hasRoom()) this.pause();
    return outcome;
  }

  /** Accepts nothing until it is opened again: this process closes its hold on the socket, and the kernel queues who connects. */
  pause(): void {
    if (this.#acceptor === null || this.#isClosing) return;
    this.#isPaused = true;
    this.#acceptor.close();
    this.#acceptor = null;
  }

  get isPaused(): boolean {
    return this.#isPaused && !this.#isClosing;
  }

  update(spec: ListenerSpec): void {
    this.#protocol.update(spec);
  }

  /** Another protocol for connections from now on; open ones go on with theirs. */
  speak(protocol: Protocol): void {
    this.#protocol = protocol;
  }

  get protocolName(): ListenerSpec['protocol'] {
    return this.#protocol.name;
  }

  /** No further connections are accepted: what is open should come to its end. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /**
   * Stops accepting; one that is removed takes what waits in the kernel's queue first. What is open after `drainTimeoutMs` is closed
   * for `reason`; 0 closes all at once. `onAcceptorClosed` is called when this process holds the socket no longer.
   */
  stop(drainTimeoutMs: number, reason: CloseReason, onAcceptorClosed: () => void = () => undefined): void {
    this.#closeReason = reason;
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#closeAcceptor(drainTimeoutMs === 0 || reason === 'shutdown', onAcceptorClosed);
      this.#refusalLog.close();
      this.#acceptFailureLog.close();
      for (const connection of this.#connections) connection.finish();
    }
    if (drainTimeoutMs === 0) {
      this.#acceptor?.close();
      this.onTimer();
    } else this.#environment.wheel.set(this.#drainTimer, drainTimeoutMs);
    this.#tellIfEmpty();
  }

  onTimer(): void {
    for (const connection of this.#connections) connection.close(this.#closeReason);
  }

  #closeAcceptor(isAtOnce: boolean, onClosed: () => void): void {
    if (this.#acceptor === null) return onClosed();
    this.#acceptor.finish(() => {
      this.#acceptor = null;
      onClosed();
      this.#tellIfEmpty();
    });
    if (isAtOnce) this.#acceptor?.close();
  }

  /** `pool` is the one that a refused connection was meant for; null where it is not known. */
  ended(connection: OpenConnection, outcome: Outcome, pool: string | null): void {
    this.#connections.delete(connection);
    this.stats.open--;
    this.#environment.onOpenCountChanged(-1);
    if (outcome.kind === 'closed') this.stats.closed[outcome.reason]++;
    else this.#refused(outcome.reason, pool);
    this.#tellIfEmpty();
  }

  #accepted(leg: Leg): void {
    this.stats.accepted++;
    if (!this.#environment.hasRoom()) {
      leg.close();
      this.#refused('connection_limit', null);
      return;
    }
    this.stats.open++;
    this.#environment.onOpenCountChanged(1);
    this.#arrived(new Arrival(leg));
  }

  /** Nothing has to happen before the protocol: whatever will, comes between `#accepted` and here. */
  #arrived(arrival: Arrival): void {
    const connection = this.#protocol.open(arrival, this);
    this.#connections.add(connection);
    connection.start();
  }

  /** It has a line of its own, so that refusals of another kind do not silence it. */
  #acceptFailed(): void {
    this.stats.acceptFailures++;
    if (!this.#isClosing) this.#acceptFailureLog.refused({ listener: this.id, pool: null, reason: 'accept_failed' });
  }

  #refused(reason: ConnectionRefusal, pool: string | null): void {
    this.stats.refused[reason]++;
    if (!this.#isClosing) this.#refusalLog.refused({ listener: this.id, pool, reason });
  }

  #tellIfEmpty(): void {
    if (!this.#isClosing || this.#acceptor !== null || this.#connections.size > 0) return;
    this.#environment.wheel.clear(this.#drainTimer);
    this.#environment.onEmpty(this);
  }
}
