/** A node's status as people read it. */
import type { BackendView, PoolView, RosterView, StatusView } from '@muster/questions';
import { leadsTo } from '@muster/questions/text/listener-text';
import { journalText } from './journal-text.ts';
import { alertLines, nodeLines } from './nodes-text.ts';
import { dateAndTime, duration, type Line, paint, printable, tableLines } from '@muster/questions/text';

export interface StatusAnswer {
  readonly status: StatusView;
  readonly roster: RosterView;
}

/** Rows of each table where nothing else is asked for; of more, those with something wrong come first. */
const ROWS_SHOWN_MAX = 100;
/** Sentences of one kind. */
const SENTENCES_MAX = 10;

export interface StatusTextOptions {
  /** Of the terminal that all of it is to fit into. Default: no limit. */
  readonly height?: number | null;
  /** This pool and the listeners that lead to it, and no others. Default: all. */
  readonly pool?: string | undefined;
  /** `summary` (default): the first `ROWS_SHOWN_MAX` of each table; `wrong`: those with something wrong; `all`: every one. */
  readonly rows?: 'summary' | 'wrong' | 'all';
}

/** `nowMs` decides how long ago things happened. */
export function statusLines(answer: StatusAnswer, nowMs: number, options: StatusTextOptions = {}): Line[] {
  const { height = null, pool, rows = 'summary' } = options;
  const { status } = answer;
  const roster = pool === undefined ? answer.roster : ofPool(answer.roster, pool);
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
  const rowsMax = rows === 'summary' && pool === undefined ? ROWS_SHOWN_MAX : null;
  const isWrongOnly = rows === 'wrong';
  const listeners = listenerLines(status, roster, { rowsMax: room?.listeners ?? rowsMax, isWrongOnly });
  const shown = { traffic: status.traffic, nowMs, rowsMax: room?.backends ?? rowsMax, isWrongOnly };
  const backends = backendLines(roster.pools, shown);
  const counts = rowsMax !== null && room === null ? countLines(roster) : [];
  return sections([...before, listeners, troubles, counts, backends, ...after]);
}

function ofPool(roster: RosterView, pool: string): RosterView {
  return {
    ...roster,
    pools: roster.pools.filter(({ id }) => id === pool),
    listeners: roster.listeners.filter(({ spec }) => poolsOf(spec).includes(pool)),
  };
}

function poolsOf(spec: RosterView['listeners'][number]['spec']): readonly string[] {
  const { pool, routes = [] } = spec as { pool?: string; routes?: readonly { readonly pool: string }[] };
  return [...(pool === undefined ? [] : [pool]), ...routes.map((route) => route.pool)];
}

/** What the table of backends is a part of, where it is. */
function countLines({ pools, listeners }: RosterView): string[] {
  const backends = pools.flatMap((pool) => pool.backends);
  const rowsCount = pools.reduce((sum, pool) => sum + Math.max(1, pool.backends.length), 0);
  if (rowsCount <= ROWS_SHOWN_MAX && listeners.length <= ROWS_SHOWN_MAX) return [];
  const outCount = backends.filter(({ isCandidate }) => !isCandidate).length;
  const emptyCount = pools.filter((pool) => pool.backends.length === 0).length;
  const empty = emptyCount === 0 ? '' : `, ${emptyCount} pools have none`;
  return [
    `${listeners.length} listeners, ${pools.length} pools with ${backends.length} backends: ${backends.length - outCount} take traffic, ${outCount} do not${empty}`,
    'those with something wrong come first; --wrong shows them alone, --pool POOL one pool, --all every row',
  ];
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
  const { node, cluster, state, revision, hash, pendingFactsCount } = status;
  const facts = pendingFactsCount === 0 ? '' : `, ${pendingFactsCount} facts waiting for it`;
  const rejected = status.rejectedCount === 0 ? '' : `, ${status.rejectedCount} events rejected`;
  return [
    `node ${paint('bold', node)} of cluster ${cluster}: ${paintState(state)} for ${duration(nowMs - status.startedMs)}`,
    `revision ${revision}, hash ${hash}; journal ${journalText(status, nowMs)}${facts}${rejected}`,
    `probes: ${status.probes.passedCount} passed, ${status.probes.failedCount} failed${leasesText(status)}`,
    ...bulkEndLines(status, nowMs),
    ...observationLines(status, nowMs),
    ...originLines(status),
  ];
}

