/**
 * One pool as a worker sees it: whose turn it is, which connections lead to which target, and what becomes of them
 * when the roster changes. This is the connection table, and the home of invariant I4.
 *
 * The BackendSet is made when somebody picks after a change, not at every change; membership is looked up in the
 * roster, for the targets that have connections. So a burst of events on a pool of 10,000 costs a worker O(log n)
 * each, and one set.
 *
 *     target of a connection      what the roster says of it              its connections
 *     ───────────────────────     ────────────────────────────────────    ────────────────────────────────
 *     member                      some backend has it, mode ready         live on, healthy or not
 *     leaving                     mode drain or maint; or gone from a     live on until the deadline
 *                                 pool with `onRemoval: drain`
 *     gone                        no backend has it                       closed at once; dials go elsewhere
 */
import { backendSet, parseTarget, type Address, type Backend, type BackendSet } from '@muster/membership';
import type { Candidate, Pool, PoolSpec, View } from '@muster/membership';
import { ANY_BACKEND, createSelectionPolicy, type PickRequest, type SelectionPolicy } from '@muster/selection';
import { WheelTimer, type TimerOwner, type TimerWheel } from '../timer-wheel.ts';
import type { PoolStats, RefusalReason } from '../traffic-stats.ts';

/** One pick, with what it was made from; `candidates` is the set's own array, not a copy. */
export interface Decision {
  readonly pool: string;
  readonly revision: number;
  readonly candidates: readonly Candidate[];
  readonly pick: string | null;
}

export interface PoolEnvironment {
  readonly wheel: TimerWheel;
  /** Wall clock, milliseconds since 1970: drain deadlines count from the times of events. */
  readonly wallMs: () => number;
  readonly workerIndex: number;
  readonly onDecision: ((decision: Decision) => void) | null;
}

/** A connection, as the table knows it. */
export interface PooledConnection {
  /** Its target is gone or its time is over: close, or dial another backend if it has not connected yet. */
  leaveTarget(reason: 'target_removed' | 'drain_timeout'): void;
}

export type Pick =
  | {
      readonly ok: true;
      readonly backend: Candidate;
      readonly target: TargetConnections;
      readonly spec: PoolSpec;
    }
  | { readonly ok: false; readonly reason: RefusalReason };

/** The connections to one target of one pool, dials included. */
export class TargetConnections implements TimerOwner {
  readonly address: Address;
  readonly connections = new Set<PooledConnection>();
  readonly timer = new WheelTimer(this);
  readonly #onDeadline: (connections: TargetConnections) => void;
  state: 'member' | 'leaving' | 'gone' = 'member';

  constructor(target: string, onDeadline: (connections: TargetConnections) => void) {
    this.#onDeadline = onDeadline;
    const address = parseTarget(target);
    if (address === null) throw new TypeError(`The roster holds a target that is no address: ${target}`);
    this.address = address;
  }

  onTimer(): void {
    this.#onDeadline(this);
  }

  closeAll(reason: 'target_removed' | 'drain_timeout'): void {
    for (const connection of this.connections) connection.leaveTarget(reason);
  }
}

export class ProxiedPool {
  readonly id: string;
  readonly stats: PoolStats = { connectFailures: 0, retries: 0, picksByBackend: {} };
  readonly #environment: PoolEnvironment;
  readonly #connectionsByTarget = new Map<string, TargetConnections>();
  readonly #picksByBackend = new Map<string, number>();
  #view: View;
  #spec: PoolSpec | null = null;
  #policy: SelectionPolicy | null = null;
  /** The newest set; undefined when the view has changed since. */
  #set: BackendSet | null | undefined;

  constructor(id: string, view: View, environment: PoolEnvironment) {
    this.id = id;
    this.#view = view;
    this.#environment = environment;
  }

