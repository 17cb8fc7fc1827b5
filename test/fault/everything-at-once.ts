/**
 * The soak: everything that a node does, at once. Backends flip and are churned, four writers append, four readers ask every
 * question there is, event streams are followed or ignored, batches and the command line come between, and clients of all habits
 * (quick, slow, leaving, waiting, streaming, in tunnels, over TCP, through filters) look at each byte that they get. How long is the
 * caller's.
 *
 * What must hold: no process ends, no event loop is held for more than 50 ms of CPU time, memory is flat, and every byte that a client
 * got was sent for it. The journal is the node's own file, or a stream of a NATS server.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { newestNatsServer, startNatsServer } from '@muster/nats-server';
import { expect, test } from 'vitest';
import { Random } from '../simulation/schedule/random.ts';
import { startBackend } from '../harness/backend.ts';
import { footprint } from '../harness/processes/footprint.ts';
import { startTestNode, testFolder, type JetStreamOptions, type TestFolder, type TestNode } from '../harness/node.ts';
import { isAlive } from '../harness/processes/process.ts';
import { holdsSince, watchedEnv, type Hold } from '../harness/soak/hold-watch.ts';
import { startSoakBackend } from '../harness/soak/soak-backends.ts';
import { SoakCommands } from '../harness/soak/soak-commands.ts';
import { SoakQuestions } from '../harness/soak/soak-questions.ts';
import { SoakTraffic } from '../harness/soak/soak-traffic.ts';

/**
 * CPU time of the main thread in one turn of the event loop. What the collector of garbage does on that thread counts, because whoever waits
 * for the turn waits for that as well; what it does on threads of its own does not.
 */
const HOLD_MS_MAX = 50;
/** The same turn costs more on a machine whose caches serve others as well: up to half more is put down to that. */
const LOADED_RATIO = 1.5;
/** The longest turns, which are printed in any case; with their stacks where processes are profiled. */
const HOLDS_SHOWN = 5;
const SAMPLE_MS = 1_000;
const READERS = 4;
/** Of the second half's median against that of the quarter before it, where the run is long enough for heaps to have their size. */
const GROWTH_MAX = 1.2;
const GROWTH_MEASURED_MS = 120_000;

const FILTER = `
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default {
  newContext: () => ({ startedMs: Date.now() }),
  requestFilter: (request, context) => {
    if (request.path.startsWith('/own/quick-7')) return { status: 418, fields: {}, body: 'a filter said this' };
    return Math.random() < 0.3 ? pause(20) : undefined;
  },
  upstreamResponseFilter: (response) => (Math.random() < 0.3 ? pause(30) : undefined),
  errorWhileProxy: async () => { await pause(300); },
  failToConnect: async () => { await pause(5); },
  logging: () => {},
};
`;

interface Steady {
  readonly http: readonly string[];
  readonly tcp: readonly string[];
}

function config({ http, tcp }: Steady): string {
  const members = (targets: readonly string[]) =>
    targets.map((target, index) => `{ id = "steady-${index}", target = "${target}" }`).join(', ');
  const health = 'health = { http = "/healthz", intervalMs = 300, timeoutMs = 2000, fall = 2, rise = 1 }';
  return `
[[pools]]
id = "main"
${health}
backends = [${members(http)}]
[[pools]]
id = "queue"
policy = "least_requests"
maxConnectionsPerBackend = 2
waitTimeoutMs = 500
onRemoval = "drain"
drainTimeoutMs = 1000
${health}
backends = [${members(http.slice(0, 2))}]
[[pools]]
id = "relay"
health = { tcp = true, intervalMs = 300 }
backends = [${members(tcp)}]
[[listeners]]
id = "filtered"
bind = "127.0.0.1:0"
protocol = "http"
pool = "main"
filters = ["./soak-filter.ts"]
[[listeners]]
id = "plain"
bind = "127.0.0.1:0"
protocol = "http"
accessLog = "all"
routes = [{ pool = "main" }, { path = "/wait", pool = "queue" }, { path = "/echo", pool = "queue" }]
[[listeners]]
id = "relay"
bind = "127.0.0.1:0"
pool = "relay"`;
}

/** Ids and resident bytes of the control process and the workers, again and again. */
class Footprints {
  readonly samples: number[][] = [];
  readonly #pids: readonly number[];

  constructor(pids: readonly number[]) {
    this.#pids = pids;
  }

