/**
 * The HTTP proxy side by side with HAProxy, nginx, Caddy, and what there is on Node, in one run on one machine.
 *
 *     wrk (CPU 1) ──► the proxy under test (CPU 0) ──► nginx as the backend (CPU 1)
 *
 * The figure is the proxy's own CPU time, user and system, from /proc/PID/stat: it holds on a noisy machine, where rates and
 * latencies do not. Rounds are interleaved (each proxy once per round and load), and what is compared is the ratio to another
 * proxy of the same round: the median over the rounds, with its smallest and largest value. `best Node` is in each round the
 * cheapest of the proxies on Node. A request that fails, whoever's it was, fails the run.
 *
 * Muster is the worker process that ships, with its metrics on and its access log at `errors`. `--checkout` adds the worker
 * of another check-out of the project as a row `before`, `--record` adds this one handing its decisions over as `recorded`, and
 * `--node-options` adds this one under other options of Node as `options`. All that runs on Node runs on this Node with NODE_ENV=production.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { goalText, tableLines, type Reference, type TableRow } from '../figures/comparison-table.ts';
import { musterVariants, openContenders, type ContenderField } from '../contenders/contenders.ts';
import { loadText, machineText, slope } from '../figures/figures.ts';
import { httpProxies, nodeProxyNames } from '../contenders/http-proxies.ts';
import { readIdleSizes } from './idle-connections.ts';
import { measure, warmUp, type Load } from './load.ts';
import type { Measurement } from '../figures/measurement.ts';

interface HttpLoad extends Load {
  /** The largest ratios that are good enough for Muster; none where a load is only of interest. */
  readonly goals: { readonly haproxy?: number; readonly node?: number; readonly bestNode?: number };
}

const loads: readonly HttpLoad[] = [
  {
    name: 'small',
    title: 'Keep-alive request, answer of 70 bytes',
    unit: 'µs each',
    wrkOptions: [],
    path: '/',
    scale: 1e6,
    goals: { haproxy: 1.35, node: 0.25, bestNode: 0.35 },
  },
  {
    name: 'browser',
    title: "Keep-alive request with a browser's 12 fields, answer of 70 bytes",
    unit: 'µs each',
    wrkOptions: ['-s', beside('browser-request.lua')],
    path: '/',
    scale: 1e6,
    goals: { haproxy: 1.5, node: 0.25, bestNode: 0.35 },
  },
  {
    name: 'bulk',
    title: 'Answers of 1 MiB',
    unit: 'µs per MiB',
    wrkOptions: [],
    path: '/mib',
    scale: 1e6,
    goals: { haproxy: 1.4 },
  },
  {
    name: 'post',
    title: 'POST of 64 KiB, which the backend reads before it answers',
    unit: 'µs each',
    wrkOptions: ['-s', beside('post-body.lua')],
    path: '/post',
    scale: 1e6,
    goals: {},
  },
  {
    name: 'connection',
    title: 'New connection with one request',
    unit: 'µs each',
    wrkOptions: ['-H', 'Connection: close'],
    path: '/',
    scale: 1e6,
    goals: {},
  },
];

const DIRECT = 'direct';
/** The compiler of a proxy on Node comes to rest after 4 to 6 s of its first load; what another load adds is less. */
const WARM_UP_SECONDS = { first: 5, further: 2, native: 1 };
/** Loads without a goal get no more rounds than these, so that the whole takes less than five minutes. */
const ROUNDS_WITHOUT_GOAL_MAX = 3;
const IDLE = { name: 'idle', step: 2_000, steps: 5, goalMaxKib: 12 };
const IDLE_REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n';

const allNames = [...Object.keys(httpProxies), 'muster', DIRECT].join(',');
const allLoads = [...loads.map(({ name }) => name), IDLE.name].join(',');

export const httpUsage = `http   CPU time of the HTTP proxy against HAProxy, nginx, Caddy and proxies on Node; memory per idle connection
        --pairs N           rounds, 3 at most without a goal (5)   --seconds S   of load per measurement (1)
        --only A,B          of ${allNames}
        --loads A,B         of ${allLoads}
        --checkout DIR      also the worker of another check-out
        --record            also this worker while its decisions are recorded
        --node-options "…"  also this worker under other options of Node`;

