/**
 * Totals of the traffic over all workers of a node, for its whole life.
 *
 * A worker counts from zero and may die. The totals here only grow: each report adds what was counted since the report
 * before it by the same process, and what a dead process had counted stays. Lost is what it counted after its last
 * report, at most a second's worth. Gauges (what is open or under way) are summed over the processes that live.
 */
import type { NodeHandle, WorkerStatus } from '@muster/actors';
import type { Roster } from '@muster/membership';
import type { PoolGauges, ProxyStats } from '@muster/proxy';
import { inTurns, type Pace } from '@muster/replay/turns';
import type { ResolverStats } from '@muster/transport';
import type { Traffic } from '@muster/questions/status';
import { HttpTotals } from './http-totals.ts';

/** How often the totals are brought up to date, in ms; the workers report as often. */
const TRAFFIC_INTERVAL_MS = 1_000;

/** Lines of a worker's access log. */
export interface AccessLogStats {
  /** Lines that were handed to the operating system. */
  readonly written: number;
  /** Lines that there was no room for, because nobody read fast enough. */
  readonly dropped: number;
}

/** What a worker reports once a second: what its data plane counts, and the lines of its access log. Cumulative since the worker's start, gauges apart. */
export interface WorkerStats extends ProxyStats {
  readonly accessLog: AccessLogStats;
  readonly names: ResolverStats;
  /** Dials that were not made, because the target is one that this node does not dial. */
  readonly refusedTargets: number;
}

export class TrafficTotals {
  readonly http = new HttpTotals();
  /** Of the access log: lines by what became of them. */
  readonly accessLog: Writable<AccessLogStats> = { written: 0, dropped: 0 };
  /** The newest report of each live process, by `index:pid`. */
  readonly #newest = new Map<string, WorkerStats>();
  #updating: Promise<void> | null = null;
  readonly #totals: Traffic = { listeners: emptyRecord(), pools: emptyRecord() };

  /**
   * Takes the workers' newest reports, in turns: with ten thousand backends each takes some 10 ms. What the roster no longer has is
   * forgotten, so that the totals stay bounded. Who comes while reports are being taken is answered with those.
   */
  update(workers: readonly WorkerStatus[], roster: Pick<Roster, 'listeners' | 'pools'>): Promise<void> {
    this.#updating ??= this.#update(workers, roster).finally(() => (this.#updating = null));
    return this.#updating;
  }

  async #update(workers: readonly WorkerStatus[], roster: Pick<Roster, 'listeners' | 'pools'>): Promise<void> {
    const live = new Set<string>();
    const pace = inTurns();
    for (const { index, pid, stats } of workers) {
      if (pid === null) continue;
      const key = `${index}:${pid}`;
      live.add(key);
      const before = this.#newest.get(key);
      if (!isWorkerStats(stats) || stats === before) continue;
      await this.#add(stats, before, pace);
      this.#newest.set(key, stats);
    }
    for (const key of this.#newest.keys()) if (!live.has(key)) this.#newest.delete(key);
    this.#sumGauges();
    await pace();
    this.#forget(roster);
    await pace();
    this.http.forget(roster);
  }

  /** Live; read only. */
  totals(): Traffic {
    return this.#totals;
  }

  async #add(now: WorkerStats, before: WorkerStats | undefined, pace: Pace): Promise<void> {
    const { listeners, pools } = this.#totals;
    grow(this.accessLog, now.accessLog, before?.accessLog);
    grow(listeners, now.listeners, before?.listeners);
    await pace();
    grow(pools, now.pools, before?.pools);
    await pace();
    await this.http.add(now.http, before?.http ?? null, pace);
  }

  #sumGauges(): void {
    const { listeners, pools } = this.#totals;
    for (const stats of Object.values(listeners)) stats.open = 0;
    for (const { now } of Object.values(pools)) for (const key of Object.keys(now)) now[key as keyof PoolGauges] = 0;
    // A report may speak of what was forgotten since.
    for (const report of this.#newest.values()) {
      for (const [id, { open }] of Object.entries(report.listeners)) {
        if (listeners[id] !== undefined) listeners[id].open += open;
      }
      for (const [id, { now }] of Object.entries(report.pools)) {
        if (pools[id] !== undefined) grow(pools[id].now, now, undefined);
      }
    }
  }

  #forget(roster: Pick<Roster, 'listeners' | 'pools'>): void {
    const { listeners, pools } = this.#totals;
    for (const [id, { open }] of Object.entries(listeners)) {
      if (open === 0 && !roster.listeners.has(id)) delete listeners[id];
    }
    for (const [id, { picksByBackend }] of Object.entries(pools)) {
      const pool = roster.pools.get(id);
      if (pool === undefined) delete pools[id];
      else
        for (const backend of Object.keys(picksByBackend))
          if (!pool.backends.has(backend)) delete picksByBackend[backend];
    }
  }
}

/** Keeps totals up to date once a second. Returns the function that ends it. */
export function followTraffic(node: Pick<NodeHandle, 'roster' | 'status'>, totals: TrafficTotals): () => void {
  const timer = setInterval(() => void totals.update(node.status().workers, node.roster()), TRAFFIC_INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

type Writable<Record> = { -readonly [Key in keyof Record]: Record[Key] };

interface Counters {
  [key: string]: number | Counters;
}

/** Adds to `sums` what `now` counted since `before`; a count that went down has started again from zero. */
function grow(sums: object, now: object, before: object | undefined): void {
  const into = sums as Counters;
  for (const [key, count] of Object.entries(now as Counters)) {
    const earlier = own(before as Counters | undefined, key);
    if (typeof count === 'number') {
      const counted = typeof earlier === 'number' && earlier <= count ? count - earlier : count;
      into[key] = ((own(into, key) as number | undefined) ?? 0) + counted;
    } else {
      if (!Object.hasOwn(into, key)) into[key] = emptyRecord();
      grow(into[key] as Counters, count, earlier as Counters | undefined);
    }
  }
}

function own<Value>(record: Readonly<Record<string, Value>> | undefined, key: string): Value | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function emptyRecord<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

function isWorkerStats(stats: unknown): stats is WorkerStats {
  return typeof stats === 'object' && stats !== null && 'listeners' in stats && 'http' in stats && 'accessLog' in stats;
}
