/** A node's status as people read it. */
import type { BackendView, PoolView, RosterView } from '../admin/roster-view.ts';
import type { StatusView } from '../admin/status-view.ts';
import { leadsTo } from '../config/listener-text.ts';
import { alertLines, nodeLines } from './nodes-text.ts';
import { duration, printable, timeOfDay } from './plain-text.ts';
import { paint } from './session.ts';
import { tableLines, type Line } from './table.ts';

/** Backends shown per pool; `backend list` shows all. */
const BACKENDS_SHOWN_MAX = 50;

export interface StatusAnswer {
  readonly status: StatusView;
  readonly roster: RosterView;
}

/** `nowMs` decides how long ago things happened; `height`: of the terminal that all of it is to fit into, null for no limit. */
export function statusLines({ status, roster }: StatusAnswer, nowMs: number, height: number | null = null): Line[] {
  const [before, troubles, after] = [
    [alertLines(status), headLines(status, nowMs), nodeLines({ status, roster }, nowMs)],
    [...failureLines(status), ...nameLines(status), ...panicLines(roster.pools)],
    [
      workerLines(status),
      status.givenUp.map(({ actor, reason }) => paint('red', printable(`given up: ${actor}: ${reason}`))),
    ],
  ];
  const around = sections([...before, troubles, ...after]);
  const room = height === null ? null : tableRoom(height - linesCount(around) - BLANK_LINES, roster.listeners.length);
  const listeners = listenerLines(status, roster, room?.listeners ?? null);
  const shown = { traffic: status.traffic, nowMs, shownMax: BACKENDS_SHOWN_MAX, rowsMax: room?.backends ?? null };
  return sections([...before, listeners, troubles, backendLines(roster.pools, shown), ...after]);
}

/** Around the two tables that are cut to the room that there is. */
const BLANK_LINES = 2;
/** Rows that each of them keeps, however small the terminal is. */
const ROWS_MIN = 3;

