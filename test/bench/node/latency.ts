/**
 * Event to traffic: from the moment a journal has acknowledged an event until every worker sends traffic by it.
 *
 *     append acknowledged ──► node folds ──► IPC ──► worker folds, swaps its set ──► IPC: folded ──► a new connection
 *     └──────────────── in force in every worker ───────────────────────────────────────────┘              │
 *     └──────────────── first connection answered by the new target ───────────────────────────────────────┘
 *
 * A node as it ships, with the embedded journal on disk and worker processes that relay; one backend whose target
 * alternates between two servers. An event is appended to the journal itself, as any publisher would, and a worker
 * reports a revision only after its data plane has it, so the first figure includes the way back. Every connection that is
 * opened after it must reach the new target; one that does not voids the run.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { coarseClock, startNode, type NodeHandle, type OpenSocket, type SpawnWorker } from '@muster/actors';
import { openEmbeddedJournal } from '@muster/journal-embedded';
import type { Journal } from '@muster/journal';
import { formatAddress, type MembershipEventInput } from '@muster/membership';
import { bindSharedSocket } from '@muster/transport';
import { machineText, spreadText } from '../figures/figures.ts';
import { forkWorker } from '../contenders/muster-worker.ts';

export const latencyUsage = `latency   from an acknowledged event to traffic in every worker
        --samples N         (500)                  --workers N   (2)`;

/** Between two events: long enough for the workers to be asleep again, as they would be. */
const PAUSE_MS = 5;
const CLUSTER = 'bench';

export async function latencyBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: { samples: { type: 'string', default: '500' }, workers: { type: 'string', default: '2' } },
  });
  const directory = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  const journal = await openEmbeddedJournal({ path: join(directory, 'latency.journal') });
  const servers = [await namedServer('a'), await namedServer('b')];
  const folds = new FoldReports(Number(values.workers));
  const node = startNode({
    node: 'lb-1',
    cluster: CLUSTER,
    journal,
    workers: Number(values.workers),
    clock: coarseClock(),
    startProbe: () => {
      throw new Error('this benchmark has no health checks');
    },
    openSocket,
    spawnWorker: workerSpawner(folds),
    log: { info: () => undefined, warn: console.error, error: console.error },
  });
  try {
    console.log(`${machineText()}\n${values.workers} workers, embedded journal, one event at a time\n`);
    await measure({ node, journal, folds, targets: servers.map(({ target }) => target) }, Number(values.samples));
  } finally {
    await node.stop({ drainTimeoutMs: 0 });
    await journal.close();
    for (const { server } of servers) server.close();
    await rm(directory, { recursive: true });
  }
}

interface Scene {
  readonly node: NodeHandle;
  readonly journal: Journal;
  readonly folds: FoldReports;
  readonly targets: readonly string[];
}

async function measure({ node, journal, folds, targets }: Scene, samplesCount: number): Promise<void> {
  await node.ready();
  const append = appender(journal);
  await append('pool.spells', { type: 'PoolDefined' });
  await append('listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:0', pool: 'spells' });
  while (node.status().listeners[0]?.boundAddress === undefined) await sleep(10);
  const port = Number(node.status().listeners[0]!.boundAddress!.split(':')[1]);

  const [appendedMs, inForceMs, answeredMs]: [number[], number[], number[]] = [[], [], []];
  for (let sample = 0; sample < samplesCount; sample++) {
    const expected = sample % targets.length;
    const startedMs = performance.now();
    const revision = await append('backend.spells.a', { type: 'BackendRegistered', target: targets[expected]! });
    const acknowledgedMs = performance.now();
    await folds.everyWorkerHas(revision);
    const foldedMs = performance.now();
    const answer = await text(connect(port, '127.0.0.1'));
    const nowMs = performance.now();
    if (answer !== NAMES[expected]) throw new Error(`A connection reached "${answer}" after every worker had moved on`);
    appendedMs.push(acknowledgedMs - startedMs);
    inForceMs.push(foldedMs - acknowledgedMs);
    answeredMs.push(nowMs - acknowledgedMs);
    await sleep(PAUSE_MS);
  }
  console.log(`acknowledged → in force in every worker         ${spreadText(inForceMs)}`);
  console.log(`acknowledged → first connection answered anew   ${spreadText(answeredMs)}`);
  console.log(`for comparison, append → acknowledged (fsync)   ${spreadText(appendedMs)}`);
}

const NAMES = ['a', 'b'];

/** Appends to the journal and gives the revision. */
function appender(journal: Journal): (entity: string, event: MembershipEventInput) => Promise<number> {
  let count = 0;
  return async (entity, event) => {
    const subject = `muster.${CLUSTER}.${entity}`;
    const id = `bench-${++count}`;
    const outcome = await journal.append({ id, subject, origin: 'bench', payload: JSON.stringify(event) });
    if (outcome.outcome !== 'appended') throw new Error(`An event was not appended: ${outcome.outcome}`);
    return outcome.revision;
  };
}

/** What each worker has reported as folded, and who waits for it. */
class FoldReports {
  readonly #revisions: number[];
  #wanted = Infinity;
  #resolve: () => void = () => undefined;

  constructor(workersCount: number) {
    this.#revisions = Array.from({ length: workersCount }, () => 0);
  }

  folded(index: number, revision: number): void {
    this.#revisions[index] = revision;
    if (Math.min(...this.#revisions) >= this.#wanted) this.#resolve();
  }

  everyWorkerHas(revision: number): Promise<void> {
    this.#wanted = revision;
    if (Math.min(...this.#revisions) >= revision) return Promise.resolve();
    return new Promise((resolve) => (this.#resolve = resolve));
  }
}

function workerSpawner(folds: FoldReports): SpawnWorker {
  return (index, { onReport, onExit }) => {
    const { child, send } = forkWorker({ index });
    child.on('message', (report: Parameters<typeof onReport>[0]) => {
      if (report.kind === 'folded') folds.folded(index, report.revision);
      onReport(report);
    });
    child.once('exit', (code, signal) => onExit(`${code ?? signal}`));
    return {
      pid: child.pid!,
      send: (message, socket) => send(message, socket?.handle),
      kill: () => void child.kill('SIGKILL'),
    };
  };
}

const openSocket: OpenSocket = async () => {
  const bound = await bindSharedSocket({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  if (!bound.ok) return { outcome: 'failed', reason: bound.code, taken: null };
  const { handle } = bound.socket;
  const address = { kind: 'tcp', host: '127.0.0.1', port: bound.socket.boundPort! } as const;
  const socket = { boundAddress: formatAddress(address), address, handle, close: () => bound.socket.close() };
  return { outcome: 'open', socket };
};

async function namedServer(name: string) {
  const server = createServer((socket) => socket.on('error', () => undefined).end(name)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, target: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}