export async function httpBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      pairs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1' },
      only: { type: 'string', default: allNames },
      loads: { type: 'string', default: allLoads },
      checkout: { type: 'string' },
      'node-options': { type: 'string' },
      record: { type: 'boolean' },
    },
  });
  const variants = musterVariants(values);
  const field: ContenderField = { protocol: 'http', recipes: httpProxies, variants };
  const added = Object.keys(variants).filter((name) => name !== 'muster');
  const names = [...new Set([...values.only.split(','), ...added])];
  const chosen = chooseLoads(values.loads.split(','));
  console.log(`${machineText()}; ${loadText()}`);
  console.log(`${values.pairs} rounds of ${values.seconds} s; CPU time of the proxy alone, median (user + system)\n`);
  const rounds = { count: Number(values.pairs), seconds: Number(values.seconds) };
  const failedCount = await compareLoads(names, { field, chosen: chosen.loads, rounds });
  if (chosen.isIdle) await compareIdle(names, field);
  console.log(`${loadText()} at the end`);
  if (failedCount > 0) throw new Error(`${failedCount} requests failed; the figures of their rows are worth nothing.`);
}

function chooseLoads(names: readonly string[]): { readonly loads: readonly HttpLoad[]; readonly isIdle: boolean } {
  const unknown = names.find((name) => !allLoads.split(',').includes(name));
  if (unknown !== undefined) throw new Error(`There is no load "${unknown}"; there are ${allLoads}.`);
  return { loads: loads.filter(({ name }) => names.includes(name)), isIdle: names.includes(IDLE.name) };
}

interface Comparison {
  readonly field: ContenderField;
  readonly chosen: readonly HttpLoad[];
  readonly rounds: { readonly count: number; readonly seconds: number };
}

/** Prints a table per load. Resolves to the number of requests that failed. */
async function compareLoads(names: readonly string[], { field, chosen, rounds }: Comparison): Promise<number> {
  if (chosen.length === 0) return 0;
  await using opened = await openContenders(names, field);
  let failedCount = 0;
  for (const load of chosen) {
    const rows = opened.contenders.map((contender) => ({ contender, measurements: [] as Measurement[] }));
    for (const { contender } of rows) {
      if (contender.pid !== null) await warmUp(contender, load, warmUpSeconds(contender.name, load === chosen[0]));
    }
    const hasGoal = Object.keys(load.goals).length > 0;
    const count = hasGoal ? rounds.count : Math.min(rounds.count, ROUNDS_WITHOUT_GOAL_MAX);
    for (let round = 0; round < count; round++) {
      for (const { contender, measurements } of rows) {
        // The direct way only shows what the load generator and the backend can do.
        if (contender.pid === null && round > 0) continue;
        measurements.push(await measure(contender, load, rounds.seconds));
      }
    }
    const table: TableRow[] = rows.map(({ contender: { name, pid }, measurements }) => {
      return { name, measurements, hasCost: pid !== null, isOurs: name in field.variants };
    });
    console.log([`${load.title}, ${load.unit}`, ...tableLines(table, referencesOf(load)), ''].join('\n'));
    for (const { errorCount } of table.flatMap(({ measurements }) => measurements)) failedCount += errorCount;
  }
  return failedCount;
}

function warmUpSeconds(name: string, isFirst: boolean): number {
  const isNative = Object.hasOwn(httpProxies, name) && !nodeProxyNames.includes(name);
  if (isNative) return WARM_UP_SECONDS.native;
  return isFirst ? WARM_UP_SECONDS.first : WARM_UP_SECONDS.further;
}

function referencesOf({ goals }: HttpLoad): Reference[] {
  const withGoal = (title: string, names: readonly string[], goalMax: number | undefined): Reference => {
    return { title, names, ...(goalMax !== undefined && { goalMax }) };
  };
  return [
    withGoal('/ haproxy', ['haproxy'], goals.haproxy),
    withGoal('/ node:http', ['node'], goals.node),
    withGoal('/ best Node', nodeProxyNames, goals.bestNode),
  ];
}

/** Each in a process of its own: memory that an earlier load has left free would hide what a connection needs. */
async function compareIdle(names: readonly string[], field: ContenderField): Promise<void> {
  console.log(`Idle connections after one request each, KiB of resident size for each of ${IDLE.step * IDLE.steps}`);
  for (const name of names) {
    if (name === DIRECT) continue;
    await using opened = await openContenders([name], field);
    const [contender] = opened.contenders;
    // What is not installed has been left out with a line.
    if (contender === undefined || contender.pid === null) continue;
    const { pid, port } = contender;
    const readings = await readIdleSizes({ ...IDLE, pid, port, request: IDLE_REQUEST, answer: 'HTTP/1.1 200' });
    const kib = slope(readings.map(({ connections, residentBytes }) => ({ x: connections, y: residentBytes / 1_024 })));
    const mib = [readings[0]!, readings.at(-1)!].map(({ residentBytes }) => (residentBytes / 2 ** 20).toFixed(1));
    const goal = name in field.variants ? `  goal: ${goalText(kib, IDLE.goalMaxKib)}` : '';
    console.log(`  ${name.padEnd(10)}${kib.toFixed(1).padStart(8)}   from ${mib.join(' to ')} MiB${goal}`);
  }
  console.log();
}

function beside(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
