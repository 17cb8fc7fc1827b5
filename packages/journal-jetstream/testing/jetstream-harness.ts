/** Servers, links and short ways to append, follow and read for the tests of this journal. */
import { randomUUID } from 'node:crypto';
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
import type { FollowItem, Journal, NewEvent, ReadOptions } from '@muster/journal';
import type { JournalUnderTest } from '@muster/journal/testing';
import { jetstreamManager, type StreamAPI } from '@nats-io/jetstream';
import { openJetStreamJournal } from '../src/jetstream-journal.ts';
import { isNoResponders, isStreamNotFound, isTimeout } from '../src/nats-failure.ts';

/** A payload may have a mebibyte, and its head comes on top; foreign publishers send more. */
export const SERVER_LINES = 'max_payload: 8388608';

/** What the parts of a journal are told of its stream. */
export const ONE_COPY = {
  replicas: 1,
  streamBytesMax: null,
  duplicateWindowMs: 120_000,
  making: 'where-none-is-known',
  earlierHistory: () => Promise.resolve(null),
  log: () => undefined,
} as const;

export const programs = {
  system: await natsServerProgram('system'),
  '2.10': await natsServerProgram('2.10'),
  '2.15': await natsServerProgram('2.15'),
  newest: await newestNatsServer(),
};

/** One server in a folder of its own. Throws where that version cannot be had. */
export async function oneServer(
  version: NatsServerVersion | 'newest',
  configLines = SERVER_LINES,
): Promise<NatsServer> {
  const program = programs[version];
  if ('unavailable' in program) throw new Error(program.unavailable);
  const folder = await mkdtemp(join(tmpdir(), 'muster-jetstream-'));
  const server = await startNatsServer({ program, folder, configLines });
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
  const link = openNatsLink({ servers: urls, name: 'muster-test' });
  await link.connected();
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

/** Deletes a cluster's stream and the bucket of its snapshots, and comes back when both are gone. */
export async function deleteStream(link: NatsLink, cluster: string): Promise<void> {
  const { streams } = await manager(link);
  const names = [`muster-${cluster}`, `OBJ_muster-${cluster}-snapshots`];
  await Promise.all(names.map(async (name) => untilGone(streams, name)));
}

/** An answer that is late or lost tells nothing, so it is deleted again until the server says that it is not there. */
async function untilGone(streams: StreamAPI, name: string): Promise<void> {
  for (;;) {
    try {
      await streams.delete(name);
    } catch (error) {
      if (isStreamNotFound(error)) return;
      if (!isTimeout(error) && !isNoResponders(error)) throw error;
    }
  }
}

/** Polls until it is so. Bounded by the test's own deadline. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The items of a follower of a cluster's journal, read by hand. */
export function itemsOf(journal: Journal, afterRevision = 0) {
  const abort = new AbortController();
  const items = journal.follow({ afterRevision, signal: abort.signal })[Symbol.asyncIterator]();
  const next = async (): Promise<FollowItem> => {
    const { value, done } = await items.next();
    if (done === true) throw new Error('the follower ended');
    return value;
  };
  return {
    next,
    /** Passes over what else comes. */
    nextOf: async <Kind extends FollowItem['kind']>(kind: Kind): Promise<Extract<FollowItem, { kind: Kind }>> => {
      for (;;) {
        const item = await next();
        if (item.kind === kind) return item as Extract<FollowItem, { kind: Kind }>;
      }
    },
    [Symbol.dispose]: () => abort.abort(),
  };
}

/** An event of a cluster, with an id of its own. */
export function eventOf(cluster: string, parts: Partial<NewEvent> = {}): NewEvent {
  const subject = `muster.${cluster}.pool.spells`;
  return { id: randomUUID(), subject, origin: null, payload: '{"type":"PoolRemoved"}', ...parts };
}

/** Appends one and insists. */
export async function appended(journal: Journal, event: NewEvent): Promise<number> {
  const outcome = await journal.append(event);
  if (outcome.outcome !== 'appended') throw new Error(JSON.stringify(outcome));
  return outcome.revision;
}

export async function revisionsOf(journal: Journal, options: ReadOptions = {}): Promise<number[]> {
  const revisions: number[] = [];
  for await (const { revision } of journal.read(options)) revisions.push(revision);
  return revisions;
}