  sample(): void {
    this.samples.push(this.#pids.map((pid) => footprint(pid).residentBytes));
  }

  /** For each process: its median in the last half of the run, as a multiple of that in the second quarter. */
  growth(): number[] {
    const median = (from: number, to: number, index: number) => {
      const part = this.samples.slice(Math.floor(from * this.samples.length), Math.ceil(to * this.samples.length));
      return part.map((sample) => sample[index]!).toSorted((left, right) => left - right)[part.length >> 1]!;
    };
    return this.#pids.map((_pid, index) => median(0.5, 1, index) / median(0.25, 0.5, index));
  }
}

async function ports(node: TestNode) {
  const of = async (listener: string) => (await node.address(listener)).port;
  return { http: [await of('filtered'), await of('plain')], tcp: await of('relay') };
}

/** What the node said last, without the access log. */
function lastWords(node: TestNode): string {
  const lines = node.process.output().split('\n');
  return lines
    .filter((line) => !line.includes('"termination"'))
    .slice(-30)
    .join('\n');
}

const shown = ({ cpuMs, pid, where = [] }: Hold) => [`${cpuMs} ms in ${pid}`, ...where].join('\n    ');

export type SoakJournal = 'embedded' | 'jetstream';

const program = await newestNatsServer();

/** A server of the soak's own; undefined for a node with its own file. */
async function journalOn(kind: SoakJournal, { folder, disposer }: Surroundings): Promise<JetStreamOptions | undefined> {
  if (kind === 'embedded' || 'unavailable' in program) return undefined;
  const server = disposer.use(await startNatsServer({ program, folder: join(folder.path, 'nats') }));
  return { servers: [server.url], cluster: 'default' };
}

interface Surroundings {
  readonly folder: TestFolder;
  readonly disposer: AsyncDisposableStack;
}

/** Registers the test. The seed can be had again with `MUSTER_SOAK_SEED`. */
export function testEverythingAtOnce(durationMs: number, kind: SoakJournal = 'embedded'): void {
  const seed = Number(process.env['MUSTER_SOAK_SEED'] ?? Date.now() % 1_000_000);
  const isRun = kind === 'embedded' || !('unavailable' in program);
  test.runIf(isRun)(`everything for ${durationMs / 1_000} s, journal ${kind} (MUSTER_SOAK_SEED=${seed})`, async () => {
    await using disposer = new AsyncDisposableStack();
    const folder = disposer.use(await testFolder());
    const holdFolder = join(folder.path, 'holds');
    await mkdir(holdFolder);
    await writeFile(join(folder.path, 'soak-filter.ts'), FILTER);
    const backends = await Promise.all(Array.from({ length: 4 }, () => startSoakBackend()));
    const echoes = await Promise.all(
      Array.from({ length: 3 }, () => startBackend((socket) => void socket.pipe(socket))),
    );
    for (const backend of [...backends, ...echoes]) disposer.use(backend);
    const steady = { http: backends.map(({ target }) => target), tcp: echoes.map(({ target }) => target) };
    const env = watchedEnv(holdFolder);
    const journal = await journalOn(kind, { folder, disposer });
    const about = { folder, workers: 2, config: config(steady), env };
    const node = disposer.use(await startTestNode(journal === undefined ? about : { ...about, journal }));
    const pids = [node.process.pid, ...(await node.workerPids())];
    const world = {
      pools: ['main', 'queue', 'relay'],
      backends: ['main/steady-0', 'queue/steady-1', 'relay/steady-2'],
    };
    const random = new Random(seed);
    const traffic = new SoakTraffic(await ports(node), random);
    const questions = new SoakQuestions(node.admin, random, world);
    const commands = new SoakCommands(node, random, backends);
    expect(await questions.unaskedRoutes()).toEqual([]);
    expect(commands.ungivenCommands()).toEqual([]);
    await questions.warmUp();

    const sinceMs = Date.now();
    const footprints = new Footprints(pids);
    traffic.start();
    questions.start(READERS);
    commands.start();
    for (const endMs = sinceMs + durationMs; Date.now() < endMs; await sleep(SAMPLE_MS)) {
      if (!pids.every(isAlive)) throw new Error(`a process has ended:\n${lastWords(node)}`);
      footprints.sample();
    }
    await Promise.all([traffic.stop(), questions.stop(), commands.stop()]);

    const holds = holdsSince(sinceMs, { folder: holdFolder, pids });
    const { counts, checkedBytes } = traffic;
    const report = { counts, checkedBytes, questions: questions.counts, commands: commands.counts };
    const memory = { samples: footprints.samples.at(-1), growth: footprints.growth() };
    const longestHolds = holds.slice(0, HOLDS_SHOWN).map(shown);
    process.stdout.write(`${JSON.stringify({ ...report, memory, longestHolds })}\n`);
    expect(traffic.foreign).toEqual([]);
    expect(questions.failures).toEqual([]);
    expect(commands.failures).toEqual([]);
    const { workers } = await node.status();
    expect([node.process.pid, ...workers.map(({ pid }) => pid)]).toEqual(pids);
    // How many is up to the machine, which may have more to do than cores.
    expect(counts['quick 200']).toBeGreaterThan(0);
    expect(holds.filter(({ cpuMs }) => cpuMs > LOADED_RATIO * HOLD_MS_MAX).map(shown)).toEqual([]);
    const isLong = durationMs >= GROWTH_MEASURED_MS;
    expect(memory.growth.filter((one) => isLong && one > GROWTH_MAX)).toEqual([]);
    const code = await node.stop();
    expect(code, `ended by ${node.process.child.signalCode}: ${lastWords(node)}`).toBe(0);
  });
}
