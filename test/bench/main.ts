/**
 * `node bootstrap.mjs bench NAME [options]`: runs one benchmark. Each says in its own file what it measures, prints the
 * machine it ran on, and a table with the spread.
 */
import { parseArgs } from 'node:util';
import { measureActors } from './node/actors.ts';
import { appendBench, appendUsage } from './cluster/append.ts';
import { clusterLatencyBench, clusterLatencyUsage } from './cluster/cluster-latency.ts';
import { MissingTools } from './contenders/contenders.ts';
import { machineText } from './figures/figures.ts';
import { foldBench, foldUsage } from './node/fold.ts';
import { httpBench, httpUsage } from './traffic/http.ts';
import { idleBench, idleUsage } from './traffic/idle.ts';
import { jetstreamStartBench, jetstreamStartUsage } from './cluster/jetstream-start.ts';
import { latencyBench, latencyUsage } from './node/latency.ts';
import { leasesBench, leasesUsage } from './cluster/leases.ts';
import { natsRestartBench, natsRestartUsage } from './cluster/nats-restart.ts';
import { replayBench, replayUsage } from './node/replay.ts';
import { selectionBench, selectionUsage } from './node/selection.ts';
import { startBench, startUsage } from './node/start.ts';
import { tcpBench, tcpUsage } from './traffic/tcp.ts';

interface Bench {
  readonly usage: string;
  readonly run: (options: readonly string[]) => Promise<void>;
}

const actorsUsage = `actors   10,000 backends: start, idle with TCP probes every 5 s, stop
        --backends N  (10000)   --seconds S  idle  (20)`;

const benches: Readonly<Record<string, Bench>> = {
  tcp: { usage: tcpUsage, run: tcpBench },
  http: { usage: httpUsage, run: httpBench },
  latency: { usage: latencyUsage, run: latencyBench },
  fold: { usage: foldUsage, run: foldBench },
  start: { usage: startUsage, run: startBench },
  selection: { usage: selectionUsage, run: selectionBench },
  idle: { usage: idleUsage, run: idleBench },
  actors: { usage: actorsUsage, run: actorsBench },
  append: { usage: appendUsage, run: appendBench },
  'cluster-latency': { usage: clusterLatencyUsage, run: clusterLatencyBench },
  'jetstream-start': { usage: jetstreamStartUsage, run: jetstreamStartBench },
  leases: { usage: leasesUsage, run: leasesBench },
  'nats-restart': { usage: natsRestartUsage, run: natsRestartBench },
  replay: { usage: replayUsage, run: replayBench },
};

async function actorsBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: { backends: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '20' } },
  });
  console.log(machineText());
  console.table(await measureActors(Number(values.backends), Number(values.seconds)));
}

const usage = `usage: node bootstrap.mjs bench NAME [options]

  ${Object.values(benches)
    .map((bench) => bench.usage)
    .join('\n  ')}`;

const [name, ...options] = process.argv.slice(2);
const bench = Object.hasOwn(benches, name ?? '') ? benches[name!] : undefined;
if (name === '--help' || (bench !== undefined && options.includes('--help'))) console.log(usage);
else if (bench === undefined) fail(name === undefined ? usage : `there is no benchmark "${name}"\n\n${usage}`);
else await bench.run(options).catch(failed);

function failed(error: unknown): void {
  if (error instanceof MissingTools) console.log(`${name} is skipped: ${error.message}`);
  else fail((error as Error).message);
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 2;
}
