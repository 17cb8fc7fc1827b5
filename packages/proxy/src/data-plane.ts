/**
 * The data plane of one worker: listeners in, the newest view of the roster in, traffic through, numbers out.
 *
 * It never asks anybody. Whoever folds the events calls `update` with each new view (or only with the newest); the
 * proxy finds out what changed, and acts on it before it returns: connections to a target that is no longer in its
 * pool are closed in that call. Listening sockets come bound, from `bindSharedSocket`, usually over IPC.
 */
import { diff, emptyRoster, type ListenerSpec, type Roster, type View } from '@muster/membership';
import type { Decision } from '@muster/selection';
import { performance } from 'node:perf_hooks';
import { ANY_TARGET, systemResolver, Dialler, rawTransport, socketTransport } from '@muster/transport';
import type { CachingResolver, NameResolver, SocketHandle, TargetGuard, Transport } from '@muster/transport';
import { Listener, type ListenerEnvironment, type Protocol } from './listener/listener.ts';
import type { Outlier } from './pool/ejection-tally.ts';
import { ProxiedPool, type PoolEnvironment } from './pool/proxied-pool.ts';
import type { PoolStats } from './pool/pool-stats.ts';
import { UndialledTargets } from './pool/undialled-targets.ts';
import type { RefusalLine } from './listener/refusal-log.ts';
import { DecisionRing, type DecisionQuery } from './http/record/decision-ring.ts';
import { requestIds, type HttpEnvironment } from './http/exchange/http-service.ts';
import { HttpProtocol } from './http/http-protocol.ts';
import { HttpStats, NOBODY, type HttpTraffic } from './http/record/http-stats.ts';

import { TcpProtocol } from './tcp/tcp-protocol.ts';
import { TICK_MS, TimerWheel, WheelTimer } from './timers/timer-wheel.ts';
import { addListenerStats, emptyListenerStats, type ListenerStats } from './listener/listener-stats.ts';

export interface DataPlaneOptions {
  /** 0 for a node's first worker: where in the rotation this one begins. */
  readonly workerIndex?: number;
  /** Connections at a time, over all listeners. Default 32,768. What happens to one more: see `onSocketWanted`. */
  readonly maxConnections?: number;
  /**
   * Asks for the socket of a listener once more, which `resumeListener` takes. With it, a plane at its limit closes its sockets, so
   * that others who have them accept in its place, or the kernel queues; and asks for them when it has room. Default: nobody can be
   * asked, and one more connection is accepted and closed at once.
   */
  readonly onSocketWanted?: (listener: string) => void;
  /** Told of refused connections, at most once per listener and 5 s. Default: nobody. */
  readonly onRefusal?: (line: RefusalLine) => void;
  /** Told of a backend that failed too often in a row. Default: nobody. */
  readonly onOutlier?: (outlier: Outlier) => void;
  /**
   * The filters of a spec that names some, loaded by `loadFilters` before a listener is opened or updated with it. Default: nobody
   * loads any, and opening such a listener throws.
   */
  readonly filtersOf?: HttpEnvironment['filtersOf'];
  /** Told of each request that was answered, or not. Default: nobody. */
  readonly onExchange?: HttpEnvironment['onExchange'];
  /** Told of each request that was refused before it was one. Default: nobody. */
  readonly onRefusedHead?: HttpEnvironment['onRefusedHead'];
  /** How many of the newest requests can be asked about (`decisions`). Default 1,024; 1 or more. */
  readonly decisionsKept?: number;
  /** Wall clock, milliseconds since 1970, which drain deadlines are read on. */
  readonly wallMs?: () => number;
  /** What timeouts run on. Default: the process's monotonic clock. */
  readonly clock?: PlaneClock;
  /** Default: the event loop's handles where they are as expected, else public sockets. */
  readonly transport?: Transport;
  /** Whom host names are asked for. Default: one of its own, with the system's name servers. */
  readonly resolver?: NameResolver;
  /** Chance that all workers of a node share, and no others: what comes back ends with 508. Default: it goes round. */
  readonly loopMark?: string;
  /** Asked before each dial. Default: everything may be dialled. */
  readonly guard?: TargetGuard;
}

/** Time that never steps. A simulation gives its own. */
export interface PlaneClock {
  /** Milliseconds since some moment. */
  nowMs(): number;
  /** Calls back about every `intervalMs`, and keeps no process alive. Returns what ends it. */
  every(intervalMs: number, callBack: () => void): () => void;
}