  /** The next backend for a connection that has tried `triedIds` already, and the place to be counted under. */
  pick(triedIds: readonly string[]): Pick {
    this.#set ??= backendSet(this.#view, this.id);
    const set = this.#set;
    if (set === null) return { ok: false, reason: 'unknown_pool' };
    if (triedIds.length >= set.spec.connectAttempts) return { ok: false, reason: 'connect_failed' };
    const picked = this.#policyOf(set.spec).pick(set, this.#request(set, triedIds));
    this.#environment.onDecision?.({
      pool: this.id,
      revision: set.revision,
      candidates: set.backends,
      pick: picked?.id ?? null,
    });
    if (picked === null) return { ok: false, reason: this.#whyNone(set, triedIds) };
    this.#picksByBackend.set(picked.id, (this.#picksByBackend.get(picked.id) ?? 0) + 1);
    return { ok: true, backend: picked, target: this.#targetConnections(picked.target), spec: set.spec };
  }

  /** The set is to be made anew at the next pick. */
  refresh(view: View): void {
    this.#view = view;
    this.#set = undefined;
  }

  /** A backend of this pool was added, changed or removed; `refresh` comes first. */
  backendChanged(before: Backend | null, after: Backend | null): void {
    if (before !== null && after === null) this.#picksByBackend.delete(before.id);
    if (before !== null) this.#reconcile(before.target.value, after);
    if (after !== null && after.target.value !== before?.target.value) this.#reconcile(after.target.value, after);
  }

  get connectionCount(): number {
    let count = 0;
    for (const { connections } of this.#connectionsByTarget.values()) count += connections.size;
    return count;
  }

  /** A copy of the counters. */
  snapshot(): PoolStats {
    return { ...this.stats, picksByBackend: Object.fromEntries(this.#picksByBackend) };
  }

  #policyOf(spec: PoolSpec): SelectionPolicy {
    if (this.#policy === null || this.#spec?.policy !== spec.policy) {
      this.#policy = createSelectionPolicy(spec.policy, { startOffset: this.#environment.workerIndex });
    }
    this.#spec = spec;
    return this.#policy;
  }

  #request({ spec }: BackendSet, triedIds: readonly string[]): PickRequest {
    const limit = spec.maxConnectionsPerBackend;
    if (triedIds.length === 0 && limit === undefined) return ANY_BACKEND;
    return {
      isExcluded: ({ id, target }) =>
        triedIds.includes(id) ||
        (limit !== undefined && (this.#connectionsByTarget.get(target)?.connections.size ?? 0) >= limit),
    };
  }

  #whyNone({ backends }: BackendSet, triedIds: readonly string[]): RefusalReason {
    if (triedIds.length > 0) return 'connect_failed';
    return backends.length === 0 ? 'empty_set' : 'backends_full';
  }

  #targetConnections(target: string): TargetConnections {
    let found = this.#connectionsByTarget.get(target);
    if (found === undefined) {
      found = new TargetConnections(target, (leaving) => this.#deadlineReached(target, leaving));
      this.#connectionsByTarget.set(target, found);
    }
    return found;
  }

  #reconcile(target: string, changed: Backend | null): void {
    const connections = this.#connectionsByTarget.get(target);
    if (connections === undefined) return;
    const isReady = changed?.target.value === target && changed.mode.value === 'ready';
    const pool = this.#view.roster.pools.get(this.id) ?? null;
    // Only a backend that is leaving makes us look whether another one of the pool has the same target.
    const holders = isReady ? [changed] : holdersOf(target, pool);
    if (holders.some(({ mode }) => mode.value === 'ready')) this.#keep(connections);
    else if (holders.length > 0) this.#drain(connections, Math.max(...holders.map(({ mode }) => mode.timeMs)));
    else this.#remove(target, connections);
  }

  #keep(connections: TargetConnections): void {
    connections.state = 'member';
    this.#environment.wheel.clear(connections.timer);
  }

  #drain(connections: TargetConnections, sinceMs: number): void {
    const { drainTimeoutMs } = this.#view.roster.pools.get(this.id)?.spec ?? this.#spec!;
    connections.state = 'leaving';
    // The journal's clock may run ahead of this one: nobody drains for longer than the timeout.
    const leftMs = Math.min(drainTimeoutMs, sinceMs + drainTimeoutMs - this.#environment.wallMs());
    this.#environment.wheel.set(connections.timer, leftMs);
  }

  /** A target that is gone from the pool leaves the table too; one that is drained stays, and may come back. */
  #deadlineReached(target: string, connections: TargetConnections): void {
    if (holdersOf(target, this.#view.roster.pools.get(this.id) ?? null).length === 0) {
      connections.state = 'gone';
      this.#connectionsByTarget.delete(target);
    }
    connections.closeAll('drain_timeout');
  }

  #remove(target: string, connections: TargetConnections): void {
    const spec = this.#view.roster.pools.get(this.id)?.spec ?? this.#spec;
    if (spec?.onRemoval === 'drain' && connections.connections.size > 0) {
      // It stays in the table, so that a registration of the same target before the deadline finds it again. What is
      // gone has no time of its own on the roster: the deadline counts from the newest event of the same batch.
      if (connections.state === 'member') this.#drain(connections, this.#view.roster.timeMs);
      return;
    }
    connections.state = 'gone';
    this.#connectionsByTarget.delete(target);
    this.#environment.wheel.clear(connections.timer);
    connections.closeAll('target_removed');
  }
}

function holdersOf(target: string, pool: Pool | null): Backend[] {
  return pool === null ? [] : [...pool.backends.values()].filter((backend) => backend.target.value === target);
}
