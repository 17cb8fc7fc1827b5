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
 *
 * When a pool is removed whose targets another pool has, as after a renaming, what leads to them is that pool's from then on.
 */
import { backendSet, type Backend, type BackendSet, type Candidate } from '@muster/membership';
import type { PoolSpec, View } from '@muster/membership';
import { ANY_BACKEND, createSelectionPolicy, hashOfKey } from '@muster/selection';
import type { PickInputs, PickRequest, SelectionPolicy } from '@muster/selection';
import { EjectionTally, type Outlier } from './ejection-tally.ts';
import { parseHashKey, type HashKey } from './hash-key.ts';
import { TargetHolders, type HeldTarget } from './target-holders.ts';
import { TargetConnections, type Load } from './target-connections.ts';
import { UndialledBackends, type UndialledTargets } from './undialled-targets.ts';
import { RetryBudget, WaitingLine } from './waiting-line.ts';
import type { NameResolver } from '@muster/transport';
import type { TimerWheel } from '../timers/timer-wheel.ts';
import type { PickFailure, PoolCounters, PoolGauges, PoolStats } from './pool-stats.ts';

export interface PoolEnvironment {
  readonly wheel: TimerWheel;
  readonly resolver: NameResolver;
  /** Wall clock, milliseconds since 1970: drain deadlines count from the times of events. */
  readonly wallMs: () => number;
  /** A monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  readonly workerIndex: number;
  readonly onOutlier: (outlier: Outlier) => void;
  /** Another pool of the newest roster that has a target; null where none has it. */
  readonly heirOf: (target: string) => ProxiedPool | null;
  readonly undialled: UndialledTargets;
}

/** Who can say what a pool hashes on. */
export interface HashKeySource {
  /** '' where there is no such thing to be had. */
  hashText(key: HashKey): string;
}

export type Pick =
  | {
      readonly ok: true;
      readonly backend: Candidate;
      readonly target: TargetConnections;
      readonly spec: PoolSpec;
      /** The set that it was picked from. */
      readonly set: BackendSet;
      /** What the pick was made from besides; the policy's own, until its next pick. */
      readonly inputs: Readonly<PickInputs>;
      readonly keyHash: number;
      readonly triedIds: readonly string[];
      /** Passed over because they were at the limit of connections, as far as the policy came across them; the first 65. */
      readonly fullIds: readonly string[];
      /** Passed over because this node does not dial their targets; the first 65. */
      readonly undialledIds: readonly string[];
      /** In panic, whether those that are not eligible were passed over. */
      readonly isStrict: boolean;
    }
  | {
      readonly ok: false;
      readonly reason: PickFailure;
      /** Null: the policy was not asked, since there is no such pool, or no further attempt is allowed. */
      readonly set: BackendSet | null;
      readonly triedIds: readonly string[];
      readonly fullIds: readonly string[];
      readonly undialledIds: readonly string[];
    };

/** How often a set whose weights grow is made again. */
const REMAKE_TICKS = 10;
/** Backends at their limit that a pick tells of: one more than is kept of it, which shows that there were too many. */
const FULL_TOLD_MAX = 65;
const NONE: readonly string[] = [];
/** By the very backend that has just changed, and perhaps by others. */
const HELD_BY_READY: HeldTarget = { isReady: true, sinceMs: null };

export class ProxiedPool {
  readonly id: string;
  readonly stats: PoolCounters = { connectFailures: 0, retries: 0 };
  /** Told how its connections and requests went. */
  readonly tally: EjectionTally;
  readonly retryBudget = new RetryBudget();
  /** Requests for which every backend is at its limit of connections. */
  readonly waitingLine = new WaitingLine();
  /** Requests whose next attempt is beyond the budget. */
  readonly retryLine = new WaitingLine();
  readonly #environment: PoolEnvironment;
  readonly #request: { -readonly [Key in keyof PickRequest]: PickRequest[Key] };
  readonly #load: Load = { inFlight: 0 };
  readonly #connectionsByTarget = new Map<string, TargetConnections>();
  readonly #picksByBackend = new Map<string, number>();
  readonly #holders = new TargetHolders();
  readonly #undialled: UndialledBackends;
  #view: View;
  #spec: PoolSpec | null = null;
  #policy: SelectionPolicy | null = null;
  /** Null where the policy does not hash. */
  #hashKey: HashKey | null = null;
  /** The newest set; undefined when the view has changed since. */
  #set: BackendSet | null | undefined;
  #remakeTick = 0;

