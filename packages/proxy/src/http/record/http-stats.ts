/**
 * What the requests of a worker are counted as: by listener, pool, backend and status class, how they ended, how long they took.
 *
 *     listener × pool ──► how it ended, retries, stale connections, two histograms
 *          └─ backend ──► six counts: nothing said, 1xx, 2xx, 3xx, 4xx, 5xx
 *
 * A request is counted once, when it is over, under the backend of its last attempt. That costs two look-ups and a handful of
 * additions, about a tenth of a microsecond, so that it is always on. Names come from the roster alone (the request names
 * nothing), so the number of counts is bounded by it; what leaves the roster is forgotten.
 */
import type { ExchangeRecord } from './exchange-record.ts';
import { LatencyHistogram, type LatencyCounts } from './latency-histogram.ts';
import type { Termination } from './termination.ts';

/** In place of a pool where none took the request, and of a backend where none was tried. */
export const NOBODY = '';

/** How a request may have been answered: `none` is the client that was told nothing. By position in `requests`. */
export const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const CLASSES_COUNT = STATUS_CLASSES.length;

/** The requests of one listener that one pool took; cumulative. Plain data: workers send it once a second. */
export interface HttpPoolTraffic {
  readonly listener: string;
  /** '': no route led anywhere, or to a pool that does not exist. */
  readonly pool: string;
  /** The ids of backends that were the last attempt of some request; '' stands for requests that were not sent to anybody. */
  readonly backends: string[];
  /** Six for each of `backends`, in its order: see `STATUS_CLASSES`. */
  readonly requests: number[];
  /** By how they ended; what never happened is left out. */
  readonly terminations: Partial<Record<Termination, number>>;
  /** Attempts after the first of a request. */
  readonly retries: number;
  /** Attempts whose kept-alive connection had ended. */
  readonly staleConnections: number;
  /** From the head of the request to the end of the answer; without tunnels, which last as long as they like. */
  readonly duration: LatencyCounts;
  /** From the beginning of the last attempt to the head of its answer, dial included. */
  readonly answer: LatencyCounts;
}

export interface HttpTraffic {
  readonly pools: HttpPoolTraffic[];
  /** By listener and reason: requests that were refused before they were any. */
  readonly refusedHeads: Record<string, Record<string, number>>;
}

/** Whether the roster has that pool, and in it that backend; any pool has `NOBODY`. */
export type IsOnRoster = (pool: string, backend: string) => boolean;

interface Cells {
  readonly listener: string;
  readonly pool: string;
  readonly requestsByBackend: Map<string, number[]>;
  readonly terminations: Map<Termination, number>;
  finished: number;
  retries: number;
  staleConnections: number;
  readonly duration: LatencyHistogram;
  readonly answer: LatencyHistogram;
}

export class HttpStats {
  readonly #cellsByListener = new Map<string, Map<string, Cells>>();
  readonly #refusedByListener = new Map<string, Map<string, number>>();
  /** The ones that were used last: most requests in a row go the same way. */
  #cells: Cells | null = null;
  /** Made since the last snapshot, by a request that may have outlived its backend. */
  #unchecked: { readonly cells: Cells; readonly backend: string }[] = [];

  count(exchange: ExchangeRecord): void {
    const { attempts, termination, status } = exchange;
    const cells = this.#cellsOf(exchange);
    const last = attempts.length === 0 ? null : attempts[attempts.length - 1]!;
    const backend = last === null ? NOBODY : last.backend;
    const requests = cells.requestsByBackend.get(backend) ?? this.#addBackend(cells, backend);
    requests[status < 600 ? (status / 100) | 0 : CLASSES_COUNT - 1]!++;
    if (termination === 'finished') cells.finished++;
    else cells.terminations.set(termination, (cells.terminations.get(termination) ?? 0) + 1);
    if (status !== 101) cells.duration.add(exchange.durationMs);
    if (last !== null && last.answeredAtMs >= 0) cells.answer.add(last.answeredAtMs - last.startedAtMs);
    if (attempts.length > 1) countRetries(cells, exchange);
  }

  countRefusedHead(listener: string, reason: string): void {
    const byReason = computed(this.#refusedByListener, listener, () => new Map<string, number>());
    byReason.set(reason, (byReason.get(reason) ?? 0) + 1);
  }

  /** A copy of all counts. What a request made that the roster no longer has is in it once, and then forgotten. */
  snapshot(isOnRoster: IsOnRoster): HttpTraffic {
    const pools = [...this.#cellsByListener.values()].flatMap((byPool) => [...byPool.values()].map(trafficOf));
    const refused = [...this.#refusedByListener].map(([id, byReason]) => [id, Object.fromEntries(byReason)] as const);
    for (const { cells, backend } of this.#unchecked) {
      if (!isOnRoster(cells.pool, NOBODY)) this.forgetPool(cells.pool);
      else if (!isOnRoster(cells.pool, backend)) cells.requestsByBackend.delete(backend);
    }
    this.#unchecked = [];
    return { pools, refusedHeads: Object.fromEntries(refused) };
  }

  forgetListener(id: string): void {
    this.#cells = null;
    this.#cellsByListener.delete(id);
    this.#refusedByListener.delete(id);
  }

  forgetPool(id: string): void {
    this.#cells = null;
    for (const byPool of this.#cellsByListener.values()) byPool.delete(id);
  }

  forgetBackend(pool: string, backend: string): void {
    for (const byPool of this.#cellsByListener.values()) byPool.get(pool)?.requestsByBackend.delete(backend);
  }

  #cellsOf({ listener, pool: routed, termination }: ExchangeRecord): Cells {
    const pool = routed === null || termination === 'unknown_pool' ? NOBODY : routed;
    const newest = this.#cells;
    if (newest !== null && newest.pool === pool && newest.listener === listener) return newest;
    const byPool = computed(this.#cellsByListener, listener, () => new Map<string, Cells>());
    return (this.#cells = computed(byPool, pool, () => emptyCells(listener, pool)));
  }

  #addBackend(cells: Cells, backend: string): number[] {
    const requests = Array<number>(CLASSES_COUNT).fill(0);
    cells.requestsByBackend.set(backend, requests);
    if (cells.pool !== NOBODY) this.#unchecked.push({ cells, backend });
    return requests;
  }
}

function countRetries(cells: Cells, { attempts }: ExchangeRecord): void {
  cells.retries += attempts.length - 1;
  for (const { outcome } of attempts) if (outcome === 'stale') cells.staleConnections++;
}

function emptyCells(listener: string, pool: string): Cells {
  return {
    listener,
    pool,
    requestsByBackend: new Map(),
    terminations: new Map(),
    finished: 0,
    retries: 0,
    staleConnections: 0,
    duration: new LatencyHistogram(),
    answer: new LatencyHistogram(),
  };
}

function trafficOf(cells: Cells): HttpPoolTraffic {
  const { listener, pool, finished, retries, staleConnections } = cells;
  const requests: number[] = [];
  for (const counts of cells.requestsByBackend.values()) requests.push(...counts);
  const terminations: Partial<Record<Termination, number>> = Object.fromEntries(cells.terminations);
  if (finished > 0) terminations.finished = finished;
  return {
    listener,
    pool,
    backends: [...cells.requestsByBackend.keys()],
    requests,
    terminations,
    retries,
    staleConnections,
    duration: cells.duration.snapshot(),
    answer: cells.answer.snapshot(),
  };
}

function computed<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