function leasesText({ leases: { count, expiredCount } }: StatusView): string {
  return count + expiredCount === 0 ? '' : `; leases: ${count} held, ${expiredCount} ended by this node`;
}

function bulkEndLines({ bulkEnd }: StatusView, nowMs: number): string[] {
  if (bulkEnd === null) return [];
  const { count, firstMs, lastMs } = bulkEnd;
  const when = `${dateAndTime(firstMs)}, within ${duration(lastMs - firstMs)}, ${duration(nowMs - lastMs)} ago`;
  return [paint('yellow', `${count} leases ended together: ${when}`)];
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

interface TableRows {
  readonly rowsMax: number | null;
  readonly isWrongOnly: boolean;
}

function listenerLines(
  { listeners, traffic }: StatusView,
  roster: RosterView,
  { rowsMax, isWrongOnly }: TableRows,
): Line[] {
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
  const shown = isWrongOnly ? rows.filter(({ isWrong }) => isWrong) : rows;
  return shown.length === 0 ? [] : tableLines(head, cappedRows(shown, rowsMax), ['LEADS TO']);
}

/** Why a listener is not open; in sentences, since a cell of a table would be cut. */
function failureLines({ listeners }: StatusView): readonly string[] {
  const lines = listeners.flatMap(({ id, reason }) =>
    reason === null ? [] : [paint('red', printable(`listener ${id}: ${reason}`))],
  );
  return clipped(lines, 'listeners are not open');
}

function clipped(lines: readonly string[], what: string): readonly string[] {
  if (lines.length <= SENTENCES_MAX) return lines;
  const rest = paint('red', `… and ${lines.length - SENTENCES_MAX} more ${what}`);
  return [...lines.slice(0, SENTENCES_MAX), rest];
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
function panicLines(pools: readonly PoolView[]): readonly string[] {
  const lines = pools
    .filter(({ isPanic }) => isPanic)
    .map(({ id, backends }) => {
      const eligibleCount = backends.filter(({ eligibility }) => eligibility.isEligible).length;
      const candidateCount = backends.filter(({ isCandidate }) => isCandidate).length;
      const what = `pool ${id} is in panic: of ${candidateCount} backends only ${eligibleCount} look well, so all of them take traffic`;
      return paint('red', what);
    });
  return clipped(lines, 'pools are in panic');
}

export interface BackendTableOptions {
  /** Picks are shown where this is given. */
  readonly traffic: StatusView['traffic'] | null;
  readonly nowMs: number;
  /** Rows in all, those with something wrong first. Default: no limit. */
  readonly rowsMax?: number | null;
  /** Whether only the rows that a person should look at are shown. Default false. */
  readonly isWrongOnly?: boolean;
}

export function backendLines(pools: readonly PoolView[], options: BackendTableOptions): Line[] {
  const { traffic, nowMs, rowsMax = null, isWrongOnly = false } = options;
  if (pools.length === 0) return ['no pools; add one: muster pool add ID'];
  const hasLeases = pools.some(({ backends }) => backends.some(({ leaseMs }) => leaseMs !== null));
  const rows = pools.flatMap((pool): StatusRow[] => {
    const picks = (traffic === null ? undefined : own(traffic.pools, pool.id))?.picksByBackend ?? {};
    const shown = pool.backends.map((backend): StatusRow => {
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
    return shown.length > 0 ? shown : [{ cells: [pool.id, 'no backends'], isWrong: true }];
  });
  const picks = traffic === null ? [] : ['PICKS'];
  const lease = hasLeases ? ['LEASE'] : [];
  const head = ['POOL', 'BACKEND', 'TARGET', 'WEIGHT', 'MODE', ...lease, 'HEALTH', 'TAKES TRAFFIC', ...picks];
  const wanted = isWrongOnly ? rows.filter(({ isWrong }) => isWrong) : rows;
  if (wanted.length === 0) return ['every backend takes traffic'];
  return tableLines(head, cappedRows(wanted, rowsMax), ['HEALTH']);
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
