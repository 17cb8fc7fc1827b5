/**
 * Pools, backends and listeners as they were at a moment: `muster replay`.
 *
 *     cluster demo at revision 118, as node lb-1 saw it
 *     newest event: 118  2026-03-01 12:04:03.100  BackendModeSet on backend.spells.spells-1 by cli:alice@host: upgrade
 *     checked: hash 9f86d081884c7d65 at revision 118, as node lb-1 recorded it
 */
import type { BackendState, PoolState, StateView } from '@muster/replay';
import type { z } from 'zod';
import { FILE_OPTION, momentsHelp, NODE_OPTION, type Question, type Shapes } from './question.ts';
import { checkLine, eventRefText } from './text/event-ref-text.ts';
import { paint } from './text/output.ts';
import { dateAndTime, leadsTo, printable } from './text/plain-text.ts';
import { tableLines, type Line } from './text/table.ts';

const query = ({ z, moment, name, node }: Shapes) =>
  z.strictObject({
    at: moment.default('now'),
    node,
    pool: name.optional().describe('this pool alone'),
  });

type StateQuery = z.output<ReturnType<typeof query>>;

export const stateQuestion: Question<StateQuery, StateView> = {
  path: '/v1/replay',
  summary: 'Pools, backends and listeners as they were',
  moments: ['at'],
  query,
  shape,
  command: {
    name: 'replay',
    description: 'show pools, backends and listeners as they were, or walk through what happened',
    options: [
      { words: '--at <moment>', description: 'when (default now)', kind: 'moment' },
      NODE_OPTION,
      { words: '--pool <id>', description: 'this pool alone, with all its backends' },
      {
        words: '--step',
        description: 'event by event, forwards and back, and what each changed; plain lines when piped',
      },
      {
        words: '--from <moment>',
        description: 'where the walk of --step begins (default: 10000 events ago, or the beginning of the file)',
        kind: 'moment',
      },
      FILE_OPTION,
    ],
    help: momentsHelp(),
    query({ at = 'now', node, pool, from }: { at?: string; node?: string; pool?: string; from?: string }) {
      if (from !== undefined) return '--from is where --step begins; for the state at a moment give --at';
      return { at, node, pool };
    },
  },
  async answer(past, { at, node, pool }) {
    const { stateView } = await import('@muster/replay');
    return stateView(past.replay, await past.resolve(at), { ...(node && { node }), ...(pool && { pool }) });
  },
  lines: (state, { pool }) => stateLines(state, pool !== undefined),
};

function shape({ z, ...of }: Shapes): z.ZodType<StateView> {
  const backend = z.object({
    ...of.seenBackend,
    target: z.object({ value: of.text, revision: of.revision, timeMs: of.timeMs }),
    weight: z.object({ value: of.number, revision: of.revision }),
    mode: of.mode.extend({ origin: of.text.nullable() }),
    keptOutBy: of.eventRef.nullable(),
    candidateWeight: of.number.nullable(),
  });
  const pool = z.object({
    ...of.described,
    spec: of.poolSpecSchema,
    changedRevision: of.revision,
    isPanic: z.boolean(),
    eligibleCount: of.count,
    candidatesCount: of.count,
    backends: z.array(backend),
  });
  return z.object({
    kind: z.literal('state'),
    source: of.text,
    cluster: of.text,
    at: of.instant,
    node: of.text,
    hash: of.text,
    check: of.hashCheck,
    rejectedCount: of.count,
    listeners: z.array(z.object({ ...of.described, spec: of.listenerSpecSchema, isOnNode: z.boolean() })),
    pools: z.array(pool),
    nodes: z.array(of.clusterNode),
  });
}

/** Backends shown of each pool, those that are kept out first; `--pool` shows all. */
const BACKENDS_SHOWN_MAX = 50;

