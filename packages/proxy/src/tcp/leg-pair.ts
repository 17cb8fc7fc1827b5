/**
 * Two connected legs whose bytes are relayed both ways: a TCP connection once its dial has succeeded, an HTTP one once it has
 * become a tunnel.
 *
 * Each direction holds at most one read: a write that the kernel does not take whole pauses the reader until it has.
 * That is also why nothing is cut: when a side's end is seen, all it sent has been handed to the kernel already, so the
 * other side is half-closed at once, and when both have ended both are closed with nothing pending.
 *
 * It relays and notices the end; closing the legs is the owner's business.
 */
import type { Leg, LegOwner } from '@muster/transport';
import { TICK_MS, WheelTimer, type TimerOwner, type TimerWheel } from '../timers/timer-wheel.ts';

/** Why a relay ended: both sides had ended, one was reset or takes no more bytes, or nothing was said for too long. */
export type RelayEnd = 'finished' | 'reset' | 'idle';

export interface RelayHost {
  readonly wheel: TimerWheel;
  /** Counters of what was read. */
  readonly stats: { bytesFromDownstream: number; bytesFromUpstream: number };
  /** Told once; the legs are still open. */
  relayEnded(reason: RelayEnd): void;
}

export interface RelayedLegs {
  readonly downstream: Leg;
  readonly upstream: Leg;
  /** Without a byte in either direction for so long it is over. */
  readonly idleTimeoutMs: number;
  /** The same once one side sends no more; at most the idle timeout. */
  readonly halfCloseTimeoutMs: number;
}

/** A side that is not read, because the other is slow, is looked at this often: a reset is not told to who does not read. */
const LOOK_MS = 1_000;

export class LegPair implements LegOwner, TimerOwner {
  readonly #host: RelayHost;
  readonly #downstream: Leg;
  readonly #upstream: Leg;
  readonly #halfCloseTimeoutMs: number;
  readonly #timer = new WheelTimer(this);
  #idleTimeoutMs: number;
  #activeTick: number;
  /** The side that takes no more bytes, while it may still have some to give. */
  #unwritable: Leg | null = null;
  #hasDownstreamEnded = false;
  #hasUpstreamEnded = false;
  #isOver = false;
  /** The side that is not read until the other has taken what it sent; null when both are. */
  #paused: Leg | null = null;

  /** Becomes the legs' owner; whoever made it starts or resumes them. */
  constructor(host: RelayHost, { downstream, upstream, idleTimeoutMs, halfCloseTimeoutMs }: RelayedLegs) {
    this.#host = host;
    this.#downstream = downstream;
    this.#upstream = upstream;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#halfCloseTimeoutMs = halfCloseTimeoutMs;
    this.#activeTick = host.wheel.tick;
    this.#lookIn(idleTimeoutMs);
    downstream.owner = this;
    upstream.owner = this;
  }

  onBytes(leg: Leg, bytes: Buffer): void {
    const { stats, wheel } = this.#host;
    this.#activeTick = wheel.tick;
    if (leg === this.#downstream) stats.bytesFromDownstream += bytes.byteLength;
    else stats.bytesFromUpstream += bytes.byteLength;
    const destination = this.#otherThan(leg);
    const outcome = destination.write(bytes);
    if (outcome === 'taken') return;
    leg.pause();
    this.#paused = leg;
    if (this.#timer.deadlineTick > wheel.tick + LOOK_MS / TICK_MS) this.#lookIn(LOOK_MS);
    if (outcome === 'failed') this.onWriteFailed(destination);
  }

  onDrained(leg: Leg): void {
    this.#activeTick = this.#host.wheel.tick;
    if (this.#paused !== leg) this.#paused = null;
    this.#otherThan(leg).resume();
  }

  /** It may still have bytes for the other side: they are relayed until it ends. The other side stays paused. */
  onWriteFailed(leg: Leg): void {
    this.#unwritable = leg;
    if (leg === this.#downstream ? this.#hasDownstreamEnded : this.#hasUpstreamEnded) this.#end('reset');
  }

  onEnd(leg: Leg): void {
    if (leg === this.#downstream) this.#hasDownstreamEnded = true;
    else this.#hasUpstreamEnded = true;
    if (leg === this.#unwritable) this.#end('reset');
    else if (this.#hasDownstreamEnded && this.#hasUpstreamEnded) this.#end('finished');
    else {
      this.#otherThan(leg).end();
      this.#idleTimeoutMs = Math.min(this.#idleTimeoutMs, this.#halfCloseTimeoutMs);
      this.#activeTick = this.#host.wheel.tick;
      this.#lookIn(this.#idleTimeoutMs);
    }
  }

  onReset(): void {
    this.#end('reset');
  }

  /** The idle timeout is moved on by what was relayed since it was set. */
  onTimer(): void {
    const { wheel } = this.#host;
    const idleMs = (wheel.tick - this.#activeTick) * TICK_MS;
    if (idleMs >= this.#idleTimeoutMs) this.#end('idle');
    else if (this.#paused?.isPeerGone() === true) this.#end('reset');
    else {
      const leftMs = this.#idleTimeoutMs - idleMs;
      this.#lookIn(this.#paused === null ? leftMs : Math.min(leftMs, LOOK_MS));
    }
  }

  /** The legs are about to be closed for another reason. May be repeated. */
  stop(): void {
    this.#isOver = true;
    this.#host.wheel.clear(this.#timer);
  }

  /** Silence is counted in the wheel's own ticks, so the clock need not be read; one more, since the present one has begun already. */
  #lookIn(delayMs: number): void {
    const { wheel } = this.#host;
    wheel.setTick(this.#timer, wheel.tick + Math.ceil(delayMs / TICK_MS) + 1);
  }

  #end(reason: RelayEnd): void {
    if (this.#isOver) return;
    this.stop();
    this.#host.relayEnded(reason);
  }

  #otherThan(leg: Leg): Leg {
    return leg === this.#downstream ? this.#upstream : this.#downstream;
  }
}
