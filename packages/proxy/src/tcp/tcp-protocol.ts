/**
 * A `tcp` listener's protocol: each connection is relayed to one backend of one pool, from accept to close.
 *
 *     dialling ──connected──► relaying ──both sides ended──► closed
 *        │  ▲                     │
 *        │  └─ failed: another    └─ reset, idle, target left, shutdown ──► closed
 *        └──── nobody is left ──► refused
 *
 * Nothing is read from downstream before a dial has succeeded, so no byte can have reached a backend when another one
 * is tried, and a backend that is slow to answer is never left for another.
 */
import type { Candidate, ListenerSpec } from '@muster/membership';
import {
  connectFailure,
  isLocalFault,
  timeoutCode,
  type Dial,
  type DialOwner,
  type Dialler,
  type Leg,
} from '@muster/transport';
import type { Arrival } from '../listener/arrival.ts';
import type { Listener, OpenConnection, Outcome, Protocol } from '../listener/listener.ts';
import type { CloseReason, ListenerStats } from '../listener/listener-stats.ts';
import type { HashKeySource, Pick, ProxiedPool } from '../pool/proxied-pool.ts';
import type { PooledConnection, TargetConnections } from '../pool/target-connections.ts';
import { WheelTimer, type TimerOwner, type TimerWheel } from '../timers/timer-wheel.ts';
import { LegPair, type RelayEnd, type RelayHost } from './leg-pair.ts';

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

  open(arrival: Arrival, listener: Listener): OpenConnection {
    return new Connection(this, arrival, listener);
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

class Connection implements OpenConnection, DialOwner, TimerOwner, PooledConnection, RelayHost, HashKeySource {
  readonly wheel: TimerWheel;
  readonly stats: ListenerStats;
  readonly #host: TcpProtocol;
  readonly #listener: Listener;
  readonly #arrival: Arrival;
  readonly #downstream: Leg;
  readonly #connectTimer = new WheelTimer(this);
  #relay: LegPair | null = null;
  #upstream: Leg | null = null;
  #dial: Dial | null = null;
  #backend: Candidate | null = null;
  #target: TargetConnections | null = null;
  #triedIds: readonly string[] = NONE_TRIED;
  #isOver = false;

  constructor(host: TcpProtocol, arrival: Arrival, listener: Listener) {
    this.#host = host;
    this.#listener = listener;
    this.wheel = host.wheel;
    this.stats = listener.stats;
    this.#arrival = arrival;
    this.#downstream = arrival.leg;
  }

  start(): void {
    this.#dialNext();
  }

  /** What is relayed goes on until it ends by itself, or is closed. */
  finish(): void {}

  /** Dials the backend whose turn it is, or refuses the connection. */
  #dialNext(): void {
    const { pool } = this.#host;
    if (pool === null) return this.#end({ kind: 'refused', reason: 'unknown_pool' });
    const picked = pool.pick(this.#triedIds, this);
    if (!picked.ok) return this.#end({ kind: 'refused', reason: picked.reason });
    this.#dialBackend(pool, picked);
  }

  #dialBackend(pool: ProxiedPool, { backend, target, spec }: Pick & { ok: true }): void {
    if (this.#triedIds.length > 0) pool.stats.retries++;
    this.#triedIds = this.#triedIds.length === 0 ? [backend.id] : [...this.#triedIds, backend.id];
    this.#backend = backend;
    this.#target = target;
    target.connections.add(this);
    target.enter();
    this.wheel.set(this.#connectTimer, spec.connectTimeoutMs);
    this.#dial = this.#host.dialler.dial(target.address, this);
  }

  onConnected(leg: Leg): void {
    this.#dial = null;
    this.#upstream = leg;
    this.wheel.clear(this.#connectTimer);
    // A target that left while it was dialled has had its dials called off; this holds even if one slipped through.
    if (this.#target!.state === 'gone') return this.close('target_removed');
    this.#host.pool?.tally.succeeded(this.#backend!.id);
    const { idleTimeoutMs, halfCloseTimeoutMs } = this.#host;
    this.#relay = new LegPair(this, { downstream: this.#downstream, upstream: leg, idleTimeoutMs, halfCloseTimeoutMs });
    // In this order: the buffers come back in the other one, and each kind of leg gets one that it had before.
    this.#downstream.start();
    leg.start();
  }

  onConnectFailed(code: string, detail?: string): void {
    const { pool } = this.#host;
    pool!.stats.connectFailures++;
    if (!isLocalFault(code)) pool!.tally.failed(this.#backend!, connectFailure(code, detail).words);
    const isRefused = code === 'TARGET_REFUSED' && pool!.notDialled(this.#backend!.target);
    if (isRefused) this.#triedIds = this.#triedIds.slice(0, -1);
    this.#dialAnother();
  }

  relayEnded(reason: RelayEnd): void {
    this.close(reason);
  }

  /** The connect timeout. */
  onTimer(): void {
    const code = timeoutCode(this.#dial);
    this.#dial?.close();
    this.onConnectFailed(code);
  }

  leaveTarget(reason: 'target_removed' | 'drain_timeout'): void {
    if (this.#dial === null) return this.close(reason);
    this.#dial.close();
    this.#dialAnother();
  }

  /** Closes both sides at once. May be repeated. */
  close(reason: CloseReason): void {
    this.#end({ kind: 'closed', reason });
  }

  /** There is nothing else to hash on before a byte was read. */
  hashText(): string {
    return this.#arrival.peerAddress;
  }

  #dialAnother(): void {
    this.#dial = null;
    this.#leave();
    this.#dialNext();
  }

  #leave(): void {
    if (this.#target === null) return;
    this.#target.leave();
    this.#target.connections.delete(this);
    this.#target = null;
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.wheel.clear(this.#connectTimer);
    this.#relay?.stop();
    this.#dial?.close();
    this.#upstream?.close();
    this.#downstream.close();
    this.#leave();
    this.#host.ended(this, this.#listener, outcome);
  }
}

const NONE_TRIED: readonly string[] = [];
