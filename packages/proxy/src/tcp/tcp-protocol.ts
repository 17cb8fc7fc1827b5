/** A `tcp` listener's protocol: each connection is relayed to one backend of one pool. */
import type { ListenerSpec } from '@muster/membership';
import type { Listener, OpenConnection, Outcome, Protocol } from '../listener/listener.ts';
import type { ProxiedPool } from '../pool/proxied-pool.ts';
import type { TimerWheel } from '../timers/timer-wheel.ts';
import type { Dialler, Leg } from '@muster/transport';
import { Connection } from './connection.ts';

/** Nothing is known of what is relayed, so a silent answer is given longer than a request's. */
const HALF_CLOSE_TIMEOUT_MS = 300_000;

export interface TcpEnvironment {
  readonly dialler: Dialler;
  readonly wheel: TimerWheel;
  /** Null where the roster has no such pool. */
  readonly poolNamed: (id: string) => ProxiedPool | null;
}

export class TcpProtocol implements Protocol {
  readonly name = 'tcp';
  readonly dialler: Dialler;
  readonly wheel: TimerWheel;
  readonly #environment: TcpEnvironment;
  #spec: ListenerSpec;

  constructor(spec: ListenerSpec, environment: TcpEnvironment) {
    this.#spec = spec;
    this.#environment = environment;
    this.dialler = environment.dialler;
    this.wheel = environment.wheel;
  }

  /** Open connections keep the idle timeout they began with. */
  update(spec: ListenerSpec): void {
    this.#spec = spec;
  }

  open(leg: Leg, listener: Listener): OpenConnection {
    return new Connection(this, leg, listener);
  }

  get idleTimeoutMs(): number {
    return this.#spec.idleTimeoutMs;
  }

  get halfCloseTimeoutMs(): number {
    return this.#spec.halfCloseTimeoutMs ?? HALF_CLOSE_TIMEOUT_MS;
  }

  get pool(): ProxiedPool | null {
    return this.#environment.poolNamed(this.#spec.pool!);
  }

  ended(connection: Connection, listener: Listener, outcome: Outcome): void {
    listener.ended(connection, outcome, this.#spec.pool!);
  }
}
