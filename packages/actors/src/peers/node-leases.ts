/**
 * The other nodes' leases: a node that the roster says has started, and whose announcements have stopped, is recorded as
 * stopped by whichever node notices first. Its observations then no longer count for a quorum.
 *
 * This node's own record is not watched: it cannot miss itself. If others have declared it stopped, it says that it lives.
 */
import type { Roster } from '@muster/membership';
import { makeLease, noteHeard, type Lease } from './lease.ts';
import type { Leases } from './leases.ts';
import type { Clock } from '../ports.ts';

export interface NodeLeasesPorts {
  readonly node: string;
  readonly leases: Pick<Leases, 'hold' | 'letGo'>;
  readonly clock: Clock;
  /** A node that had started says so once more. `heardMs`: when it was heard last. */
  readonly onStartedAnew: (node: string, heardMs: number) => void;
}

export class NodeLeases {
  readonly #ports: NodeLeasesPorts;
  readonly #leaseByNode = new Map<string, Lease>();

  constructor(ports: NodeLeasesPorts) {
    this.#ports = ports;
  }

  /** By the nodes' ids. */
  get byNode(): ReadonlyMap<string, Lease> {
    return this.#leaseByNode;
  }

  hear(node: string): void {
    const lease = this.#leaseByNode.get(node);
    if (lease !== undefined) noteHeard(lease, this.#ports.clock.elapsedMs());
  }

  /** Takes the nodes as they are in a roster. To be called when they have changed; O(nodes). */
  sync(nodes: Roster['nodes']): void {
    const { leases, node: self, clock, onStartedAnew } = this.#ports;
    const heardMsByNode = new Map<string, number>();
    for (const [node, lease] of this.#leaseByNode) {
      const record = nodes.get(node);
      if (record?.state.value === 'started' && record.state.revision === lease.revision) continue;
      this.#leaseByNode.delete(node);
      leases.letGo(lease);
      heardMsByNode.set(node, lease.heardMs);
    }
    for (const { id, state, leaseMs } of nodes.values()) {
      if (id === self || state.value !== 'started' || leaseMs === null || this.#leaseByNode.has(id)) continue;
      const heardMs = heardMsByNode.get(id);
      const known = { leaseMs, aliveMs: clock.elapsedMs(), revision: state.revision };
      const lease = makeLease({ kind: 'node', node: id }, { ...known, ...(heardMs !== undefined && { heardMs }) });
      this.#leaseByNode.set(id, lease);
      leases.hold(lease);
      if (heardMs !== undefined) onStartedAnew(id, heardMs);
    }
  }
}
