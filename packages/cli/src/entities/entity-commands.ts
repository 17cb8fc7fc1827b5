/** `muster backend …`, `pool …`, `listener …`: commands to the node, and what the roster says of each kind. */
import type { CommandInput, CommandType, SpecChange } from '@muster/membership';
import { nearestName } from '@muster/membership/nearest-name';
import type { PoolView, RosterView } from '@muster/questions';
import { CliFailure, UsageError } from '../cli-failure.ts';
import { leadsTo, routeText } from '@muster/questions/text/listener-text';
import { type Line, printable, tableLines } from '@muster/questions/text';
import type { Session } from '../session.ts';
import { backendLines } from '../status/status-text.ts';

interface CommandAnswer {
  readonly outcome: 'appended' | 'unchanged';
  readonly revision: number;
  /** Who owned it before, where that was somebody else. */
  readonly takenFrom?: string;
}

/** Sends a command; `what` names it for people: `backend spells/a registered at 127.0.0.1:8001`. */
export async function sendCommand(session: Session, command: CommandInput, what: string): Promise<void> {
  const answer = await session.client.post<CommandAnswer>('/v1/commands', command).catch(inOwnWords);
  const line =
    answer.outcome === 'appended'
      ? `${what} (revision ${answer.revision})`
      : `unchanged: the roster says so since revision ${answer.revision}`;
  await session.print(answer, [printable(line), ...takenLines(answer).map(printable)]);
}

/** The node names a field by its place in the command; nobody who typed an option has seen the `change` around it. */
function inOwnWords(error: unknown): never {
  if (!(error instanceof CliFailure)) throw error;
  throw new CliFailure(error.code, error.message.replaceAll(/^change\.(?=\w)/gm, ''), error.suggestion);
}

/** What an operator changes is the operator's from then on, and no config takes it back unasked. */
function takenLines({ takenFrom }: CommandAnswer): string[] {
  if (takenFrom === undefined) return [];
  if (!takenFrom.startsWith('config:')) return [`it is yours now; before, ${takenFrom} had set it`];
  return [`it is yours now, no longer of ${takenFrom}: muster apply -f FILE --take-over gives it back to the file`];
}

export interface ChangeExtras {
  readonly unset?: readonly string[] | undefined;
  /** A JSON object of further fields. */
  readonly jsonSpec?: string | undefined;
}

/** What a `set` command changes: the fields that were given, and null for those that are taken away. */
export function changeFrom(fields: object, { unset = [], jsonSpec }: ChangeExtras): SpecChange {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  const change: Record<string, unknown> = {
    ...(jsonSpec === undefined ? {} : parseSpec(jsonSpec)),
    ...Object.fromEntries(given),
  };
  for (const field of unset) {
    const [name = '', inner] = field.split('.');
    const before = change[name];
    const table = typeof before === 'object' && before !== null ? before : {};
    if (inner === undefined ? before !== undefined && before !== null : Object.hasOwn(table, inner)) {
      throw new UsageError(`${field} is given a value and taken away; say one of them`);
    }
    change[name] = inner === undefined ? null : { ...table, [inner]: null };
  }
  if (Object.keys(change).length > 0) return change;
  throw new UsageError('nothing is to be changed; name at least one field (--help lists them)');
}

/** A command of which the node judges every field: options may be absent, `spec` is a JSON object that fills the rest. */
export function commandFrom(type: CommandType, fields: object, spec?: string): CommandInput {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return { ...(spec === undefined ? {} : parseSpec(spec)), ...given, type } as CommandInput;
}

function parseSpec(text: string): object {
  let spec: unknown;
  try {
    spec = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`--json-spec is not JSON: ${(error as Error).message}`);
  }
  if (typeof spec === 'object' && spec !== null && !Array.isArray(spec)) return spec;
  throw new UsageError('--json-spec is not a JSON object; give one such as {"connectTimeoutMs": 400}');
}

/** Rows of a listing: with none of the fields all of them. JSON is always the whole listing. */
export interface ListOptions {
  /** Whether only backends that take no traffic are listed. */
  readonly wrong?: boolean;
  /** The first so many are left out. */
  readonly skip?: number;
  /** So many at most. */
  readonly limit?: number;
}

export async function listBackends(session: Session, pool: string | undefined, options: ListOptions): Promise<void> {
  const { client } = session;
  const pools =
    pool === undefined
      ? (await client.get<RosterView>('/v1/roster')).pools
      : [await client.get<PoolView>(`/v1/pools/${encodeURIComponent(pool)}`)];
  const { wrong: isWrongOnly = false } = options;
  const lines = backendLines(pools, { traffic: null, nowMs: Date.now(), isWrongOnly });
  await session.print(
    pools.flatMap(({ backends }) => backends),
    paged(lines, options),
  );
}

