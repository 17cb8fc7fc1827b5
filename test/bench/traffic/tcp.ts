/**
 * The TCP relay side by side with HAProxy, nginx stream and `socket.pipe`, in one run on one machine.
 *
 *     wrk (CPU 1) ──► the proxy under test (CPU 0) ──► nginx as the backend (CPU 1)
 *
 * The figure is the proxy's own CPU time, user and system, from /proc/PID/stat: it holds on a noisy machine, where
 * rates and latencies do not. Rounds are interleaved (each proxy once per round and load), and what is compared is the
 * ratio to HAProxy of the same round: the median over the rounds, with its smallest and largest value.
 *
 * Muster is the worker process that ships, with its statistics on. `--checkout` adds the worker of another check-out of
 * the project as a row `before`, and `--node-options` adds this one under other options of Node as `options`.
 */
import { parseArgs } from 'node:util';
import { musterVariants, openContenders, type Contender } from '../contenders/contenders.ts';
import { machineText, median, ratiosByRound, ratioText } from '../figures/figures.ts';
import { measure, warmUp, type Load } from './load.ts';
import { costOf, type Measurement } from '../figures/measurement.ts';
import { tcpProxies } from '../contenders/tcp-proxies.ts';

const BASELINE = 'haproxy';

/** 1,024 requests of 1 MiB are a GiB. */
const loads: readonly Load[] = [
  { name: 'keep-alive', title: 'Keep-alive request', unit: 'µs each', wrkOptions: [], path: '/', scale: 1e6 },
  {
    name: 'connection',
    title: 'New connection with one request',
    unit: 'µs each',
    wrkOptions: ['-H', 'Connection: close'],
    path: '/',
    scale: 1e6,
  },
  { name: 'bulk', title: 'Bodies of 1 MiB', unit: 'CPU seconds per GiB', wrkOptions: [], path: '/mib', scale: 1_024 },
];

export const tcpUsage = `tcp   CPU time of the relay against HAProxy, nginx stream and socket.pipe
        --pairs N           rounds (5)             --seconds S   of load per measurement (2)
        --only A,B          of haproxy,nginx,pipe,muster,direct
        --loads A,B         of keep-alive,connection,bulk
        --checkout DIR      also the worker of another check-out
        --node-options "…"  also this worker under other options of Node`;

export async function tcpBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      pairs: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      only: { type: 'string', default: 'haproxy,nginx,pipe,muster,direct' },
      loads: { type: 'string', default: loads.map(({ name }) => name).join(',') },
      checkout: { type: 'string' },
      'node-options': { type: 'string' },
    },
  });
  const variants = musterVariants(values);
  const names = new Set([...values.only.split(','), ...Object.keys(variants).filter((name) => name !== 'muster')]);
  await using opened = await openContenders([...names], { protocol: 'tcp', recipes: tcpProxies, variants });
  const chosen = loads.filter(({ name }) => values.loads.split(',').includes(name));
  console.log(machineText());
  console.log(`${values.pairs} rounds of ${values.seconds} s; CPU time of the proxy alone, median (user + system)\n`);
  for (const load of chosen) {
    const rows = new Map<Contender, Measurement[]>(opened.contenders.map((contender) => [contender, []]));
    for (let round = 0; round < Number(values.pairs); round++) {
      for (const [contender, results] of rows) {
        await warmUp(contender, load);
        results.push(await measure(contender, load, Number(values.seconds)));
      }
    }
    printTable(load, rows);
  }
}

function printTable(load: Load, rows: ReadonlyMap<Contender, readonly Measurement[]>): void {
  const baseline = [...rows].find(([{ name }]) => name === BASELINE)?.[1];
  console.log(`${load.title}, ${load.unit}`);
  for (const [{ name, pid }, results] of rows) {
    const rate = `${median(results.map(({ perSecond }) => perSecond)).toFixed(0)} /s`.padStart(11);
    const errors = results.reduce((sum, { errorCount }) => sum + errorCount, 0);
    const note = errors > 0 ? `  ${errors} errors` : '';
    if (pid === null) {
      console.log(`  ${name.padEnd(9)}${''.padStart(60)}${rate}${note}`);
      continue;
    }
    const [user, system] = [
      median(results.map((result) => result.user)),
      median(results.map((result) => result.system)),
    ];
    const total = median(results.map(costOf));
    const cost = `${total.toFixed(2)} (${user.toFixed(2)} + ${system.toFixed(2)})`;
    console.log(
      `  ${name.padEnd(9)}${cost.padStart(28)}${comparisonText(results, baseline).padStart(32)}${rate}${note}`,
    );
  }
  console.log();
}

function comparisonText(results: readonly Measurement[], baseline: readonly Measurement[] | undefined): string {
  if (baseline === undefined || baseline === results) return '';
  return ratioText(ratiosByRound(results.map(costOf), baseline.map(costOf)));
}
