/** What takes three servers: one that dies with what only it had, a leader that is missing, and nodes that all begin at once. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalError } from '@muster/journal';
import type { NatsCluster, NatsServer } from '@muster/nats-server';
import {
  appended,
  eventOf,
  freshCluster,
  linkTo,
  programs,
  revisionsOf,
  threeServers,
  until,
  ONE_COPY,
} from '../testing/jetstream-harness.ts';
import { openJetStreamJournal, type JetStreamJournal } from './jetstream-journal.ts';
import { PullReader } from './pull-reader.ts';
import { StreamAccess } from './stream-access.ts';

const SERVERS_START_MS = 60_000;
const TEST_MS = 60_000;
/** So many nodes begin at once. */
const NODES = 4;

const STREAM = { ...ONE_COPY, replicas: 3 };

interface Leaders {
  /** Of all of JetStream. */
  readonly meta: string | undefined;
  readonly stream: string | undefined;
  /** Of each consumer of the stream. */
  readonly consumers: readonly (string | undefined)[];
}

interface MonitoredStream {
  readonly name: string;
  readonly cluster?: { readonly leader?: string };
  readonly consumer_detail?: readonly { readonly cluster?: { readonly leader?: string } }[];
}

/** As one server sees them; a consumer is told of by the server that has it. */
async function leaders({ host, monitorPort }: NatsServer, stream: string): Promise<Leaders> {
  const response = await fetch(`http://${host}:${monitorPort}/jsz?consumers=true&config=false`);
  const answer = (await response.json()) as {
    readonly meta_cluster?: { readonly leader?: string };
    readonly account_details?: readonly { readonly stream_detail?: readonly MonitoredStream[] }[];
  };
  const streams = answer.account_details?.flatMap(({ stream_detail: each = [] }) => each) ?? [];
  const found = streams.find(({ name }) => name === stream);
  return {
    meta: answer.meta_cluster?.leader,
    stream: found?.cluster?.leader,
    consumers: found?.consumer_detail?.map(({ cluster }) => cluster?.leader) ?? [],
  };
}

