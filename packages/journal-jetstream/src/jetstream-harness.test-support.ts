/** Servers, links and clusters' names for the tests of this journal. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  natsServerProgram,
  newestNatsServer,
  startNatsCluster,
  startNatsServer,
  type NatsCluster,
  type NatsServer,
  type NatsServerVersion,
} from '@muster/nats-server';
import { openNatsLink, type NatsLink } from '@muster/nats';
import type { Journal } from '@muster/journal';
import type { JournalUnderTest } from '@muster/journal/contract';
import { jetstreamManager } from '@nats-io/jetstream';
import { openJetStreamJournal, type JetStreamJournal, type JetStreamJournalOptions } from './jetstream-journal.ts';

/** A payload may have a mebibyte, and its head comes on top; foreign publishers send more. */
const SERVER_LINES = 'max_payload: 8388608';

export const programs = {
  system: await natsServerProgram('system'),
  '2.10': await natsServerProgram('2.10'),
  '2.15': await natsServerProgram('2.15'),
  newest: await newestNatsServer(),
};

/** One server in a folder of its own. Throws where that version cannot be had. */
export async function oneServer(version: NatsServerVersion | 'newest', configLines = ''): Promise<NatsServer> {
  const program = programs[version];
  if ('unavailable' in program) throw new Error(program.unavailable);
  const folder = await mkdtemp(join(tmpdir(), 'muster-jetstream-'));
  const server = await startNatsServer({ program, folder, configLines: `${SERVER_LINES}\n${configLines}` });
  return removingFolder(server, folder);
}

/** Three servers as a cluster. */
export async function threeServers(): Promise<NatsCluster> {
  const program = programs.newest;
  if ('unavailable' in program) throw new Error(program.unavailable);
  const folder = await mkdtemp(join(tmpdir(), 'muster-jetstream-'));
  return removingFolder(await startNatsCluster({ program, folder, configLines: SERVER_LINES }), folder);
}

function removingFolder<Kind extends AsyncDisposable>(servers: Kind, folder: string): Kind {
  const stop = servers[Symbol.asyncDispose].bind(servers);
  servers[Symbol.asyncDispose] = async () => {
    await stop();
    await rm(folder, { recursive: true, force: true });
  };
  return servers;
}

export async function linkTo(...urls: readonly string[]): Promise<NatsLink & AsyncDisposable> {
  const link = await openNatsLink({ servers: urls, name: 'muster-test' });
  return Object.assign(link, { [Symbol.asyncDispose]: () => link.close() });
}

let clusterCount = 0;

/** A name that no other test of this process uses. */
export function freshCluster(): string {
  clusterCount += 1;
  return `c${process.pid}-${clusterCount}`;
}

/** The contract's subject: its events are of the cluster `test`, whose stream is deleted at the end. */
export async function journalUnderTest(link: NatsLink, replicas: number): Promise<JournalUnderTest> {
  const cluster = 'test';
  const opened: Journal[] = [];
  const open = async (): Promise<Journal> => {
    const journal = await openJetStreamJournal({ link, cluster, replicas });
    opened.push(journal);
    return journal;
  };
  const journal = await open();
  return {
    journal,
    reopen: async () => {
      await opened.at(-1)!.close();
      return open();
    },
    recreate: async () => {
      await opened.at(-1)!.close();
      await deleteStream(link, cluster);
      return open();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((each) => each.close()));
      await deleteStream(link, cluster);
    },
  };
}

export async function manager(link: NatsLink) {
  return jetstreamManager(await link.connected(), { checkAPI: false });
}

export async function deleteStream(link: NatsLink, cluster: string): Promise<void> {
  const { streams } = await manager(link);
  const names = [`muster-${cluster}`, `OBJ_muster-${cluster}-snapshots`];
  // The bucket is there only where a test saved a snapshot.
  await Promise.all(names.map((name) => streams.delete(name).catch(() => false)));
}

/** A journal with a link of its own, on a stream of its own. */
export async function openJournal(
  link: NatsLink,
  options: Partial<JetStreamJournalOptions> = {},
): Promise<JetStreamJournal & { readonly cluster: string }> {
  const cluster = options.cluster ?? freshCluster();
  return Object.assign(await openJetStreamJournal({ link, cluster, ...options }), { cluster });
}
