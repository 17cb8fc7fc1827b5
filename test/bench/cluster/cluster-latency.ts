/**
 * From a publish on NATS to traffic on three nodes: three servers with the stream on all of them, three nodes as processes,
 * each at a server of its own, and a plain publisher at the first server.
 *
 *     publish ──► stored on two of three servers ──► acknowledged
 *                          └──► a reader at each server ──► node folds ──► worker folds, closes ──► next connection
 *
 * A backend moves between two servers of this process, one event at a time. What is measured per node is the first answer of
 * the new target, an upper bound (`held-connection.ts`). A follower in this process, at the second server, says how much of
 * it is the journal's part.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openJetStreamJournal, type JetStreamJournal } from '@muster/journal-jetstream';
import { openNatsLink } from '@muster/nats';
import { startNatsCluster } from '@muster/nats-server';
import { startTestNode, testFolder, type TestNode } from '../../harness/node.ts';
import { loadText, machineText, spreadText } from '../figures/figures.ts';
import { HeldConnection, type NamedTarget } from './held-connection.ts';
import {
  CLUSTER,
  MOVING_BACKEND,
  newestProgram,
  openPlainPublisher,
  startMovingTarget,
  type Publisher,
} from './nats-scene.ts';
import { cpuSeconds } from '../figures/process-cpu.ts';

export const clusterLatencyUsage = `cluster-latency   from a publish on NATS (R3) to traffic on three nodes
        --samples N         (300)                  --nodes N     1 to 3 (3)`;

const REPLICAS = 3;
/** Between two events: long enough for everybody to be asleep again. */
const PAUSE_MS = 20;
/** The first ones find code that is not compiled yet; they are not counted. */
const WARM_UP_SAMPLES = 50;

export async function clusterLatencyBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: { samples: { type: 'string', default: '300' }, nodes: { type: 'string', default: '3' } },
  });
  const program = await newestProgram();
  console.log(`${machineText()}; ${loadText()}`);
  await using folder = await testFolder();
  await using nats = await startNatsCluster({ program, folder: folder.path });
  await using moving = await startMovingTarget();
  await using nodes = new AsyncDisposableStack();
  const started: TestNode[] = [];
  for (let index = 0; index < Number(values.nodes); index++) {
    const journal = { servers: [nats.urls[index]!], cluster: CLUSTER, replicas: REPLICAS };
    const node = await startTestNode({ folder, id: `lb-${index + 1}`, config: moving.config, journal });
    started.push(nodes.use(node));
  }
  await using follower = await openFollower(nats.urls[1]!);
  await using publisher = await openPlainPublisher([nats.urls[0]!]);
  using held = new DisposableStack();
  const connections: HeldConnection[] = [];
  for (const node of started) {
    connections.push(held.use(await HeldConnection.open(await node.address('front'), moving.targets[0].name)));
  }
  console.log(
    `NATS ${program.version}, ${REPLICAS} servers, ${started.length} node(s) of 1 worker, one event at a time\n`,
  );
  const scene = { targets: moving.targets, follower, publisher, connections };
  await measure(scene, WARM_UP_SAMPLES);
  const pidsByWhat = {
    'control processes': started.map((node) => node.process.pid),
    workers: (await Promise.all(started.map((node) => node.workerPids()))).flat(),
    'NATS servers': nats.servers.map(({ pid }) => pid),
    'this process': [process.pid],
  };
  const before = await usage(pidsByWhat);
  const samples = await measure(scene, Number(values.samples));
  const after = await usage(pidsByWhat);
  print(samples);
  const costs = after.map(
    ({ what, ms }, index) => `${what} ${((ms - before[index]!.ms) / samples.length).toFixed(1)} ms`,
  );
  console.log(`\nCPU per event, all together: ${costs.join(', ')}`);
  console.log(`\n${loadText()} at the end`);
}

interface Scene {
  readonly targets: readonly NamedTarget[];
  readonly follower: Follower;
  readonly publisher: Publisher;
  readonly connections: readonly HeldConnection[];
}

/** From the call of publish, in ms. */
interface Sample {
  readonly acknowledgedMs: number;
  readonly followedMs: number;
  /** By node. */
  readonly closedMs: readonly number[];
  readonly answeredMs: readonly number[];
}

async function measure({ targets, follower, publisher, connections }: Scene, count: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let sample = 0; sample < count; sample++) {
    const { name, target } = targets[(sample + 1) % targets.length]!;
    await sleep(PAUSE_MS);
    const moving = connections.map((connection) => connection.moved(name));
    const startedMs = performance.now();
    const revision = await publisher.publish(MOVING_BACKEND, { type: 'BackendRegistered', target });
    const acknowledgedMs = performance.now() - startedMs;
    const moved = await Promise.all(moving);
    samples.push({
      acknowledgedMs,
      followedMs: (await follower.arrivedMs(revision)) - startedMs,
      closedMs: moved.map(({ closedMs }) => closedMs - startedMs),
      answeredMs: moved.map(({ answeredMs }) => answeredMs - startedMs),
    });
  }
  return samples;
}

/** CPU time so far, in ms. */
async function usage(
  pidsByWhat: Readonly<Record<string, readonly number[]>>,
): Promise<{ readonly what: string; readonly ms: number }[]> {
  const entries = Object.entries(pidsByWhat).map(async ([what, pids]) => {
    const used = await Promise.all(pids.map(cpuSeconds));
    return { what, ms: used.reduce((sum, { user, system }) => sum + (user + system) * 1_000, 0) };
  });
  return Promise.all(entries);
}

function print(samples: readonly Sample[]): void {
  const row = (what: string, samplesMs: readonly number[]) =>
    console.log(`${what.padEnd(44)} ${spreadText(samplesMs)}`);
  const each = (pick: (sample: Sample) => number) => samples.map(pick);
  row(
    'publish → acknowledged',
    each(({ acknowledgedMs }) => acknowledgedMs),
  );
  row(
    'publish → read by a follower of the journal',
    each(({ followedMs }) => followedMs),
  );
  for (let node = 0; node < samples[0]!.answeredMs.length; node++) {
    row(
      `publish → moved on lb-${node + 1}`,
      each(({ answeredMs }) => answeredMs[node]!),
    );
  }
  row(
    'publish → old connections closed on all nodes',
    each(({ closedMs }) => Math.max(...closedMs)),
  );
  row(
    'publish → moved on all nodes',
    each(({ answeredMs }) => Math.max(...answeredMs)),
  );
}

interface Follower extends AsyncDisposable {
  /** When this revision was handed over, by `performance.now()`. */
  arrivedMs(revision: number): Promise<number>;
}

async function openFollower(server: string): Promise<Follower> {
  const link = openNatsLink({ servers: [server], name: 'bench' });
  const journal = await openJetStreamJournal({ link, cluster: CLUSTER, replicas: REPLICAS });
  const ending = new AbortController();
  const arrivals = new Map<number, PromiseWithResolvers<number>>();
  const arrival = (revision: number) => {
    const known = arrivals.get(revision) ?? Promise.withResolvers<number>();
    arrivals.set(revision, known);
    return known;
  };
  const following = follow(journal, ending.signal, (revision) => arrival(revision).resolve(performance.now()));
  return {
    arrivedMs: (revision) => arrival(revision).promise,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await following;
      await journal.close();
      await link.close();
    },
  };
}

async function follow(
  journal: JetStreamJournal,
  signal: AbortSignal,
  onRevision: (revision: number) => void,
): Promise<void> {
  for await (const item of journal.follow({ afterRevision: 0, signal })) {
    if (item.kind === 'events') for (const { revision } of item.events) onRevision(revision);
  }
}
