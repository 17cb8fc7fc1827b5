/**
 * From the start of `muster up` to the first answered connection, for a node that is new to a JetStream stream of a million events:
 * with a snapshot near the end of the stream, and from its first event.
 *
 *     spawn ──► modules ──► connect, snapshot ──► tail ──► worker started, given roster and socket ──► first answer
 *
 * Each start is ended by kill -9, and the snapshots that it left are removed; the event or two that it appended stay, and make
 * the tail of the next one so much longer. Beside it, this process reads the same through the journal's port and folds it,
 * and says what each of the steps takes.
 *
 * With `--keep DIR` the stream is kept in that folder and used again by the next run of the same size.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { StoredSnapshot } from '@muster/journal';
import { openJetStreamJournal, type JetStreamJournal } from '@muster/journal-jetstream';
import { decodeSnapshot, emptyRoster, foldBatch, type Roster } from '@muster/membership';
import { openNatsLink } from '@muster/nats';
import { startNatsServer, type NatsServer } from '@muster/nats-server';
import { testFolder } from '../../harness/node.ts';
import { freePort } from '../contenders/contenders.ts';
import { loadText, machineText, median, spreadText } from '../figures/figures.ts';
import { makeHistory, makeStream, type HistorySize } from './jetstream-history.ts';
import { CLUSTER, newestProgram } from './nats-scene.ts';
import { measureStart, type MeasuredStart } from '../node/node-start.ts';
import { snapshotsAt } from '../node/stored-history.ts';

export const jetstreamStartUsage = `jetstream-start   from \`muster up\` to the first answer, on a stream of a million events
        --events N  (1000000)   --backends N  (10000)   --pools N  (100)   --tails A,B  (900,9000)
        --starts N  with a snapshot (5)   --full-starts N  from the first event (2)   --keep DIR   --profile DIR`;

const STREAM = `muster-${CLUSTER}`;
const LOCAL_SNAPSHOT = 'lb-1.snapshot';

export async function jetstreamStartBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: {
      events: { type: 'string', default: '1000000' },
      backends: { type: 'string', default: '10000' },
      pools: { type: 'string', default: '100' },
      tails: { type: 'string', default: '900,9000' },
      starts: { type: 'string', default: '5' },
      'full-starts': { type: 'string', default: '2' },
      keep: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const size = { events: Number(values.events), backends: Number(values.backends), pools: Number(values.pools) };
  const program = await newestProgram();
  console.log(`${machineText()}; ${loadText()}\nNATS ${program.version}, 1 server`);
  await using folder = await testFolder();
  const store = values.keep ?? join(folder.path, 'nats');
  await using server = await startNatsServer({ program, folder: store });
  await using backend = await startAnswering(size, store);
  const scene = { server, directory: folder.path, port: backend.listenerPort, profile: values.profile };
  await prepareHistory(scene, { size, target: backend.target, store });
  const revisions = values.tails.split(',').map((tail) => size.events - Number(tail));
  const snapshots = await madeSnapshots(
    server.url,
    revisions.toSorted((a, b) => a - b),
  );
  for (const snapshot of snapshots) await measureStarts(scene, { snapshot, size, starts: Number(values.starts) });
  await measureStarts(scene, { snapshot: null, size, starts: Number(values['full-starts']) });
  console.log(`\n${loadText()} at the end`);
}

interface Scene {
  readonly server: NatsServer;
  readonly directory: string;
  readonly port: number;
  /** Where the nodes write their CPU profiles. */
  readonly profile: string | undefined;
}

interface Kept extends HistorySize {
  readonly listenerPort: number;
  readonly backendPort: number;
}

