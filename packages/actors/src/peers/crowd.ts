/**
 * All whose leases this node watches, as one crowd: whether so many of them fell silent together that it is rather this node that is
 * alone.
 *
 *     heard ──half of them silent together, one of them due──► suspected: no lease ends, another server is tried, each lease is a full one
 *       ▲                                                          │
 *       └──── enough are heard again ◄───── still silent after that full lease ────► they end
 *
 * The leader's word (`journal-pulse.ts`) already keeps a node from ending leases that is cut off together with its server. This is for
 * what that does not show: routes between servers that carry the copies' words and not the members', an account that lost its imports,
 * one that thinks that it hears. A machine room that is really lost looks the same from here, so its leases end, too: after two of them
 * in place of one, the second of them on another server where there is one. Its backends are out of the traffic long before that,
 * by each node's own probes.
 *
 * One that falls silent beside one other is no crowd: of two nodes one that was killed is declared stopped after one lease.
 */
import type { Lease } from './lease.ts';
import type { MassSilence } from '../node-status.ts';
import type { Clock } from '../ports.ts';

/** Silent for this part of its lease, somebody has missed at least one heartbeat: members beat three times in a lease. */
const SILENT_LEASE_PART = 1 / 2;
/** So many at least fell silent together where a crowd did. */
const SILENT_MIN = 2;
const SILENT_RATIO_MIN = 1 / 2;

interface Tally {
  readonly silentCount: number;
  readonly watchedCount: number;
}

export interface CrowdPorts {
  readonly clock: Clock;
  /** It has just been noticed that most are silent. Whoever hears this begins each lease anew. */
  readonly onSuspicion: (silence: MassSilence) => void;
  /** Enough are heard again, or their leases have ended. */
  readonly onOver: () => void;
}

export class Crowd {
  readonly #ports: CrowdPorts;
  readonly #leases = new Set<Lease>();
  #silence: MassSilence | null = null;
  #suspectedElapsedMs = -Infinity;

  constructor(ports: CrowdPorts) {
    this.#ports = ports;
  }

  get silence(): MassSilence | null {
    return this.#silence;
  }

  get size(): number {
    return this.#leases.size;
  }

  add(lease: Lease): void {
    this.#leases.add(lease);
  }

  remove(lease: Lease): void {
    this.#leases.delete(lease);
  }

  /** Whether a lease that is over may end. `hearingSinceMs`: since when this node has heard without a gap. O(leases). */
  mayEnd(hearingSinceMs: number): boolean {
    const tally = this.#silentTogether();
    if (tally === null) return true;
    if (this.#silence !== null) return hearingSinceMs > this.#suspectedElapsedMs;
    this.#suspectedElapsedMs = this.#ports.clock.elapsedMs();
    this.#silence = { sinceMs: this.#ports.clock.now(), ...tally };
    this.#ports.onSuspicion(this.#silence);
    return false;
  }

  /** Looks whether a suspicion is over. O(leases) while there is one. */
  check(): void {
    if (this.#silence === null || this.#silentTogether() !== null) return;
    this.#silence = null;
    this.#ports.onOver();
  }

  /** Null where not so many are silent. Nodes are looked at by themselves, too: members with long leases are found silent late. */
  #silentTogether(): Tally | null {
    const nowMs = this.#ports.clock.elapsedMs();
    const all = { silentCount: 0, watchedCount: 0 };
    const nodes = { silentCount: 0, watchedCount: 0 };
    for (const { entity, aliveMs, leaseMs } of this.#leases) {
      const silentCount = nowMs - aliveMs > leaseMs * SILENT_LEASE_PART ? 1 : 0;
      for (const tally of entity.kind === 'node' ? [all, nodes] : [all]) {
        tally.watchedCount += 1;
        tally.silentCount += silentCount;
      }
    }
    return [all, nodes].find(isCrowd) ?? null;
  }
}

function isCrowd({ silentCount, watchedCount }: Tally): boolean {
  return silentCount >= SILENT_MIN && silentCount >= watchedCount * SILENT_RATIO_MIN;
}