  // Of the pick under way.
  #triedIds: readonly string[] = [];
  #onlyIds: ReadonlySet<string> | null = null;
  #connectionsMax = Infinity;
  #isStrict = false;
  #fullIds: readonly string[] = NONE;
  #undialledIds: ReadonlySet<string> | null = null;

  constructor(id: string, view: View, environment: PoolEnvironment) {
    this.id = id;
    this.#view = view;
    this.#environment = environment;
    this.#undialled = new UndialledBackends(environment.undialled);
    this.#request = { ...ANY_BACKEND, inFlightOf: this.#inFlightOf };
    this.tally = new EjectionTally({
      pool: id,
      view: () => this.#view,
      nowMs: environment.nowMs,
      onOutlier: environment.onOutlier,
    });
  }

  /**
   * The next backend for a connection or request that has tried `triedIds` already, and the place to be counted under.
   * In panic a second attempt goes to an eligible backend if there is one that was not tried. `onlyIds`: the backends that
   * may be picked; null: any.
   */
  pick(triedIds: readonly string[], source: HashKeySource, onlyIds: ReadonlySet<string> | null = null): Pick {
    const set = this.#newestSet();
    if (set === null) return unasked('unknown_pool', triedIds);
    if (triedIds.length >= set.spec.connectAttempts) return unasked('connect_failed', triedIds);
    const policy = this.#policyOf(set.spec);
    this.#onlyIds = onlyIds;
    this.#undialledIds = this.#undialled.passedOver(set, onlyIds);
    const request = this.#prepare(set, triedIds, source);
    let picked = policy.pick(set, request);
    if (picked === null && this.#isStrict) {
      this.#isStrict = false;
      picked = policy.pick(set, request);
    }
    const fullIds = this.#fullIds;
    const undialledIds = this.#undialledIds === null ? NONE : this.#undialled.told;
    if (picked === null) {
      return { ok: false, reason: this.#whyNone(set, triedIds, onlyIds), set, triedIds, fullIds, undialledIds };
    }
    this.#picksByBackend.set(picked.id, (this.#picksByBackend.get(picked.id) ?? 0) + 1);
    const target = this.#targetConnections(picked.target);
    return {
      ok: true,
      backend: picked,
      target,
      spec: set.spec,
      set,
      inputs: policy.inputs,
      keyHash: request.keyHash,
      triedIds,
      fullIds,
      undialledIds,
      isStrict: this.#isStrict,
    };
  }

  /** Who may be picked after `triedIds`, whether there is room or not; nobody where no further attempt may be made. */
  candidates(triedIds: readonly string[]): readonly Candidate[] {
    const set = this.#newestSet();
    if (set === null || triedIds.length >= set.spec.connectAttempts) return [];
    const undialled = this.#undialled.passedOver(set, null);
    if (triedIds.length === 0 && undialled === null) return set.backends;
    return set.backends.filter(({ id }) => !triedIds.includes(id) && undialled?.has(id) !== true);
  }

  /** The guard refused a dial to the target. True where other backends are left, so that it need not count as an attempt. */
  notDialled(target: string): boolean {
    this.#environment.undialled.found(target);
    const set = this.#newestSet();
    return set !== null && this.#undialled.passedOver(set, null) !== null;
  }

  get spec(): PoolSpec | null {
    return this.#newestSet()?.spec ?? null;
  }

  /** The set is to be made anew at the next pick. */
  refresh(view: View): void {
    this.#view = view;
    this.#set = undefined;
    this.waitingLine.serveAll();
  }

  /** A backend of this pool was added, changed or removed; `refresh` comes first. */
  backendChanged(before: Backend | null, after: Backend | null): void {
    if (before !== null && after === null) this.#picksByBackend.delete(before.id);
    if (before !== null && after?.target.value !== before.target.value) this.tally.forget(before.id);
    if (before !== null) this.#reconcile(before.target.value, after);
    if (after !== null && after.target.value !== before?.target.value) this.#reconcile(after.target.value, after);
  }

  get connectionCount(): number {
    let count = 0;
    for (const { connections } of this.#connectionsByTarget.values()) count += connections.size;
    return count;
  }

  /** Closes kept-alive connections that wait for a request. */
  closeIdle(): void {
    for (const connections of this.#connectionsByTarget.values()) connections.closeIdle();
  }

  /** A copy of the counters. */
  snapshot(): PoolStats {
    return { ...this.stats, now: this.#gauges(), picksByBackend: Object.fromEntries(this.#picksByBackend) };
  }

  #gauges(): PoolGauges {
    let connectionsIdle = 0;
    for (const { idle } of this.#connectionsByTarget.values()) connectionsIdle += idle.length;
    return {
      requestsInFlight: this.retryBudget.requestsCount,
      requestsWaiting: this.waitingLine.count + this.retryLine.count,
      connectionsOpen: this.connectionCount,
      connectionsIdle,
    };
  }

  /** Workers begin at different backends; where chance decides, each worker of each node has a sequence of its own. */
  #startOffset({ policy }: PoolSpec): number {
    const { workerIndex } = this.#environment;
    return policy === 'round_robin' ? workerIndex : hashOfKey(`${this.#view.node}/${workerIndex}`);
  }

  #policyOf(spec: PoolSpec): SelectionPolicy {
    if (this.#policy !== null && this.#spec === spec) return this.#policy;
    if (this.#policy === null || this.#spec?.policy !== spec.policy) {
      this.#policy = createSelectionPolicy(spec.policy, { startOffset: this.#startOffset(spec) });
    }
    this.#hashKey = spec.policy === 'consistent_hash' ? parseHashKey(spec.hashKey) : null;
    this.#spec = spec;
    return this.#policy;
  }

  /** While somebody starts slowly, weights change by time alone: the set is made again now and then. */
  #newestSet(): BackendSet | null {
    const { wheel, wallMs } = this.#environment;
    const isSteady = (this.#set?.steadyAtMs ?? null) === null;
    if (!isSteady && wheel.tick >= this.#remakeTick) this.#set = undefined;
    if (this.#set !== undefined) return this.#set;
    this.#remakeTick = wheel.tick + REMAKE_TICKS;
    return (this.#set = backendSet(this.#view, this.id, wallMs()));
  }

  /** One request object serves all picks. */
  #prepare(set: BackendSet, triedIds: readonly string[], source: HashKeySource): PickRequest {
    const request = this.#request;
    this.#triedIds = triedIds;
    this.#connectionsMax = set.spec.maxConnectionsPerBackend ?? Infinity;
    this.#isStrict = triedIds.length > 0 && set.isPanic;
    this.#fullIds = NONE;
    const isUnlimited = set.spec.maxConnectionsPerBackend === undefined;
    const isPlain = triedIds.length === 0 && isUnlimited && this.#onlyIds === null && this.#undialledIds === null;
    request.isExcluded = isPlain ? null : this.#isExcluded;
    request.inFlightTotal = this.#load.inFlight;
    request.keyHash = this.#hashKey === null ? 0 : hashOfKey(source.hashText(this.#hashKey));
    return request;
  }

  readonly #isExcluded = ({ id, target, isEligible }: Candidate): boolean => {
    if (this.#triedIds.includes(id) || (this.#isStrict && !isEligible)) return true;
    if (this.#onlyIds !== null && !this.#onlyIds.has(id)) return true;
    if (this.#undialledIds !== null && this.#undialledIds.has(id)) return true;
    if (this.#connectionsMax === Infinity) return false;
    const held = this.#connectionsByTarget.get(target);
    if (held === undefined || held.connections.size < this.#connectionsMax || held.hasIdle) return false;
    this.#noteFull(id);
    return true;
  };

  /** A policy may come across the same one again. */
  #noteFull(id: string): void {
    const noted = this.#fullIds;
    if (noted.length < FULL_TOLD_MAX && !noted.includes(id)) this.#fullIds = [...noted, id];
  }

  readonly #inFlightOf = ({ target }: Candidate): number => this.#connectionsByTarget.get(target)?.inFlight ?? 0;

  #whyNone({ backends }: BackendSet, triedIds: readonly string[], onlyIds: ReadonlySet<string> | null): PickFailure {
    const isLeft = (id: string): boolean =>
      !triedIds.includes(id) && (onlyIds === null || onlyIds.has(id)) && this.#undialledIds?.has(id) !== true;
    if (backends.some(({ id }) => isLeft(id))) return 'backends_full';
    return triedIds.length > 0 ? 'connect_failed' : 'empty_set';
  }

  #targetConnections(target: string): TargetConnections {
    let found = this.#connectionsByTarget.get(target);
    if (found === undefined) {
      found = new TargetConnections(target, this.#load, (leaving) => this.#deadlineReached(target, leaving));
      this.#connectionsByTarget.set(target, found);
      found.watchName(this.#environment.resolver);
    }
    return found;
  }

  #reconcile(target: string, changed: Backend | null): void {
    const connections = this.#connectionsByTarget.get(target);
    if (connections === undefined) return;
    const isReady = changed?.target.value === target && changed.mode.value === 'ready';
    // Only a backend that is leaving makes us look whether another one of the pool has the same target.
    const held = isReady ? HELD_BY_READY : this.#holders.of(target, this.#view.roster.pools.get(this.id));
    if (held.isReady) this.#keep(connections);
    else if (held.sinceMs !== null) this.#drain(connections, held.sinceMs);
    else this.#remove(target, connections);
  }

  #keep(connections: TargetConnections): void {
    connections.state = 'member';
    this.#environment.wheel.clear(connections.timer);
  }

  #drain(connections: TargetConnections, sinceMs: number): void {
    const { drainTimeoutMs } = this.#view.roster.pools.get(this.id)?.spec ?? this.#spec!;
    connections.state = 'leaving';
    connections.closeIdle();
    // The journal's clock may run ahead of this one: nobody drains for longer than the timeout.
    const leftMs = Math.min(drainTimeoutMs, sinceMs + drainTimeoutMs - this.#environment.wallMs());
    this.#environment.wheel.set(connections.timer, leftMs);
  }

  /** A target that is gone from the pool leaves the table too; one that is drained stays, and may come back. */
  #deadlineReached(target: string, connections: TargetConnections): void {
    if (this.#holders.of(target, this.#view.roster.pools.get(this.id)).sinceMs === null) {
      connections.leaveTable();
      this.#connectionsByTarget.delete(target);
    }
    connections.closeAll('drain_timeout');
  }

  /** Connections to a target that were a removed pool's. */
  #inherit(target: string, connections: TargetConnections): void {
    connections.passTo(this.#targetConnections(target));
    this.#reconcile(target, null);
  }

  #remove(target: string, connections: TargetConnections): void {
    const heir = this.#view.roster.pools.has(this.id) ? null : this.#environment.heirOf(target);
    if (heir !== null) {
      this.#connectionsByTarget.delete(target);
      this.#environment.wheel.clear(connections.timer);
      connections.leaveTable();
      return heir.#inherit(target, connections);
    }
    const spec = this.#view.roster.pools.get(this.id)?.spec ?? this.#spec;
    if (spec?.onRemoval === 'drain' && connections.connections.size > 0) {
      // It stays in the table, so that a registration of the same target before the deadline finds it again. What is
      // gone has no time of its own on the roster: the deadline counts from the newest event of the same batch.
      if (connections.state === 'member') this.#drain(connections, this.#view.roster.timeMs);
      return;
    }
    connections.leaveTable();
    this.#connectionsByTarget.delete(target);
    this.#environment.wheel.clear(connections.timer);
    connections.closeAll('target_removed');
  }
}

/** A pick for which the policy was not asked. */
function unasked(reason: PickFailure, triedIds: readonly string[]): Pick {
  return { ok: false, reason, set: null, triedIds, fullIds: NONE, undialledIds: NONE };
}
