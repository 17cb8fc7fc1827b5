/**
 * HTTP requests over all workers of a node, for its whole life: the part of `TrafficTotals` that is by backend, and so the large
 * one. A worker's report of it is two flat lists per listener and pool; for 10,000 backends that is 280 KB, which take the worker
 * 2 ms to make and write, and the control process 7 ms to read and add. A backend without requests costs nothing.
 */
import type { Roster } from '@muster/membership';
import type { Pace } from '@muster/replay/turns';
import { STATUS_CLASSES, type HttpPoolTraffic, type HttpTraffic, type LatencyCounts } from '@muster/proxy';

const CLASSES_COUNT = STATUS_CLASSES.length;

/** What one pool took from one listener. */
export interface HttpPoolTotals {
  readonly listener: string;
  /** '' where no pool took it. */
  readonly pool: string;
  /** Six counts each, by `STATUS_CLASSES`; '' where no backend was tried. */
  readonly requestsByBackend: Map<string, number[]>;
  readonly terminations: Map<string, number>;
  retries: number;
  staleConnections: number;
  readonly duration: LatencyTotals;
  readonly answer: LatencyTotals;
}

interface LatencyTotals extends LatencyCounts {
  sumMs: number;
}

export class HttpTotals {
  /** By listener, then by reason. */
  readonly refusedHeads = new Map<string, Map<string, number>>();
  /** By listener and pool: `web/spells`. */
  readonly #totals = new Map<string, HttpPoolTotals>();

  /** Live; read only. */
  pools(): HttpPoolTotals[] {
    return [...this.#totals.values()];
  }

  /** What one process counted since its report before; null: since its start. In turns. */
  async add(now: HttpTraffic, before: HttpTraffic | null, pace: Pace): Promise<void> {
    const earlier = new Map(before?.pools.map((traffic) => [keyOf(traffic), traffic]));
    for (const traffic of now.pools) {
      this.#addPool(traffic, earlier.get(keyOf(traffic)) ?? null);
      const turn = pace();
      if (turn !== undefined) await turn;
    }
    for (const [listener, counts] of Object.entries(now.refusedHeads)) {
      let byReason = this.refusedHeads.get(listener);
      if (byReason === undefined) this.refusedHeads.set(listener, (byReason = new Map<string, number>()));
      addCounts(byReason, counts, ownValue(before?.refusedHeads, listener));
    }
  }

  forget({ listeners, pools }: Pick<Roster, 'listeners' | 'pools'>): void {
    for (const listener of this.refusedHeads.keys()) if (!listeners.has(listener)) this.refusedHeads.delete(listener);
    for (const [key, { listener, pool, requestsByBackend }] of this.#totals) {
      const found = pools.get(pool);
      if (!listeners.has(listener) || (pool !== '' && found === undefined)) this.#totals.delete(key);
      for (const backend of requestsByBackend.keys()) {
        if (backend !== '' && found?.backends.has(backend) !== true) requestsByBackend.delete(backend);
      }
    }
  }

  #addPool(now: HttpPoolTraffic, before: HttpPoolTraffic | null): void {
    const key = keyOf(now);
    let totals = this.#totals.get(key);
    if (totals === undefined) this.#totals.set(key, (totals = emptyTotals(now)));
    addRequests(totals.requestsByBackend, now, before);
    addCounts(totals.terminations, now.terminations, before?.terminations);
    totals.retries += since(now.retries, before?.retries);
    totals.staleConnections += since(now.staleConnections, before?.staleConnections);
    addLatency(totals.duration, now.duration, before?.duration);
    addLatency(totals.answer, now.answer, before?.answer);
  }
}

/** No name has a slash. */
function keyOf({ listener, pool }: Pick<HttpPoolTraffic, 'listener' | 'pool'>): string {
  return `${listener}/${pool}`;
}

/** Since the report before. A count that went down has started again from zero. */
function since(now: number, before = 0): number {
  return before <= now ? now - before : now;
}

function addRequests(totals: Map<string, number[]>, now: HttpPoolTraffic, before: HttpPoolTraffic | null): void {
  const earlierAt = new Map(before?.backends.map((backend, index) => [backend, index * CLASSES_COUNT]));
  for (const [index, backend] of now.backends.entries()) {
    const at = index * CLASSES_COUNT;
    const beforeAt = earlierAt.get(backend);
    let sums = totals.get(backend);
    if (sums === undefined) totals.set(backend, (sums = Array<number>(CLASSES_COUNT).fill(0)));
    for (let of = 0; of < CLASSES_COUNT; of++) {
      const earlier = beforeAt === undefined ? 0 : before!.requests[beforeAt + of]!;
      sums[of]! += since(now.requests[at + of]!, earlier);
    }
  }
}

type Counts = Readonly<Partial<Record<string, number>>>;

function addCounts(totals: Map<string, number>, now: Counts, before: Counts | undefined): void {
  for (const [key, count = 0] of Object.entries(now)) {
    totals.set(key, (totals.get(key) ?? 0) + since(count, ownValue(before, key)));
  }
}

function addLatency(totals: LatencyTotals, now: LatencyCounts, before: LatencyCounts | undefined): void {
  totals.sumMs += since(now.sumMs, before?.sumMs);
  for (const [bucket, count] of now.counts.entries()) {
    totals.counts[bucket] = (totals.counts[bucket] ?? 0) + since(count, before?.counts[bucket]);
  }
}

function ownValue<Value>(record: Readonly<Partial<Record<string, Value>>> | undefined, key: string): Value | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function emptyTotals({ listener, pool }: HttpPoolTraffic): HttpPoolTotals {
  return {
    listener,
    pool,
    requestsByBackend: new Map(),
    terminations: new Map(),
    retries: 0,
    staleConnections: 0,
    duration: { counts: [], sumMs: 0 },
    answer: { counts: [], sumMs: 0 },
  };
}
