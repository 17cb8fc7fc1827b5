/**
 * What a connection becomes when both sides have agreed on another protocol (a WebSocket, for example): bytes both ways, under an
 * idle timeout of its own. In the connection table it counts as a connection to its target until it ends.
 */
import type { PooledConnection, TargetConnections } from '../../pool/target-connections.ts';
import { LegPair, type RelayEnd, type RelayHost } from '../../tcp/leg-pair.ts';
import type { Leg } from '@muster/transport';

export type TunnelEnd = RelayEnd | 'target_removed' | 'drain_timeout';

export interface TunnelEnds {
  readonly downstream: Leg;
  readonly upstream: Leg;
  readonly target: TargetConnections;
  readonly idleTimeoutMs: number;
  readonly halfCloseTimeoutMs: number;
  /** Told once, when its place among the target's connections is free. */
  readonly onClosed: () => void;
  /** A side may still have bytes to take that were written before: the other is read on when it has. */
  readonly isDownstreamPending: boolean;
}

export class Tunnel implements RelayHost, PooledConnection {
  readonly wheel: RelayHost['wheel'];
  readonly stats: RelayHost['stats'];
  readonly #ends: TunnelEnds;
  readonly #onEnded: (reason: TunnelEnd) => void;
  readonly #relay: LegPair;

  /** `onEnded` is told once, with the legs still open; `close` closes the upstream one. */
  constructor(host: Pick<RelayHost, 'wheel' | 'stats'>, ends: TunnelEnds, onEnded: (reason: TunnelEnd) => void) {
    this.wheel = host.wheel;
    this.stats = host.stats;
    this.#ends = ends;
    this.#onEnded = onEnded;
    this.#relay = new LegPair(this, ends);
    ends.target.connections.add(this);
    if (ends.isDownstreamPending) ends.upstream.pause();
  }

  /** What the client sent ahead of the answer; the client's leg is read on when the backend has taken it. */
  sendAhead(bytes: Buffer | null): void {
    const { upstream, downstream } = this.#ends;
    const outcome = bytes === null ? 'taken' : upstream.write(bytes);
    if (outcome === 'taken') downstream.resume();
    else if (outcome === 'failed') this.#relay.onWriteFailed(upstream);
  }

  relayEnded(reason: RelayEnd): void {
    this.#onEnded(reason);
  }

  leaveTarget(reason: 'target_removed' | 'drain_timeout'): void {
    this.#onEnded(reason);
  }

  close(): void {
    const { target, upstream, onClosed } = this.#ends;
    this.#relay.stop();
    target.connections.delete(this);
    target.leave();
    upstream.close();
    onClosed();
  }
}