function sections(parts: readonly (readonly Line[])[]): Line[] {
  return parts.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

function linesCount(lines: readonly Line[]): number {
  return lines.reduce((sum, line) => sum + (typeof line === 'string' ? 1 : line.rows.length + 1), 0);
}

/** Listeners take a third at most; two lines are the heads of both tables. */
function tableRoom(height: number, listenersCount: number): { readonly listeners: number; readonly backends: number } {
  const rows = Math.max(2 * ROWS_MIN, height - 2);
  const listeners = Math.min(listenersCount, Math.max(ROWS_MIN, Math.floor(rows / 3)));
  return { listeners, backends: Math.max(ROWS_MIN, rows - listeners) };
}

interface StatusRow {
  readonly cells: readonly string[];
  /** Whether a person should look at it. */
  readonly isWrong: boolean;
}

/** All of them, in their order; where there is no room for all, those with something wrong first, and how many are left out. */
function cappedRows(rows: readonly StatusRow[], rowsMax: number | null): (readonly string[])[] {
  if (rowsMax === null || rows.length <= rowsMax) return rows.map(({ cells }) => cells);
  const ordered = rows.toSorted((a, b) => Number(b.isWrong) - Number(a.isWrong));
  const shown = ordered.slice(0, Math.max(0, rowsMax - 1)).map(({ cells }) => cells);
  return [...shown, [`… ${rows.length - shown.length} more`]];
}

function headLines(status: StatusView, nowMs: number): string[] {
  const { node, cluster, state, revision, hash, headRevision, journalAwaySinceMs, pendingFactsCount } = status;
  const { journalAwayReason: why } = status;
  const behind = Math.max(0, headRevision - revision);
  const lag = behind === 0 ? 'up to date' : `${behind} events behind`;
  const journal =
    journalAwaySinceMs === null
      ? lag
      : paint('red', `away, this node is stale since ${timeOfDay(journalAwaySinceMs)}; traffic goes on`);
  const facts = pendingFactsCount === 0 ? '' : `, ${pendingFactsCount} facts waiting for it`;
  const rejected = status.rejectedCount === 0 ? '' : `, ${status.rejectedCount} events rejected`;
  return [
    `node ${paint('bold', node)} of cluster ${cluster}: ${paintState(state)} for ${duration(nowMs - status.startedMs)}`,
    `revision ${revision}, hash ${hash}; journal ${journal}${facts}${rejected}`,
    ...(why === null ? [] : [paint('red', printable(`why: ${why}`))]),
    `probes: ${status.probes.passedCount} passed, ${status.probes.failedCount} failed${leasesText(status)}`,
    ...observationLines(status, nowMs),
    ...originLines(status),
  ];
}

function leasesText({ leases: { count, expiredCount } }: StatusView): string {
  return count + expiredCount === 0 ? '' : `; leases: ${count} held, ${expiredCount} ended by this node`;
}

function observationLines({ observations }: StatusView, nowMs: number): string[] {
  if (observations === null) return [];
  const { bytes, sinceMs, lostCount, failure } = observations;
  const since = sinceMs === null ? 'none yet' : `of the last ${duration(nowMs - sinceMs)}`;
  const lost = lostCount === 0 ? '' : paint('yellow', `; ${lostCount} lost`);
  const failed = failure === null ? '' : paint('red', printable(`; the disk takes none now: ${failure}`));
  return [`observations: ${since}, ${(bytes / 1_048_576).toFixed(1)} MiB${lost}${failed}`];
}

/** Where the roster came from, when that is out of the ordinary. */
function originLines({ isFromLocalSnapshot, rebuilds, adoption }: StatusView): string[] {
  const snapshot = 'it serves its last local snapshot: the journal has not been read since the start';
  const rebuilt = `the roster was built anew ${rebuilds.count} time(s), last because: ${rebuilds.lastReason ?? 'unknown'}`;
  return [
    ...(isFromLocalSnapshot ? [paint('yellow', snapshot)] : []),
    ...(adoption === null ? [] : [paint('yellow', printable(adoptionText(adoption)))]),
    ...(rebuilds.count > 0 ? [paint('yellow', printable(rebuilt))] : []),
  ];
}

/** It stays until another one is adopted: who looks later must find it. */
function adoptionText({ from, to, revision, atMs, by }: NonNullable<StatusView['adoption']>): string {
  const who = by === null ? 'by itself, since it held all that was served' : `by ${by}`;
  return `history ${to} was adopted in place of ${from} at ${new Date(atMs).toISOString()}, revision ${revision}, ${who}`;
}

function paintState(state: string): string {
  return paint(state === 'serving' || state === 'listening' ? 'green' : 'yellow', state);
}

function listenerLines({ listeners, traffic }: StatusView, roster: RosterView, rowsMax: number | null): Line[] {
  if (roster.listeners.length === 0)
    return ['no listeners; add one: muster listener add ID --bind HOST:PORT --pool POOL'];
  const statusById = new Map(listeners.map((listener) => [listener.id, listener]));
  const rows = roster.listeners.map(({ id, spec }) => {
    const status = statusById.get(id);
    const reason = status?.reason ?? null;
    const counted = own(traffic.listeners, id);
    const refused = Object.values(counted?.refused ?? {}).reduce((sum, count) => sum + count, 0);
    const isElsewhere = spec.nodes !== undefined && !spec.nodes.includes(roster.node);
    const state = isElsewhere ? 'on other nodes' : (status?.state ?? 'unknown');
    const counts = [counted?.open ?? 0, counted?.accepted ?? 0, refused].map(String);
    const address = status?.boundAddress ?? spec.bind;
    const cells = [id, address, spec.protocol, leadsTo(spec), paintState(state), ...counts];
    return { cells, isWrong: !isElsewhere && (state !== 'listening' || reason !== null) };
  });
  const head = ['LISTENER', 'ADDRESS', 'PROTOCOL', 'LEADS TO', 'STATE', 'OPEN', 'TOTAL', 'REFUSED'];
  return tableLines(head, cappedRows(rows, rowsMax), ['LEADS TO']);
}

/** Why a listener is not open; in sentences, since a cell of a table would be cut. */
function failureLines({ listeners }: StatusView): string[] {
  return listeners.flatMap(({ id, reason }) =>
    reason === null ? [] : [paint('red', printable(`listener ${id}: ${reason}`))],
  );
}

/** Names shown; the answer in JSON has more. */
const NAMES_SHOWN_MAX = 8;

/** Host names that lead nowhere, or to where they led before. */
function nameLines({ failingNames }: StatusView): string[] {
  const lines = failingNames.slice(0, NAMES_SHOWN_MAX).map(({ name, reason, lastsMs, isStale }) => {
    const meanwhile = isStale ? 'its last addresses are used' : 'connections to it fail';
    const text = printable(`${name} cannot be looked up, for ${duration(lastsMs)}: ${reason}; ${meanwhile}`);
    return paint(isStale ? 'yellow' : 'red', text);
  });
  const restCount = failingNames.length - lines.length;
  return restCount === 0 ? lines : [...lines, paint('yellow', `… and ${restCount} more names cannot be looked up`)];
}

/** Pools of which most is suspected, so that also who is suspected takes traffic. */
function panicLines(pools: readonly PoolView[]): string[] {
  return pools
    .filter(({ isPanic }) => isPanic)
    .map(({ id, backends }) => {
      const eligibleCount = backends.filter(({ eligibility }) => eligibility.isEligible).length;
      const candidateCount = backends.filter(({ isCandidate }) => isCandidate).length;
      const what = `pool ${id} is in panic: of ${candidateCount} backends only ${eligibleCount} look well, so all of them take traffic`;
      return paint('red', what);
    });
}

export interface BackendTableOptions {
  /** Picks are shown where this is given. */
  readonly traffic: StatusView['traffic'] | null;
  readonly nowMs: number;
  /** Backends per pool. */
  readonly shownMax: number;
  /** Rows in all, those with something wrong first. Default: no limit. */
  readonly rowsMax?: number | null;
}

export function backendLines(pools: readonly PoolView[], options: BackendTableOptions): Line[] {
  const { traffic, nowMs, shownMax, rowsMax = null } = options;
  if (pools.length === 0) return ['no pools; add one: muster pool add ID'];
  const hasLeases = pools.some(({ backends }) => backends.some(({ leaseMs }) => leaseMs !== null));
  const rows = pools.flatMap((pool): StatusRow[] => {
    const picks = (traffic === null ? undefined : own(traffic.pools, pool.id))?.picksByBackend ?? {};
    const shown = pool.backends.slice(0, rowsMax === null ? shownMax : Infinity).map((backend): StatusRow => {
      const cells = [
        pool.id,
        backend.id,
        printable(backend.target),
        String(backend.weight),
        backend.mode.value,
        ...(hasLeases ? [leaseText(backend)] : []),
        healthText(pool, backend, nowMs),
        eligibilityText(backend),
        ...(traffic === null ? [] : [String(own(picks, backend.id) ?? 0)]),
      ];
      return { cells, isWrong: !backend.eligibility.isEligible || (backend.refusal ?? null) !== null };
    });
    const restCount = pool.backends.length - shown.length;
    if (restCount > 0) return [...shown, { cells: [pool.id, `… and ${restCount} more`], isWrong: false }];
    return shown.length > 0 ? shown : [{ cells: [pool.id, 'no backends'], isWrong: true }];
  });
  const picks = traffic === null ? [] : ['PICKS'];
  const lease = hasLeases ? ['LEASE'] : [];
  const head = ['POOL', 'BACKEND', 'TARGET', 'WEIGHT', 'MODE', ...lease, 'HEALTH', 'TAKES TRAFFIC', ...picks];
  return tableLines(head, cappedRows(rows, rowsMax), ['HEALTH']);
}

function leaseText({ leaseMs }: BackendView): string {
  return leaseMs === null ? 'none' : duration(leaseMs);
}

function healthText({ spec }: PoolView, { health }: BackendView, nowMs: number): string {
  if (spec.health === undefined) return 'not checked';
  if (health.timeMs === 0) return 'unknown';
  const since = `since ${duration(nowMs - health.timeMs)}`;
  return printable(`${health.value} ${since}${health.reason === null ? '' : ` (${health.reason})`}`);
}

/**
 * `no: mode drain, event 14 (deploy)`: what keeps it out, and by which event; `in panic: …` where it takes traffic all the same.
 */
function eligibilityText({ eligibility, refusal, isCandidate, weightRatio }: BackendView): string {
  if (refusal !== null && refusal !== undefined) return paint('yellow', printable(`no: not dialled: ${refusal}`));
  if (eligibility.isEligible) {
    const starting = weightRatio < 1 ? `, starting at ${Math.round(weightRatio * 100)} % of its weight` : '';
    return paint('green', `yes${starting}`);
  }
  const { axis, value, revision, reason } = eligibility;
  const event = revision === 0 ? 'not recorded yet' : `event ${revision}`;
  const answer = isCandidate ? 'in panic' : 'no';
  return paint('yellow', printable(`${answer}: ${axis} ${value}, ${event}${reason === null ? '' : ` (${reason})`}`));
}

function workerLines({ workers, revision, hash }: StatusView): Line[] {
  if (workers.length === 0) return [];
  const rows = workers.map((worker) => {
    const behind = revision - worker.revision;
    const agreement =
      worker.hash === null
        ? 'unknown'
        : behind !== 0
          ? `at another revision`
          : worker.hash === hash
            ? 'equal'
            : paint('red', 'DIFFERS');
    const { index, pid, state, restartsCount } = worker;
    return [
      String(index),
      String(pid ?? '-'),
      paintState(state),
      String(worker.revision),
      agreement,
      String(restartsCount),
    ];
  });
  return tableLines(['WORKER', 'PID', 'STATE', 'REVISION', 'HASH', 'RESTARTS'], rows);
}

/** Any name may be an id, also one that every object inherits. */
function own<Value>(record: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