/** A table's rows, cut out, and how to see what comes after them. */
function paged(lines: readonly Line[], { skip = 0, limit = Infinity }: ListOptions): Line[] {
  return lines.flatMap((line): Line[] => {
    if (typeof line === 'string') return [line];
    const rows = line.rows.slice(skip, skip + limit);
    const restCount = line.rows.length - skip - rows.length;
    const rest = `… and ${restCount} more: --skip ${skip + rows.length}`;
    return [{ ...line, rows }, ...(restCount > 0 ? [rest] : [])];
  });
}

export async function listPools(session: Session, options: ListOptions): Promise<void> {
  const { pools } = await session.client.get<RosterView>('/v1/roster');
  const isWrong = ({ isPanic, backends }: PoolView): boolean =>
    isPanic || backends.length === 0 || backends.some(({ isCandidate }) => !isCandidate);
  const rows = (options.wrong === true ? pools.filter(isWrong) : pools).map(
    ({ id, spec, isPanic, backends, origin, revision }) => {
      const taking = `${backends.filter(({ isCandidate }) => isCandidate).length}/${backends.length}`;
      const health = healthOf(spec);
      return [
        id,
        spec.policy,
        isPanic ? `${taking}, in panic` : taking,
        health,
        printable(origin ?? '-'),
        String(revision),
      ];
    },
  );
  const head = ['POOL', 'POLICY', 'TAKING TRAFFIC', 'HEALTH CHECK', 'ORIGIN', 'REVISION'];
  const none = pools.length === 0 ? 'no pools; add one: muster pool add ID' : 'in every pool all backends take traffic';
  await session.print(pools, rows.length > 0 ? paged(tableLines(head, rows), options) : [none]);
}

function healthOf({ health, healthView }: PoolView['spec']): string {
  if (health === undefined) return 'none';
  const view = healthView === 'own' ? '' : `, ${healthView}`;
  return `${'http' in health ? `GET ${health.http}` : 'TCP'} every ${health.intervalMs} ms${view}`;
}

export async function showPool(session: Session, id: string): Promise<void> {
  const pool = await session.client.get<PoolView>(`/v1/pools/${encodeURIComponent(id)}`);
  const backends = backendLines([pool], { traffic: null, nowMs: Date.now() });
  await session.print(pool, [...fieldLines(pool), '', ...backends]);
}

function fieldLines({ id, spec, origin, revision }: Pick<PoolView, 'id' | 'origin' | 'revision'> & { spec: object }) {
  const rows = Object.entries(spec).map(([key, value]: [string, unknown]) => [
    key,
    printable(typeof value === 'string' ? value : JSON.stringify(value)),
  ]);
  const fields = [['id', id], ...rows, ['origin', printable(origin ?? '-')], ['revision', String(revision)]];
  return tableLines(['FIELD', 'VALUE'], fields);
}

export async function showListener(session: Session, id: string): Promise<void> {
  const { listeners } = await session.client.get<RosterView>('/v1/roster');
  const listener = listeners.find((one) => one.id === id);
  if (listener === undefined) {
    const suggestion = nearestName(
      id.slice(0, 64),
      listeners.map((one) => one.id),
    );
    const hint = suggestion === null ? 'muster listener list shows all' : `did you mean "${suggestion}"?`;
    throw new CliFailure('unknown-listener', `there is no listener ${JSON.stringify(id)}; ${hint}`, suggestion);
  }
  const { routes = [], ...spec } = listener.spec;
  const routeLines = routes.map((route) => `  ${routeText(route)}`);
  const shown = routeLines.length === 0 ? [] : ['', 'routes, the most specific one leads:', ...routeLines];
  await session.print(listener, [...fieldLines({ ...listener, spec }), ...shown]);
}

export async function listListeners(session: Session): Promise<void> {
  const { listeners } = await session.client.get<RosterView>('/v1/roster');
  const rows = listeners.map(({ id, spec, origin, revision }) => [
    id,
    spec.bind,
    spec.protocol,
    leadsTo(spec),
    spec.nodes?.join(',') ?? 'all',
    printable(origin ?? '-'),
    String(revision),
  ]);
  const empty = ['no listeners; add one: muster listener add ID --bind HOST:PORT --pool POOL'];
  const head = ['LISTENER', 'BIND', 'PROTOCOL', 'LEADS TO', 'NODES', 'ORIGIN', 'REVISION'];
  await session.print(listeners, rows.length > 0 ? tableLines(head, rows) : empty);
}
