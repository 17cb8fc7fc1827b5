/**
 * What an append costs on JetStream, through the journal's port: one at a time, as commands and facts are, and many in flight,
 * as a storm is; with one copy and with three, on every server version that can be had.
 *
 * A server answers when the message is in its file, or in the files of two of three; it syncs files to the disk every two
 * minutes. So an acknowledged event survives kill -9 of all servers, and with one copy not the loss of power.
 */
import { parseArgs } from 'node:util';
import { openJetStreamJournal, type JetStreamJournal } from '@muster/journal-jetstream';
import { openNatsLink } from '@muster/nats';
import {
  natsServerProgram,
  startNatsCluster,
  startNatsServer,
  type NatsCluster,
  type NatsServerProgram,
} from '@muster/nats-server';
import { testFolder } from '../../harness/node.ts';
import { loadText, machineText, spreadText } from '../figures/figures.ts';
import { CLUSTER } from './nats-scene.ts';

export const appendUsage = `append   appends to JetStream, one at a time and in flight, by version and copies
        --samples N         (1000)                 --events N    in flight (20000)`;

const VERSIONS = ['system', '2.10', '2.15'] as const;
const IN_FLIGHT = 128;
const WARM_UP_EVENTS = 500;
const REPLICAS = 3;
const BACKENDS = 1_000;

export async function appendBench(options: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...options],
    options: { samples: { type: 'string', default: '1000' }, events: { type: 'string', default: '20000' } },
  });
  const counts = { samples: Number(values.samples), events: Number(values.events) };
  console.log(`${machineText()}; ${loadText()}\n`);
  for (const version of VERSIONS) {
    const program = await natsServerProgram(version);
    if ('unavailable' in program) {
      console.log(`left out: ${program.unavailable}`);
      continue;
    }
    await measureOne(program, counts);
    // Three copies keep expectations from 2.10 on; the journal refuses older servers.
    if (!program.version.startsWith('2.9.')) await measureThree(program, counts);
  }
  console.log(`\n${loadText()} at the end`);
}

interface Counts {
  readonly samples: number;
  readonly events: number;
}

async function measureOne(program: NatsServerProgram, counts: Counts): Promise<void> {
  await using folder = await testFolder();
  await using server = await startNatsServer({ program, folder: folder.path });
  await measure([server.url], { name: `NATS ${program.version}, R1`, replicas: 1, ...counts });
}

async function measureThree(program: NatsServerProgram, counts: Counts): Promise<void> {
  await using folder = await testFolder();
  await using nats: NatsCluster = await startNatsCluster({ program, folder: folder.path });
  await measure(nats.urls, { name: `NATS ${program.version}, R3`, replicas: REPLICAS, ...counts });
}

async function measure(
  servers: readonly string[],
  { name, replicas, samples, events }: Counts & { readonly name: string; readonly replicas: number },
): Promise<void> {
  const link = openNatsLink({ servers, name: 'bench' });
  try {
    await using journal = await openJetStreamJournal({ link, cluster: CLUSTER, replicas });
    const append = appender(journal);
    for (let event = 0; event < WARM_UP_EVENTS; event++) await append();
    const samplesMs: number[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const startedMs = performance.now();
      await append();
      samplesMs.push(performance.now() - startedMs);
    }
    const startedMs = performance.now();
    let begun = 0;
    const appendMany = async () => {
      while (begun++ < events) await append();
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, appendMany));
    const perSecond = (events / (performance.now() - startedMs)) * 1_000;
    console.log(`${name}   ${spreadText(samplesMs)}; ${IN_FLIGHT} in flight: ${perSecond.toFixed(0)} events/s`);
  } finally {
    await link.close();
  }
}

/** Appends another event at each call. */
function appender(journal: JetStreamJournal): () => Promise<void> {
  let count = 0;
  return async () => {
    const id = `bench-${++count}`;
    const subject = `muster.${CLUSTER}.backend.p.b-${count % BACKENDS}`;
    const payload = JSON.stringify({ type: 'BackendModeSet', mode: count % 2 === 0 ? 'ready' : 'drain' });
    const appended = await journal.append({ id, subject, origin: 'bench', payload });
    if (appended.outcome !== 'appended') throw new Error(`An event was not appended: ${appended.outcome}`);
  };
}
