/**
 * The node's copy of the truth: the roster as far as it has been folded, this node's pending facts on top, and those who
 * wait for a revision.
 *
 * The fold itself is `membership`'s. What is added here is memory that the fold has no use for and the node has: which of
 * the newest events were rejected and why, and how far the journal is said to have come.
 */
import {
  addPendingFact,
  emptyRoster,
  foldBatch,
  settlePendingFact,
  withPendingFacts,
  type Backend,
  type FoldWitness,
  type PendingFact,
  type PendingFacts,
  type RecordedEvent,
  type Rejection,
  rosterHash,
  type Roster,
} from '@muster/membership';
import { NewestMap } from './newest-map.ts';
import type { Clock } from './ports.ts';

const REVISIONS_KEPT = 65_536;
/** Rejections that are remembered for those who appended the event; the oldest is forgotten first. */
const REJECTIONS_MAX = 1_024;

export interface FoldedBatch {
  readonly before: Roster;
  readonly after: Roster;
  readonly events: readonly RecordedEvent[];
  readonly rejections: readonly Rejection[];
}

interface Waiter {
  readonly revision: number;
  readonly resolve: (isFolded: boolean) => void;
  readonly timer: unknown;
}

/** An event that was passed over, and what it was about. */
export interface RejectedEvent extends Rejection {
  readonly subject: string;
}

export class FoldedRoster {
  readonly node: string;
  readonly pending: PendingFacts = new Map();
  roster: Roster;
  headRevision = 0;
  /** The roster's hash at each of the newest revisions. */
  hashes = new HashHistory();
  /** Asked before each event of a batch; null for nobody. */
  witness: FoldWitness | null = null;
  readonly #clock: Clock;
  readonly #rejectionByRevision = new NewestMap<number, RejectedEvent>(REJECTIONS_MAX);
  readonly #waiters = new Set<Waiter>();

  constructor({ node, cluster, clock }: { readonly node: string; readonly cluster: string; readonly clock: Clock }) {
    this.node = node;
    this.roster = emptyRoster(cluster);
    this.#clock = clock;
  }

  /** Takes a roster out of a snapshot as the starting point. */
  adopt(roster: Roster): void {
    this.roster = roster;
    this.hashes.record(roster);
    this.heardOf(roster.revision);
  }

  /** The journal has this revision. */
  heardOf(revision: number): void {
    this.headRevision = Math.max(this.headRevision, revision);
  }

  /** Folds a batch. Does not yet wake those who wait: that is `wakeWaiters`, once everybody else knows the roster too. */
  apply(events: readonly RecordedEvent[]): FoldedBatch {
    const before = this.roster;
    const { roster: after, rejections } = foldBatch(before, events, {
      onStep: (step) => this.hashes.record(step),
      witness: this.witness,
    });
    this.roster = after;
    this.heardOf(after.revision);
    for (const rejection of rejections) {
      const { subject } = events.find(({ revision }) => revision === rejection.revision)!;
      this.#rejectionByRevision.set(rejection.revision, { ...rejection, subject });
    }
    return { before, after, events, rejections };
  }

  /**
   * Takes over what was built beside it. In another history revisions mean something else: what was remembered or waited
   * for by revision is void.
   */
  replace(built: FoldedRoster, { isOtherHistory }: { readonly isOtherHistory: boolean }): void {
    this.roster = built.roster;
    this.hashes = built.hashes;
    if (isOtherHistory) {
      this.headRevision = 0;
      this.#rejectionByRevision.clear();
      this.close();
    }
    this.heardOf(Math.max(built.headRevision, built.roster.revision));
    for (const [revision, rejection] of built.#rejectionByRevision) this.#rejectionByRevision.set(revision, rejection);
  }

  lay(fact: PendingFact): void {
    addPendingFact(this.pending, fact);
  }

  settle(fact: PendingFact): void {
    settlePendingFact(this.pending, fact);
  }

  /** Whether a fact is the one that acts on this node, and not a newer one in its place. */
  isPending({ id, pool, backend }: PendingFact): boolean {
    const facts = this.pending.get(`${pool}/${backend}`);
    return facts?.health?.id === id || facts?.ejection?.id === id;
  }

  /** A backend as this node sees it, its own unrecorded facts included; undefined where there is none. */
  backend(pool: string, backend: string): Backend | undefined {
    const recorded = this.roster.pools.get(pool)?.backends.get(backend);
    return recorded && withPendingFacts(recorded, this.node, this.pending);
  }

  /** Why the event at a revision was passed over; null where it was taken, is not folded yet or is long past. */
  rejectionAt(revision: number): RejectedEvent | null {
    return this.#rejectionByRevision.get(revision) ?? null;
  }

  /** Resolves with true once the roster is at `revision`, with false after `timeoutMs`. */
  whenFolded(revision: number, timeoutMs: number): Promise<boolean> {
    if (this.roster.revision >= revision) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#clock.setTimeout(() => {
      this.#waiters.delete(waiter);
      resolve(false);
    }, timeoutMs);
    const waiter: Waiter = { revision, resolve, timer };
    this.#waiters.add(waiter);
    return promise;
  }

  wakeWaiters(): void {
    for (const waiter of this.#waiters) if (waiter.revision <= this.roster.revision) this.#wake(waiter, true);
  }

  /** Ends all waiting: what is waited for will not be folded. */
  close(): void {
    for (const waiter of this.#waiters) this.#wake(waiter, false);
  }

  #wake(waiter: Waiter, isFolded: boolean): void {
    this.#waiters.delete(waiter);
    this.#clock.clearTimeout(waiter.timer);
    waiter.resolve(isFolded);
  }
}

/**
 * The roster's hash at each of the newest revisions: what other nodes' announcements are compared with. Nodes are hardly ever at the
 * same revision at the same moment, so each keeps the hash that it had at every revision, and an older announcement can be judged.
 *
 * It is a ring in three typed arrays, 1 MiB: a revision's place is its remainder, and what a revision 65,536 later has overwritten is
 * forgotten. `record` costs three stores and allocates nothing, because it runs once for every event.
 */
export class HashHistory {
  /** All zero at first, which is true: at revision 0 the roster is empty, and its hash is zero. */
  readonly #revisions = new Float64Array(REVISIONS_KEPT);
  readonly #highs = new Uint32Array(REVISIONS_KEPT);
  readonly #lows = new Uint32Array(REVISIONS_KEPT);

  record({ revision, digest }: Pick<Roster, 'revision' | 'digest'>): void {
    const place = revision % REVISIONS_KEPT;
    this.#revisions[place] = revision;
    this.#highs[place] = digest.high;
    this.#lows[place] = digest.low;
  }

  /** The hash as `rosterHash` gives it, or null where this node was not at that revision or it is long past. */
  at(revision: number): string | null {
    const place = revision % REVISIONS_KEPT;
    if (this.#revisions[place] !== revision) return null;
    return rosterHash({ digest: { high: this.#highs[place]!, low: this.#lows[place]! } });
  }
}
