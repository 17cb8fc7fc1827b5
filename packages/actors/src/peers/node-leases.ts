/**
 * The other nodes' leases: a node that the roster says has started, and whose announcements have stopped, is recorded as
 * stopped by whichever node notices first. Its observations then no longer count for a quorum.
 *
 * This node's own record is not watched: it cannot miss itself. If others have declared it stopped, it says that it lives.
 */
import type { Roster } from '@muster/membership';
import { makeLease, type Lease } from './lease.ts';
import type { Leases } from './leases.ts';
import type { Clock } from '../ports.ts';

export class NodeLeases {
  readonly #ports: { readonly node: string; readonly leases: Leases; readonly clock: Clock };
  readonly #leaseByNode = new Map<string, Lease>();

  constructor(ports: { readonly node: string; readonly leases: Leases; readonly clock: Clock }) {
    this.#ports = ports;
  }

  hear(node: string): void {
    const lease = this.#leaseByNode.get(node);
    if (lease !== undefined) lease.aliveMs = this.#ports.clock.elapsedMs();
  }

  /** Takes the nodes as they are in a roster. To be called when they have changed; O(nodes). */
  sync(nodes: Roster['nodes']): void {
    const { leases, node: self, clock } = this.#ports;
    for (const [node, lease] of this.#leaseByNode) {
      const record = nodes.get(node);
      if (record?.state.value === 'started' && record.state.revision === lease.revision) continue;
      this.#leaseByNode.delete(node);
      leases.letGo(lease);
    }
    for (const { id, state, leaseMs } of nodes.values()) {
      if (id === self || state.value !== 'started' || leaseMs === null || this.#leaseByNode.has(id)) continue;
      const known = { leaseMs, aliveMs: clock.elapsedMs(), revision: state.revision };
      const lease = makeLease({ kind: 'node', node: id }, known);
      this.#leaseByNode.set(id, lease);
      leases.hold(lease);
    }
  }
}
