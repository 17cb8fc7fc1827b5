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
  type Roster,
} from '@muster/membership';
import { NewestMap } from './newest-map.ts';
import { HashHistory } from './hash-history.ts';
import type { Clock } from './ports.ts';

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