/** The backend that answers, and the port that the history's listener has: those of the kept history, if there is one. */
async function startAnswering(size: HistorySize, store: string) {
  const file = keptFile(store);
  const kept = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as Kept) : null;
  if (kept !== null && !(['events', 'backends', 'pools'] as const).every((field) => kept[field] === size[field])) {
    throw new Error(`${store} keeps a stream of another size: remove it, or ask for ${JSON.stringify(kept)}`);
  }
  const answering = createServer((socket) => socket.on('error', () => undefined).end('a'));
  answering.listen(kept?.backendPort ?? 0, '127.0.0.1');
  await once(answering, 'listening');
  return {
    listenerPort: kept?.listenerPort ?? (await freePort()),
    target: `127.0.0.1:${(answering.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      answering.close();
      await once(answering, 'close');
    },
  };
}

interface Preparation {
  readonly size: HistorySize;
  readonly target: string;
  readonly store: string;
}

async function prepareHistory({ server, port }: Scene, { size, target, store }: Preparation): Promise<void> {
  const connection = await connect({ servers: server.url });
  try {
    if (existsSync(keptFile(store))) {
      await removeSnapshots(connection);
      return console.log(`${size.events} events, ${size.backends} backends in ${size.pools} pools, kept in ${store}`);
    }
    const startedMs = performance.now();
    await makeStream(connection, CLUSTER);
    await makeHistory(connection, { ...size, cluster: CLUSTER, port, target });
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0);
    const kept: Kept = { ...size, listenerPort: port, backendPort: Number(target.split(':')[1]) };
    await mkdir(store, { recursive: true });
    await writeFile(keptFile(store), JSON.stringify(kept));
    console.log(`${size.events} events, ${size.backends} backends in ${size.pools} pools, made within ${seconds} s`);
  } finally {
    await connection.close();
  }
}

function keptFile(store: string): string {
  return join(store, 'history.json');
}

/** Those of the bench and those of nodes. */
async function removeSnapshots(connection: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(connection);
  const bucket = `OBJ_${STREAM}-snapshots`;
  const names = await manager.streams.names(`$O.${STREAM}-snapshots.>`).next();
  if (names.includes(bucket)) await manager.streams.delete(bucket);
}

async function madeSnapshots(server: string, revisions: readonly number[]): Promise<StoredSnapshot[]> {
  return withJournal(server, (journal) => snapshotsAt(journal, { cluster: CLUSTER, revisions }));
}

interface Measured {
  /** Null: from the first event. */
  readonly snapshot: StoredSnapshot | null;
  readonly size: HistorySize;
  readonly starts: number;
}

async function measureStarts(scene: Scene, { snapshot, size, starts }: Measured): Promise<void> {
  const { server, directory, port, profile } = scene;
  if (starts === 0) return;
  const samples: MeasuredStart[] = [];
  for (let start = 0; start < starts; start++) {
    await restore(server.url, snapshot);
    await rm(join(directory, LOCAL_SNAPSHOT), { force: true });
    const journalLines = `kind = "jetstream"\nservers = ["${server.url}"]\nlocalSnapshotPath = "${LOCAL_SNAPSHOT}"`;
    const nodeOptions = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    samples.push(await measureStart({ directory, cluster: CLUSTER, port, journalLines, nodeOptions }));
  }
  await restore(server.url, snapshot);
  const each = (pick: (sample: MeasuredStart) => number) => samples.map(pick);
  const from = snapshot === null ? 'from the first event' : `snapshot and ${size.events - snapshot.revision} events`;
  console.log(`\n${from}\nmuster up → first answer   ${spreadText(each(({ answeredMs }) => answeredMs))}`);
  const control = median(each(({ controlCpuMs }) => controlCpuMs)).toFixed(0);
  const worker = median(each(({ workerCpuMs }) => workerCpuMs)).toFixed(0);
  console.log(`  CPU until then: control process ${control} ms, worker ${worker} ms`);
  console.log(await withJournal(server.url, readAlone));
}

async function restore(server: string, snapshot: StoredSnapshot | null): Promise<void> {
  const connection = await connect({ servers: server });
  await removeSnapshots(connection);
  await connection.close();
  if (snapshot !== null) await withJournal(server, (journal) => journal.saveSnapshot(snapshot));
}

/** What a node reads at its start, step by step and without anything else, as one line. */
async function readAlone(journal: JetStreamJournal, openedMs: number): Promise<string> {
  const startedMs = performance.now();
  const stored = await journal.loadSnapshot();
  const loadedMs = performance.now() - startedMs;
  let roster: Roster = emptyRoster(CLUSTER);
  if (stored !== null) {
    const decoded = decodeSnapshot(stored.data);
    if (decoded.outcome !== 'decoded') throw new Error(decoded.message);
    roster = decoded.roster;
  }
  const decodedMs = performance.now() - startedMs - loadedMs;
  const tailStartedMs = performance.now();
  let [foldMs, count] = [0, 0];
  const ending = new AbortController();
  for await (const item of journal.follow({ afterRevision: roster.revision, signal: ending.signal })) {
    if (item.kind === 'caught-up') break;
    if (item.kind !== 'events') throw new Error(`The stream could not be read: ${item.kind}`);
    const foldStartedMs = performance.now();
    roster = foldBatch(roster, item.events).roster;
    foldMs += performance.now() - foldStartedMs;
    count += item.events.length;
  }
  ending.abort();
  const readMs = performance.now() - tailStartedMs - foldMs;
  const mib = ((stored?.data.length ?? 0) / 2 ** 20).toFixed(1);
  const perSecond = (ms: number) => `${ms.toFixed(0)} ms, ${((count / ms) * 1_000).toFixed(0)} a second`;
  return (
    `  alone: open ${openedMs.toFixed(0)} ms, load the snapshot (${mib} MiB) ${loadedMs.toFixed(0)} ms, ` +
    `decode it ${decodedMs.toFixed(0)} ms, read ${count} events ${perSecond(readMs)}, fold them ${perSecond(foldMs)}`
  );
}

async function withJournal<Result>(
  server: string,
  use: (journal: JetStreamJournal, openedMs: number) => Promise<Result>,
): Promise<Result> {
  const startedMs = performance.now();
  const link = openNatsLink({ servers: [server], name: 'bench' });
  try {
    await using journal = await openJetStreamJournal({ link, cluster: CLUSTER });
    return await use(journal, performance.now() - startedMs);
  } finally {
    await link.close();
  }
}
