/**
 * What a node does when it hears some and not others, or may not be heard itself, though the journal's leader answers it: one route
 * between two NATS servers is cut, and the leader is on neither, or on this side.
 *
 *     another node has heard one that is silent here ──────────────┐
 *     a silent node says in the journal that it lives ─────────────┴──► this server is left for another one, ever more rarely
 *
 *     most other nodes are silent here, or one of them doubts this one ──► this node says in the journal that it lives (`NodeStarted`)
 *
 * The journal goes by its leader, so it reaches those whom no live word does. That matters where nobody is on a server that hears both
 * sides, and could answer for this node (`doubts.ts`). Of two sides the smaller one always says that it lives, because most are silent for it;
 * for the larger one those that are silent are no crowd (`crowd.ts`).
 */
import type { LiveWire, NodeRecord } from '@muster/membership';
import { SILENT_AFTER_MS, type Hearing } from './hearing.ts';
import type { Lease } from './lease.ts';
import type { NameClaim } from './name-claim.ts';
import type { Clock, Logger } from '../ports.ts';
import { backoffMs, type Backoff } from '../waits.ts';

/** Who is silent for this part of this node's lease may not hear this node either. The other half is for its word to be recorded and read. */
const SILENT_LEASE_PART = 1 / 2;
/** Between two words in the journal. Each gives the node a full lease, and one more has to be read before that is over. */
const SAID_AGAIN_LEASE_PART = 0.7;
/** A doubt is repeated once a second for as long as it lasts. */
const DOUBT_FRESH_MS = 1_500;
const LEAVE_BACKOFF: Backoff = { minMs: 10_000, maxMs: 120_000 };
/** After so long without a reason to leave a server the next one is left at once. */
const LEAVES_FORGOTTEN_MS = 600_000;

export interface PartialCutPorts {
  readonly live: Pick<LiveWire, 'leave'>;
  readonly hearing: Pick<Hearing, 'sinceMs'>;
  readonly name: Pick<NameClaim, 'isHeld'>;
  /** Of the other nodes that the roster says have started, by their ids. */
  readonly nodeLeases: ReadonlyMap<string, Lease>;
  /** What the roster says of this node. */
  readonly ownRecord: () => Pick<NodeRecord, 'state' | 'leaseMs'> | undefined;
  /** Says in the journal that this node lives. */
  readonly sayAlive: () => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

export class PartialCut {
  readonly #ports: PartialCutPorts;
  #saidMs = -Infinity;
  #doubtedMs = -Infinity;
  #leavesCount = 0;
  #leftMs = -Infinity;
  #mayLeaveMs = -Infinity;
  /** When nodes that were silent said in the journal that they live. */
  readonly #livesMsByNode = new Map<string, number>();

  constructor(ports: PartialCutPorts) {
    this.#ports = ports;
  }

  /** `hearer`, for people (`node lb-3`), has heard one that this node should have heard too. */
  missed(holder: string, hearer: string): void {
    const { live, log, clock, random } = this.#ports;
    const nowMs = clock.elapsedMs();
    if (nowMs < this.#mayLeaveMs) return;
    if (nowMs - this.#leftMs > LEAVES_FORGOTTEN_MS) this.#leavesCount = 0;
    this.#leftMs = nowMs;
    this.#mayLeaveMs = nowMs + backoffMs(this.#leavesCount++, LEAVE_BACKOFF, random);
    const what = `${hearer} has heard ${holder}, and this node has not`;
    log.warn(
      { holder, hearer },
      `${what}: its lease goes on; another server is tried, as routes between servers may be cut`,
    );
    live.leave(what);
  }

  /** Another node says that it does not hear this one. */
  doubted(): void {
    this.#doubtedMs = this.#ports.clock.elapsedMs();
  }

  /** A node whose record says that it runs has said so once more. `heardMs`: when it was heard before. */
  livesAnew(node: string, heardMs: number): void {
    const nowMs = this.#ports.clock.elapsedMs();
    if (nowMs - heardMs > SILENT_AFTER_MS) this.#livesMsByNode.set(node, nowMs);
  }

  /** To be called a few times a second. O(nodes). */
  check(): void {
    const { hearing, clock } = this.#ports;
    if (hearing.sinceMs === null) return;
    const nowMs = clock.elapsedMs();
    this.#lookForUnheard(nowMs);
    if (this.#mayBeUnheard(nowMs, hearing.sinceMs)) this.#sayAlive(nowMs);
  }

  /** One that was restarted is heard a moment after its record. */
  #lookForUnheard(nowMs: number): void {
    for (const [node, livesMs] of this.#livesMsByNode) {
      const lease = this.#ports.nodeLeases.get(node);
      if (lease === undefined || lease.heardMs > livesMs) this.#livesMsByNode.delete(node);
      else if (nowMs - livesMs > SILENT_AFTER_MS) this.missed(`node ${node}`, 'the journal');
    }
  }

  #mayBeUnheard(nowMs: number, hearingSinceMs: number): boolean {
    const { name, nodeLeases, ownRecord } = this.#ports;
    const { state, leaseMs = null } = ownRecord() ?? {};
    if (!name.isHeld || state?.value !== 'started' || leaseMs === null) return false;
    if (nowMs - this.#saidMs < leaseMs * SAID_AGAIN_LEASE_PART) return false;
    if (nowMs - this.#doubtedMs < DOUBT_FRESH_MS) return true;
    let silentCount = 0;
    for (const { heardMs } of nodeLeases.values())
      if (nowMs - Math.max(heardMs, hearingSinceMs) > leaseMs * SILENT_LEASE_PART) silentCount += 1;
    return silentCount > nodeLeases.size / 2;
  }

  #sayAlive(nowMs: number): void {
    this.#saidMs = nowMs;
    this.#ports.log.warn({}, 'this node may not be heard by others, and says in the journal that it lives');
    this.#ports.sayAlive();
  }
}