describe.skipIf('unavailable' in programs.newest)('three servers', () => {
  let servers: NatsCluster;
  beforeEach(async () => {
    servers = await threeServers();
  }, SERVERS_START_MS);
  afterEach(async () => servers[Symbol.asyncDispose]());

  const serverNamed = (name: string): NatsServer => servers.servers[Number(name.at(-1)) - 1]!;

  const journalOn = async (cluster: string, ...urls: readonly string[]) => {
    const link = await linkTo(...urls);
    const journal = await openJetStreamJournal({ link, cluster, replicas: 3, openTimeoutMs: 20_000 });
    const close = async (): Promise<void> => {
      await journal.close();
      await link.close();
    };
    return { journal, link, [Symbol.asyncDispose]: close };
  };

  /** Lets the stream's leaders change until one server leads both it and JetStream. */
  const untilOneLeadsBoth = async (cluster: string, link: Awaited<ReturnType<typeof linkTo>>): Promise<string> => {
    const stream = `muster-${cluster}`;
    for (;;) {
      const { meta, stream: leader } = await leaders(servers.servers[0]!, stream);
      if (meta !== undefined && meta === leader) return leader;
      const connection = await link.connected();
      // Another vote is all that is wanted; who is not answered asks again.
      await connection.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`, '', { timeout: 1_000 }).catch(() => null);
      await until(async () => (await leaders(servers.servers[0]!, stream)).stream !== undefined);
    }
  };

  test(
    'nodes that begin at the same moment all find the stream, and save their first snapshots',
    { timeout: TEST_MS },
    async () => {
      const cluster = freshCluster();
      const begin = async (index: number): Promise<void> => {
        await using opened = await journalOn(cluster, servers.urls[index % servers.urls.length]!);
        const { journal } = opened;
        const revision = await appended(journal, eventOf(cluster));
        const { epoch } = await insisting(async () => journal.head());
        const snapshot = { epoch, revision, hash: `h${revision}`, data: `roster at ${revision}` };
        await insisting(async () => journal.saveSnapshot(snapshot));
        // A server that is busy may not answer in time, and then an older one counts, or none.
        await until(async () => (await insisting(async () => journal.loadSnapshot(revision)))?.revision === revision);
        expect(await insisting(async () => journal.loadSnapshot(revision))).toMatchObject(snapshot);
      };
      await Promise.all(Array.from({ length: NODES }, (_, index) => begin(index)));
    },
  );

  test(
    'a server killed with consumers on it: their readers learn it from its neighbour',
    { timeout: TEST_MS },
    async () => {
      const cluster = freshCluster();
      await using opened = await journalOn(cluster, ...servers.urls);
      await appended(opened.journal, eventOf(cluster));
      const name = `muster-${cluster}`;
      const { meta, stream } = await leaders(servers.servers[0]!, name);
      const victim = servers.servers.findLast((_, index) => ![meta, stream].includes(`nats-${index + 1}`))!;
      await using link = await linkTo(...servers.urls.filter((url) => url !== victim.url));
      const access = new StreamAccess({ ...STREAM, link, cluster });
      const readers: PullReader[] = [];
      await until(async () => {
        // A server may be given the consumer that does not answer yet; the next one goes to another.
        const reader = await PullReader.open(access, { start: { revision: 1 } }).catch(() => null);
        if (reader === null) return false;
        await reader.take(1);
        readers.push(reader);
        return (await leaders(victim, name)).consumers.length > 0;
      });
      await victim.end('SIGKILL');
      await until(() => readers.some(({ endReason }) => endReason !== null));
      const reasons = readers.map(({ endReason }) => endReason).filter((reason) => reason !== null);
      expect(reasons[0]).toContain('its consumer is gone');
      for (const reader of readers) reader.close();
    },
  );

  test('more copies than there are servers: not yet, and said', { timeout: TEST_MS }, async () => {
    await using link = await linkTo(...servers.urls);
    const options = { link, cluster: freshCluster(), replicas: 5, openTimeoutMs: 1_000 };
    const journal = await openJetStreamJournal(options);
    const said = expect.stringContaining('no place for 5 copies') as string;
    await expect(journal.head()).rejects.toMatchObject({ code: 'failed', isRetryable: true, message: said });
    expect(journal.awayReason).toEqual(said);
    await journal.close();
  });

  test(
    'the leader of everything killed: followers on all others go on with what is acknowledged',
    { timeout: TEST_MS },
    async () => {
      const cluster = freshCluster();
      await using writer = await journalOn(cluster, ...servers.urls);
      await appended(writer.journal, eventOf(cluster));
      const leader = await untilOneLeadsBoth(cluster, writer.link);
      const others = servers.servers.filter((server) => server !== serverNamed(leader));
      await using first = await journalOn(cluster, others[0]!.url);
      await using second = await journalOn(cluster, others[1]!.url);
      const stop = new AbortController();
      const followed = [first, second, second, first].map(({ journal }) => following(journal, stop.signal));
      await until(() => followed.every(({ revisions }) => revisions.length === 1));

      await serverNamed(leader).end('SIGKILL');
      let newest = 0;
      for (let count = 0; count < 200;) {
        const outcome = await first.journal.append(eventOf(cluster));
        if (outcome.outcome !== 'appended') continue;
        newest = outcome.revision;
        count += 1;
      }
      await until(() => followed.every(({ revisions }) => revisions.at(-1) === newest));
      stop.abort();
      await Promise.all(followed.map(({ ended }) => ended));
      const stored = await insisting(async () => revisionsOf(first.journal));
      for (const { revisions } of followed) expect(revisions).toEqual(stored);
    },
  );
});

/** Asks again where the failure is one that passes: leaders may be elected late, and busy servers answer late. */
async function insisting<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof JournalError) || !error.isRetryable) throw error;
    }
  }
}

/** What a follower is handed, from the first event on. */
function following(journal: JetStreamJournal, signal: AbortSignal) {
  const revisions: number[] = [];
  const follow = async (): Promise<void> => {
    for await (const item of journal.follow({ afterRevision: 0, signal })) {
      if (item.kind === 'events') revisions.push(...item.events.map(({ revision }) => revision));
      expect(item.kind).not.toBe('epoch-changed');
    }
  };
  return { revisions, ended: follow() };
}