function stateLines(state: StateView, isOnePool: boolean): Line[] {
  const { at, cluster, node, pools, rejectedCount } = state;
  const rejected = rejectedCount === 0 ? '' : `, ${rejectedCount} events passed over`;
  const head = [
    `cluster ${paint('bold', cluster)} at revision ${paint('bold', String(at.revision))}, as node ${node} saw it${rejected}`,
    ...(at.event === null ? [] : [`newest event: ${eventRefText(at.event)}`]),
    ...(at.event !== null && at.timeMs !== at.event.timeMs ? [`nothing happened until ${dateAndTime(at.timeMs)}`] : []),
    checkLine(state.check),
  ];
  const shownMax = isOnePool ? Infinity : BACKENDS_SHOWN_MAX;
  const sections = [
    head,
    ...(isOnePool ? [] : [listenerLines(state), nodeLines(state)]),
    ...(pools.length === 0 ? [['no pools']] : pools.map((pool) => poolLines(pool, shownMax))),
  ];
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

function listenerLines({ listeners, node }: StateView): Line[] {
  if (listeners.length === 0) return [];
  const rows = listeners.map(({ id, spec, isOnNode, origin, revision }) => {
    const where = spec.nodes === undefined ? 'all nodes' : spec.nodes.join(',');
    const on = isOnNode ? where : `${where} (not ${node})`;
    return [id, spec.bind, spec.protocol, printable(leadsTo(spec)), on, printable(origin ?? '-'), String(revision)];
  });
  return tableLines(['LISTENER', 'BIND', 'PROTOCOL', 'LEADS TO', 'ON', 'ORIGIN', 'REVISION'], rows);
}

function nodeLines({ nodes }: StateView): Line[] {
  if (nodes.length < 2) return [];
  const rows = nodes.map(({ id, state }) => {
    const value = state.value === 'started' ? state.value : paint('yellow', state.value);
    return [id, value, dateAndTime(state.timeMs), String(state.revision), printable(state.reason ?? '')];
  });
  return tableLines(['NODE', 'STATE', 'SINCE', 'REVISION', 'REASON'], rows);
}

function poolLines(pool: PoolState, shownMax: number): Line[] {
  const { id, spec, eligibleCount, backends, isPanic } = pool;
  const panic = isPanic ? paint('red', `, in panic: ${pool.candidatesCount} take traffic`) : '';
  const head = `pool ${paint('bold', id)}: ${spec.policy}, ${eligibleCount} of ${backends.length} eligible${panic}`;
  if (backends.length === 0) return [head];
  const shown = backends.length <= shownMax ? backends : outFirst(backends).slice(0, shownMax);
  const restCount = backends.length - shown.length;
  const columns = ['BACKEND', 'TARGET', 'WEIGHT', 'MODE', 'HEALTH', 'EJECTION', 'TRAFFIC', 'KEPT OUT BY'];
  const rest = restCount === 0 ? [] : [`and ${restCount} more; --pool ${id} shows all`];
  return [head, ...tableLines(columns, shown.map(backendRow)), ...rest];
}

function outFirst(backends: readonly BackendState[]): BackendState[] {
  return backends.toSorted((a, b) => Number(a.eligibility.isEligible) - Number(b.eligibility.isEligible));
}

function backendRow(backend: BackendState): string[] {
  const { id, target, weight, mode, health, ejection, isCandidate } = backend;
  return [
    id,
    printable(target.value),
    String(weight.value),
    mode.value === 'ready' ? mode.value : paint('yellow', mode.value),
    health.value === 'unhealthy' ? paint('red', health.value) : health.value,
    ejection.value === 'admitting' ? ejection.value : paint('red', ejection.value),
    isCandidate ? paint('green', 'yes') : paint('red', 'no'),
    keptOutText(backend),
  ];
}

function keptOutText({ eligibility, keptOutBy }: BackendState): string {
  if (eligibility.isEligible) return '';
  if (keptOutBy !== null) return eventRefText(keptOutBy);
  return printable(`${eligibility.axis} ${eligibility.value} since revision ${eligibility.revision}`);
}