const MONOTONIC_CLOCK: PlaneClock = {
  nowMs: () => performance.now(),
  every: (intervalMs, callBack) => {
    const interval = setInterval(callBack, intervalMs).unref();
    return () => clearInterval(interval);
  },
};

export interface ProxyStats {
  /** Over all listeners, removed ones included: never goes down, `open` apart. */
  readonly total: ListenerStats;
  readonly listeners: Record<string, ListenerStats>;
  readonly pools: Record<string, PoolStats>;
  readonly http: HttpTraffic;
}

export type OpenListenerOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'already_open' }
  /** `code` is the system's: EADDRINUSE when another process listens on the same address. */
  | { readonly ok: false; readonly reason: 'listen_failed'; readonly code: string };

/** A plane that was full accepts again when so many places are free: a sixteenth, at least 1, at most 64. */
const ROOM_MIN = 64;
/** Until a socket that did not come is asked for again. */
const SOCKET_WAIT_MS = 1_000;

export const MAX_CONNECTIONS_DEFAULT = 32_768;

export class DataPlane implements AsyncDisposable {
  readonly transport: Transport;
  readonly #dialler: Dialler;
  /** Null where it was given one. */
  readonly #ownResolver: CachingResolver | null;
  readonly #options: DataPlaneOptions;
  readonly #nextRequestId = requestIds();
  readonly #clock: PlaneClock;
  readonly #wheel: TimerWheel;
  readonly #stopTurning: () => void;
  readonly #poolEnvironment: PoolEnvironment;
  readonly #listenerEnvironment: ListenerEnvironment;
  readonly #pools = new Map<string, ProxiedPool>();
  /** Pools that the roster no longer has, whose connections may not be over yet. */
  readonly #removedPools = new Map<string, ProxiedPool>();
  readonly #listeners = new Map<string, Listener>();
  readonly #closing = new Set<Listener>();
  readonly #httpStats = new HttpStats();
  readonly #decisions: DecisionRing;
  #retiredStats: ListenerStats = emptyListenerStats();
  #view: View | null = null;
  /** Which pool has a target; of the roster that was asked last. */
  #poolsByTarget: { readonly roster: Roster; readonly poolByTarget: ReadonlyMap<string, string> } | null = null;
  #openCount = 0;
  readonly #maxConnections: number;
  /** The limit was reached, and not enough places are free yet. */
  #isFull = false;
  readonly #socketTimer = new WheelTimer({ onTimer: () => this.#askForSockets() });
  readonly #onIdle: (() => void)[] = [];

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#decisions = new DecisionRing(options.decisionsKept);
    this.#maxConnections = options.maxConnections ?? MAX_CONNECTIONS_DEFAULT;
    this.transport = options.transport ?? rawTransport ?? socketTransport;
    this.#clock = options.clock ?? MONOTONIC_CLOCK;
    this.#wheel = new TimerWheel({ nowMs: () => this.#clock.nowMs() });
    this.#ownResolver = options.resolver === undefined ? systemResolver() : null;
    const resolver = options.resolver ?? this.#ownResolver!;
    const guard = options.guard ?? ANY_TARGET;
    const nowMs = (): number => this.#clock.nowMs();
    this.#dialler = new Dialler({
      transport: this.transport,
      resolver,
      guard,
      clock: { nowMs, after: (delayMs, callBack) => this.#wheel.after(delayMs, callBack) },
    });
    this.#stopTurning = this.#clock.every(TICK_MS, () => this.#wheel.turn());
    this.#poolEnvironment = {
      wheel: this.#wheel,
      resolver,
      wallMs: options.wallMs ?? Date.now,
      nowMs,
      onOutlier: options.onOutlier ?? (() => undefined),
      workerIndex: options.workerIndex ?? 0,
      heirOf: (target) => this.#heirOf(target),
      undialled: new UndialledTargets(guard, nowMs),
    };
    this.#listenerEnvironment = {
      transport: this.transport,
      wheel: this.#wheel,
      hasRoom: () => this.#openCount < this.#maxConnections && !this.#isFull,
      canPause: options.onSocketWanted !== undefined,
      onEmpty: (listener) => this.#retire(listener),
      onOpenCountChanged: (delta) => this.#openCountChanged(delta),
      logRefusal: options.onRefusal ?? (() => undefined),
    };
  }

  /**
   * The newest view. `pendingPools` names the pools whose pending facts changed since the last one, because those are
   * not in the roster. Costs O(log n) per changed backend; a pool's set is made at the next pick from it.
   */
  update(view: View, pendingPools: Iterable<string> = []): void {
    const before = this.#view?.roster ?? emptyRoster(view.roster.cluster);
    this.#view = view;
    this.#forgetEmptyPools();
    const changes = diff(before, view.roster);
    for (const change of changes) if (change.kind === 'pool') this.#poolChanged(change.after?.id ?? change.before!.id);
    for (const id of pendingPools) this.#pools.get(id)?.refresh(view);
    if (before.nodes !== view.roster.nodes) this.#nodesChanged();
    const touched = new Set(
      changes.map((change) => (change.kind === 'backend' ? (change.after ?? change.before!).pool : '')),
    );
    for (const id of touched) this.#anyPool(id)?.refresh(view);
    for (const change of changes) {
      if (change.kind !== 'backend') continue;
      const { pool, id } = change.after ?? change.before!;
      this.#anyPool(pool)?.backendChanged(change.before, change.after);
      if (change.after === null) this.#httpStats.forgetBackend(pool, id);
    }
  }

  /** Starts accepting on a bound socket, which is the proxy's from now on (in this process) whatever the outcome. */
  async openListener(id: string, spec: ListenerSpec, handle: SocketHandle): Promise<OpenListenerOutcome> {
    if (this.#listeners.has(id)) return { ok: false, reason: 'already_open' };
    const listener = new Listener(id, this.#protocolOf(spec), this.#listenerEnvironment);
    this.#listeners.set(id, listener);
    const outcome = await listener.open(handle);
    if (outcome.ok) return { ok: true };
    this.#listeners.delete(id);
    return { ok: false, reason: 'listen_failed', code: outcome.code };
  }

  /** For connections and requests from now on; another `bind` needs a new listener. */
  updateListener(id: string, spec: ListenerSpec): void {
    const listener = this.#listeners.get(id);
    if (listener?.protocolName === spec.protocol) listener.update(spec);
    else listener?.speak(this.#protocolOf(spec));
  }

  /**
   * Stops accepting, as soon as what waits in the kernel's queue is taken; its connections have `drainTimeoutMs` to finish.
   * `onAcceptorClosed` is called when the socket is no longer this process's, at once where it never was.
   */
  closeListener(id: string, drainTimeoutMs: number, onAcceptorClosed: () => void = () => undefined): void {
    const listener = this.#listeners.get(id);
    if (listener === undefined) return onAcceptorClosed();
    this.#closingNow(listener);
    listener.stop(drainTimeoutMs, 'listener_removed', onAcceptorClosed);
  }

  /** The socket that `onSocketWanted` asked for. It is closed where the listener is open, or gone. */
  resumeListener(id: string, handle: SocketHandle): void {
    const listener = this.#listeners.get(id);
    if (listener?.isPaused === true) void listener.open(handle);
    else (handle as { close(): void }).close();
  }

  /** A copy of all counters. */
  stats(): ProxyStats {
    const open = [...this.#listeners.values(), ...this.#closing].map(({ stats }) => stats);
    return {
      total: open.reduce(addListenerStats, this.#retiredStats),
      listeners: Object.fromEntries([...this.#listeners].map(([id, { stats }]) => [id, structuredClone(stats)])),
      pools: Object.fromEntries([...this.#pools].map(([id, pool]) => [id, pool.snapshot()])),
      http: this.#httpStats.snapshot((pool, backend) => this.#isOnRoster(pool, backend)),
    };
  }

  /** What was decided about the newest requests, the newest first. */
  decisions(query: DecisionQuery): Decision[] {
    return this.#decisions.find(query);
  }

  /** What was decided about the request that was over last, with its candidates; null before the first one. */
  newestDecision(): Decision | null {
    return this.#decisions.newest();
  }

  /** Stops accepting and waits until the last connection is over; what is open after `timeoutMs` is closed. */
  async drain(timeoutMs: number): Promise<void> {
    for (const listener of [...this.#listeners.values(), ...this.#closing]) this.#stop(listener, timeoutMs);
    if (this.#closing.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  /** Closes everything at once. */
  close(): void {
    for (const listener of [...this.#listeners.values(), ...this.#closing]) this.#stop(listener, 0);
    for (const pool of this.#pools.values()) pool.closeIdle();
    this.#ownResolver?.close();
    this.#stopTurning();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  #protocolOf(spec: ListenerSpec): Protocol {
    const poolNamed = (id: string) => this.#pools.get(id) ?? null;
    if (spec.protocol === 'tcp')
      return new TcpProtocol(spec, { dialler: this.#dialler, wheel: this.#wheel, poolNamed });
    return new HttpProtocol(spec, {
      dialler: this.#dialler,
      wheel: this.#wheel,
      poolNamed,
      nextRequestId: this.#nextRequestId,
      loopMark: this.#options.loopMark ?? null,
      filtersOf: this.#options.filtersOf ?? (() => null),
      onExchange: (exchange, settings) => {
        this.#httpStats.count(exchange);
        this.#decisions.add(exchange);
        this.#options.onExchange?.(exchange, settings);
      },
      onRefusedHead: (refused, settings) => {
        this.#httpStats.countRefusedHead(refused.listener, refused.reason);
        this.#options.onRefusedHead?.(refused, settings);
      },
    });
  }

  #isOnRoster(pool: string, backend: string): boolean {
    const found = this.#view?.roster.pools.get(pool);
    return found !== undefined && (backend === NOBODY || found.backends.has(backend));
  }

  #stop(listener: Listener, drainTimeoutMs: number): void {
    this.#closingNow(listener);
    listener.stop(drainTimeoutMs, 'shutdown');
  }

  #closingNow(listener: Listener): void {
    if (this.#listeners.get(listener.id) === listener) this.#listeners.delete(listener.id);
    this.#closing.add(listener);
  }

  #openCountChanged(delta: 1 | -1): void {
    this.#openCount += delta;
    if (!this.#listenerEnvironment.canPause) return;
    if (!this.#isFull && this.#openCount >= this.#maxConnections) {
      this.#isFull = true;
      for (const listener of this.#listeners.values()) listener.pause();
    } else if (this.#isFull && this.#openCount <= this.#maxConnections - this.#roomMin()) {
      this.#isFull = false;
      this.#askForSockets();
    }
  }

  #roomMin(): number {
    return Math.max(1, Math.min(ROOM_MIN, this.#maxConnections >> 4));
  }

  #askForSockets(): void {
    if (this.#isFull) return;
    let isWaiting = false;
    for (const listener of this.#listeners.values()) {
      if (!listener.isPaused) continue;
      isWaiting = true;
      this.#options.onSocketWanted!(listener.id);
    }
    if (isWaiting) this.#wheel.set(this.#socketTimer, SOCKET_WAIT_MS);
  }

  #retire(listener: Listener): void {
    if (!this.#closing.delete(listener)) return;
    this.#retiredStats = addListenerStats(this.#retiredStats, listener.stats);
    const isSucceeded = this.#listeners.has(listener.id) || [...this.#closing].some(({ id }) => id === listener.id);
    if (!isSucceeded) this.#httpStats.forgetListener(listener.id);
    if (this.#closing.size > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #poolChanged(id: string): void {
    const view = this.#view!;
    if (view.roster.pools.has(id)) {
      const pool = this.#anyPool(id) ?? new ProxiedPool(id, view, this.#poolEnvironment);
      this.#removedPools.delete(id);
      this.#pools.set(id, pool);
      pool.refresh(view);
    } else {
      const pool = this.#pools.get(id);
      if (pool === undefined) return;
      this.#pools.delete(id);
      this.#removedPools.set(id, pool);
      this.#httpStats.forgetPool(id);
      pool.refresh(view);
    }
  }

  /** The index is made once a roster, and only where a pool with connections was removed. O(backends). */
  #heirOf(target: string): ProxiedPool | null {
    const { roster } = this.#view!;
    if (this.#poolsByTarget?.roster !== roster) {
      const poolByTarget = new Map<string, string>();
      for (const { id, backends } of roster.pools.values()) {
        for (const backend of backends.values()) {
          const { value } = backend.target;
          if (backend.mode.value === 'ready' || !poolByTarget.has(value)) poolByTarget.set(value, id);
        }
      }
      this.#poolsByTarget = { roster, poolByTarget };
    }
    const heir = this.#poolsByTarget.poolByTarget.get(target);
    return heir === undefined ? null : (this.#pools.get(heir) ?? null);
  }

  /** A node that starts or stops changes who makes a majority. */
  #nodesChanged(): void {
    const view = this.#view!;
    for (const [id, pool] of this.#pools) {
      if (view.roster.pools.get(id)?.spec.healthView === 'quorum') pool.refresh(view);
    }
  }

  #anyPool(id: string): ProxiedPool | undefined {
    return this.#pools.get(id) ?? this.#removedPools.get(id);
  }

  #forgetEmptyPools(): void {
    for (const [id, pool] of this.#removedPools) if (pool.connectionCount === 0) this.#removedPools.delete(id);
  }
}
