/**
 * What the other nodes have bound, as their announcements say, so that this node does not dial it for a publisher.
 *
 *     heard ──────────────► kept ──┬─ stopped on its own word ──────────► forgotten
 *       ▲ another list: told       ├─ silent for ten minutes ───────────► forgotten
 *       └──────────────────────────┘ (silent for less, or declared dead by others: kept)
 *
 * A node that is cut off from the others still serves, and its admin API still answers. So its addresses are kept for longer than its
 * lease; and not for ever, because a machine's address is given to another one some day.
 */
import { LEASE_EXPIRED, type Announcement, type BoundAddresses, type Roster } from '@muster/membership';
import { NewestMap } from '../newest-map.ts';
import type { Clock } from '../ports.ts';

export interface Neighbour {
  readonly node: string;
  readonly bound: BoundAddresses;
}

export interface NeighboursPorts {
  readonly clock: Pick<Clock, 'elapsedMs'>;
  /** Told of all of them at each change. Default: nobody. */
  readonly onNeighbours?: (neighbours: readonly Neighbour[]) => void;
}

/** How long what a silent node had bound is kept. */
const KEPT_MS = 600_000;
/** Nodes whose addresses are kept; the one that has been silent for longest makes room. */
const NODES_MAX = 1_024;

interface Known extends Neighbour {
  /** The list as text, to tell a change. */
  readonly text: string;
  heardMs: number;
}

export class Neighbours {
  readonly #ports: NeighboursPorts;
  readonly #knownByNode = new NewestMap<string, Known>(NODES_MAX);

  constructor(ports: NeighboursPorts) {
    this.#ports = ports;
  }

  /** Takes an announcement of another node. */
  hear({ node, bound }: Pick<Announcement, 'node' | 'bound'>): void {
    if (bound === undefined) return;
    const heardMs = this.#ports.clock.elapsedMs();
    const text = JSON.stringify(bound);
    const known = this.#knownByNode.get(node);
    this.#knownByNode.set(node, { node, bound, text, heardMs });
    if (known?.text !== text) this.#tell();
  }

  /** Forgets those that the roster says have stopped by themselves. To be called when its nodes have changed; O(nodes heard). */
  sync(nodes: Roster['nodes']): void {
    this.#forget(({ node }) => {
      const state = nodes.get(node)?.state;
      return state?.value === 'stopped' && state.reason !== LEASE_EXPIRED;
    });
  }

  /** Forgets those that have been silent for long. To be called now and then. */
  sweep(): void {
    const nowMs = this.#ports.clock.elapsedMs();
    this.#forget(({ heardMs }) => nowMs - heardMs > KEPT_MS);
  }

  #forget(isOver: (known: Known) => boolean): void {
    const before = this.#knownByNode.size;
    for (const known of this.#knownByNode.values()) if (isOver(known)) this.#knownByNode.delete(known.node);
    if (this.#knownByNode.size < before) this.#tell();
  }

  #tell(): void {
    this.#ports.onNeighbours?.([...this.#knownByNode.values()].map(({ node, bound }) => ({ node, bound })));
  }
}
