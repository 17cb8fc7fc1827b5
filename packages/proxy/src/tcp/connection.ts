/**
 * One relayed connection, from accept to close.
 *
 *     dialling ──connected──► relaying ──both sides ended──► closed
 *        │  ▲                     │
 *        │  └─ failed: another    └─ reset, idle, target left, shutdown ──► closed
 *        └──── nobody is left ──► refused
 *
 * Nothing is read from downstream before a dial has succeeded, so no byte can have reached a backend when another one
 * is tried, and a backend that is slow to answer is never left for another.
 *
 * Each direction holds at most one read: a write that the kernel does not take whole pauses the reader until it has.
 * That is also why nothing is cut: when a side's end is seen, all it sent has been handed to the kernel already, so the
 * other side is half-closed at once, and when both have ended both are closed with nothing pending.
 */
import { dialTarget } from '../transport/dial-target.ts';
import type { Dial, DialOwner, Leg, LegOwner, Transport } from '../transport/leg.ts';
import type { Pick, PooledConnection, ProxiedPool, TargetConnections } from '../pool/proxied-pool.ts';
import { TICK_MS, WheelTimer, type TimerOwner, type TimerWheel } from '../timer-wheel.ts';
import type { CloseReason, ListenerStats, RefusalReason } from '../traffic-stats.ts';

/** What a connection needs of the listener that accepted it. */
export interface ConnectionHost {
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  readonly stats: ListenerStats;
  readonly idleTimeoutMs: number;
  /** Null where the roster has no such pool. */
  readonly pool: ProxiedPool | null;
  /** Called once, when the connection is over. A refusal's reason was not counted yet, nor was a closing's. */
  ended(connection: Connection, outcome: Outcome): void;
}

export type Outcome =
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'closed'; readonly reason: CloseReason };

export class Connection implements LegOwner, DialOwner, TimerOwner, PooledConnection {
  readonly #host: ConnectionHost;
  readonly #downstream: Leg;
  readonly #timer = new WheelTimer(this);
  #upstream: Leg | null = null;
  #dial: Dial | null = null;
  #target: TargetConnections | null = null;
  #triedIds: readonly string[] = NONE_TRIED;
  #activeTick = 0;
  #idleTimeoutMs = 0;
  /** The side that takes no more bytes, while it may still have some to give. */
  #unwritable: Leg | null = null;
  #hasDownstreamEnded = false;
  #hasUpstreamEnded = false;
  #isOver = false;

  constructor(host: ConnectionHost, downstream: Leg) {
    this.#host = host;
    this.#downstream = downstream;
    downstream.owner = this;
  }

  /** Dials the backend whose turn it is, or refuses the connection. */
  dialNext(): void {
    const { pool } = this.#host;
    if (pool === null) return this.#end({ kind: 'refused', reason: 'unknown_pool' });
    const picked = pool.pick(this.#triedIds);
    if (!picked.ok) return this.#end({ kind: 'refused', reason: picked.reason });
    this.#dialBackend(pool, picked);
  }

  #dialBackend(pool: ProxiedPool, { backend, target, spec }: Pick & { ok: true }): void {
    if (this.#triedIds.length > 0) pool.stats.retries++;
    this.#triedIds = this.#triedIds.length === 0 ? [backend.id] : [...this.#triedIds, backend.id];
    this.#target = target;
    target.connections.add(this);
    this.#host.wheel.set(this.#timer, spec.connectTimeoutMs);
    this.#dial = dialTarget(this.#host.transport, target.address, this);
  }

  onConnected(leg: Leg): void {
    this.#dial = null;
    this.#upstream = leg;
    leg.owner = this;
    // A target that left while it was dialled has had its dials called off; this holds even if one slipped through.
    if (this.#target!.state === 'gone') return this.close('target_removed');
    this.#idleTimeoutMs = this.#host.idleTimeoutMs;
    this.#activeTick = this.#host.wheel.tick;
    this.#host.wheel.set(this.#timer, this.#idleTimeoutMs);
    leg.start();
    this.#downstream.start();
  }

  onConnectFailed(): void {
    this.#host.pool!.stats.connectFailures++;
    this.#dialAnother();
  }

  onBytes(leg: Leg, bytes: Uint8Array): void {
    const { stats, wheel } = this.#host;
    this.#activeTick = wheel.tick;
    if (leg === this.#downstream) stats.bytesFromDownstream += bytes.byteLength;
    else stats.bytesFromUpstream += bytes.byteLength;
    const destination = this.#otherThan(leg);
    const outcome = destination.write(bytes);
    if (outcome === 'taken') return;
    leg.pause();
    if (outcome === 'failed') this.onWriteFailed(destination);
  }

  onDrained(leg: Leg): void {
    this.#activeTick = this.#host.wheel.tick;
    this.#otherThan(leg).resume();
  }

  /** It may still have bytes for the other side: they are relayed until it ends. The other side stays paused. */
  onWriteFailed(leg: Leg): void {
    this.#unwritable = leg;
    if (leg === this.#downstream ? this.#hasDownstreamEnded : this.#hasUpstreamEnded) this.close('reset');
  }

  onEnd(leg: Leg): void {
    if (leg === this.#downstream) this.#hasDownstreamEnded = true;
    else this.#hasUpstreamEnded = true;
    if (leg === this.#unwritable) this.close('reset');
    else if (this.#hasDownstreamEnded && this.#hasUpstreamEnded) this.close('finished');
    else this.#otherThan(leg).end();
  }

  onReset(): void {
    this.close('reset');
  }

  /** The connect timeout while dialling, else the idle timeout, which is moved on by what was relayed meanwhile. */
  onTimer(): void {
    const { wheel } = this.#host;
    if (this.#dial !== null) {
      this.#dial.close();
      this.onConnectFailed();
      return;
    }
    const idleMs = (wheel.tick - this.#activeTick) * TICK_MS;
    if (idleMs >= this.#idleTimeoutMs) this.close('idle');
    else wheel.set(this.#timer, this.#idleTimeoutMs - idleMs);
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

  #dialAnother(): void {
    this.#dial = null;
    this.#target!.connections.delete(this);
    this.#target = null;
    this.dialNext();
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.wheel.clear(this.#timer);
    this.#dial?.close();
    this.#upstream?.close();
    this.#downstream.close();
    this.#target?.connections.delete(this);
    this.#host.ended(this, outcome);
  }

  #otherThan(leg: Leg): Leg {
    return leg === this.#downstream ? this.#upstream! : this.#downstream;
  }
}

const NONE_TRIED: readonly string[] = [];
