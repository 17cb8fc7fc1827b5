/**
 * Since when this node has heard everything that is said on the live wire. Silence means that somebody is gone only to a
 * node that would have heard them.
 *
 *     deaf ──wire connected, journal there, its leader heard, hears itself──► hearing
 *      ▲                                                                         │
 *      └── wire cut · journal away · its leader silent · own voice silent · stood still · an end unanswered · a crowd silent
 *
 * Why it listens for its own voice: a network that swallows packets looks whole for a long time from both of its ends. A
 * node that hears what it said itself a moment ago knows that the wire carries words to the server and back.
 *
 * Why it watches its own sweep: a process that was stopped, or whose event loop was busy for long, finds everybody silent
 * when it goes on; what they said lies unread, or was thrown away by the server.
 *
 * Why the leader's word: a server that is cut off from the others carries a node's own words back to it, and nobody else's.
 *
 * After each deaf spell everybody has a full new lease, because `sinceMs` starts anew.
 */
import type { Clock, Logger } from '../ports.ts';

/** How often the leases are looked at, in ms. */
export const SWEEP_INTERVAL_MS = 250;
/** A sweep that comes so much later than it should means that the node stood still. */
const SWEEP_LATE_MS = 2 * SWEEP_INTERVAL_MS;
/** Three announcements, with their jitter: whoever was not heard for so long is silent. Holds for the node's own voice, too. */
export const SILENT_AFTER_MS = 3_300;

export class Hearing {
  readonly #clock: Clock;
  readonly #log: Logger;
  #isWireConnected = false;
  /** Why nothing that is heard counts, for people; null where the journal is there and its leader is heard. */
  #journalObstacle: string | null = 'the journal is away';
  #sinceMs: number | null = null;
  #heardSelfMs: number;
  /** Since when nothing else keeps it from hearing itself. */
  #listeningSinceMs: number;
  #checkedMs: number;
  /** So that it is logged once while it lasts. */
  #deafReason: string | null = null;

  /** Deaf until the first of its own announcements comes back. */
  constructor({ clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#clock = clock;
    this.#log = log;
    this.#checkedMs = this.#heardSelfMs = this.#listeningSinceMs = clock.elapsedMs();
  }

  /** By the clock that never steps; null while this node may miss what is said. */
  get sinceMs(): number | null {
    return this.#sinceMs;
  }

  /** Whether the wire was whole at that moment or later. */
  hasHeardSelfSince(elapsedMs: number): boolean {
    return this.#heardSelfMs >= elapsedMs;
  }

  wireChanged(isConnected: boolean): void {
    this.#isWireConnected = isConnected;
    if (!isConnected) this.#deafen('the wire is cut');
  }

  heardSelf(): void {
    this.#heardSelfMs = this.#clock.elapsedMs();
    if (this.#sinceMs !== null || !this.#isWireConnected || this.#journalObstacle !== null) return;
    this.#sinceMs = this.#heardSelfMs;
    this.#deafReason = null;
    this.#log.info({}, 'this node hears the other nodes and the members');
  }

  /** Something came up that makes what was heard so far doubtful, `reason` for people: all begins anew with its own next word. */
  startOver(reason: string): void {
    this.#deafen(reason);
  }

  /**
   * To be called every `SWEEP_INTERVAL_MS`, before anybody is judged by their silence. `journalObstacle`: why the journal cannot back
   * what is concluded, for people; or null.
   */
  check(journalObstacle: string | null): void {
    const nowMs = this.#clock.elapsedMs();
    const lateMs = nowMs - this.#checkedMs - SWEEP_INTERVAL_MS;
    this.#checkedMs = nowMs;
    this.#journalObstacle = journalObstacle;
    const obstacle = this.#obstacle(lateMs);
    if (obstacle !== null) this.#listeningSinceMs = nowMs;
    const silentMs = nowMs - Math.max(this.#heardSelfMs, this.#listeningSinceMs);
    if (obstacle !== null) this.#deafen(obstacle);
    else if (silentMs > SILENT_AFTER_MS) this.#deafen('this node does not hear its own announcements');
  }

  #obstacle(lateMs: number): string | null {
    if (!this.#isWireConnected) return 'the wire is cut';
    if (this.#journalObstacle !== null) return this.#journalObstacle;
    return lateMs > SWEEP_LATE_MS ? 'this node stood still' : null;
  }

  #deafen(reason: string): void {
    this.#sinceMs = null;
    if (this.#deafReason === reason) return;
    this.#deafReason = reason;
    this.#log.warn(
      { reason },
      `${reason}: no lease ends on this node until it hears again, and each is a full one then`,
    );
  }
}
