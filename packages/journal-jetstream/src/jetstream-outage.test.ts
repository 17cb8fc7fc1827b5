/** What only this journal lives through: a server that dies, answers that are lost, a stream that is deleted or forgets. */
import { cp, glob, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openNatsLink } from '@muster/nats';
import type { NatsServer } from '@muster/nats-server';
import {
  appended,
  deleteStream,
  eventOf,
  freshCluster,
  itemsOf,
  oneServer,
  programs,
  revisionsOf,
  until,
} from '../testing/jetstream-harness.ts';
import { openJetStreamJournal, type JetStreamJournalOptions } from './jetstream-journal.ts';
import { startLossyProxy } from '../testing/lossy-proxy.ts';

const SERVER_START_MS = 60_000;
const unavailable = 'unavailable' in programs.newest;

async function open(url: string, options: Partial<JetStreamJournalOptions> = {}) {
  const link = openNatsLink({ servers: [url], name: 'muster-test' });
  const cluster = options.cluster ?? freshCluster();
  const journal = await openJetStreamJournal({ link, cluster, ...options });
  const close = async (): Promise<void> => {
    await journal.close();
    await link.close();
  };
  return { journal, link, cluster, [Symbol.asyncDispose]: close };
}

describe.skipIf(unavailable)('outages', () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await oneServer('newest');
  }, SERVER_START_MS);
  afterAll(async () => server[Symbol.asyncDispose]());

  test('a server killed and started again: away once, then everything, in order, and a mark', async () => {
    await using opened = await open(server.url);
    const { journal, cluster } = opened;
    const first = await appended(journal, eventOf(cluster));
    using follower = itemsOf(journal);
    expect(await follower.nextOf('caught-up')).toEqual({ kind: 'caught-up', revision: first });

    const outage = follower.next();
    await server.end('SIGKILL');
    expect(await outage).toMatchObject({ kind: 'away', reason: expect.stringContaining('away') });
    expect(await journal.append(eventOf(cluster))).toMatchObject({ outcome: 'unavailable' });
    await expect(journal.head()).rejects.toMatchObject({ name: 'JournalError', code: 'failed' });

    const next = follower.next();
    await server.restart();
    expect(await next).toEqual({ kind: 'caught-up', revision: first });
    const second = await appended(journal, eventOf(cluster));
    expect(await follower.next()).toMatchObject({ kind: 'events', events: [{ revision: second }] });
  });

  test('opened while NATS is away: unavailable, and checked at the first contact', async () => {
    await using before = await open(server.url);
    await server.end('SIGKILL');
    await using opened = await open(server.url, { openTimeoutMs: 100, cluster: before.cluster });
    const { journal, cluster } = opened;
    expect(await journal.append(eventOf(cluster))).toMatchObject({ outcome: 'unavailable' });
    using follower = itemsOf(journal);
    expect(await follower.next()).toMatchObject({ kind: 'away' });
    await server.restart();
    expect(await follower.next()).toEqual({ kind: 'caught-up', revision: 0 });
    expect(await appended(journal, eventOf(cluster))).toBe(1);
  });

  test.for([undefined, 0])(
    'an append whose answer was lost is stored once (expectation: %s)',
    async (expectedRevision) => {
      await using proxy = await startLossyProxy(server.port);
      await using direct = await open(server.url);
      const { cluster } = direct;
      await using opened = await open(proxy.url, { cluster });
      const event = eventOf(cluster);
      proxy.loseAnswers();
      const outcome = opened.journal.append(event, expectedRevision === undefined ? {} : { expectedRevision });
      await until(async () => (await direct.journal.head()).revision === 1);
      proxy.cut(true);
      expect(await outcome).toEqual({ outcome: 'appended', revision: 1, isDuplicate: true });
      expect(await revisionsOf(direct.journal)).toEqual([1]);
    },
  );

  test('an append whose outcome stays unknown says so, and its id finds it later', async () => {
    await using proxy = await startLossyProxy(server.port);
    await using direct = await open(server.url);
    const { cluster } = direct;
    await using opened = await open(proxy.url, { cluster, appendBudgetMs: 300 });
    const event = eventOf(cluster);
    proxy.loseAnswers();
    const outcome = opened.journal.append(event);
    await until(async () => (await direct.journal.head()).revision === 1);
    proxy.cut(false);
    expect(await outcome).toMatchObject({ outcome: 'unknown' });
    proxy.open();
    await opened.link.connected();
    expect(await opened.journal.append(event)).toEqual({ outcome: 'appended', revision: 1, isDuplicate: true });
  });

  test('a lost race behind a lost answer is a conflict', async () => {
    await using proxy = await startLossyProxy(server.port);
    await using direct = await open(server.url);
    const { cluster } = direct;
    await using opened = await open(proxy.url, { cluster });
    const first = await appended(direct.journal, eventOf(cluster));
    const winner = await appended(direct.journal, eventOf(cluster));
    proxy.loseAnswers();
    const loser = opened.journal.append(eventOf(cluster), { expectedRevision: first });
    proxy.cut(true);
    expect(await loser).toEqual({ outcome: 'conflict', actualRevision: winner });
    expect(await revisionsOf(direct.journal)).toEqual([first, winner]);
  });

  test('a link that was closed under the journal: away, and the process has its turns all the while', async () => {
    await using opened = await open(server.url, { appendBudgetMs: 200 });
    const { journal, link, cluster } = opened;
    await appended(journal, eventOf(cluster));
    using follower = itemsOf(journal);
    await follower.nextOf('caught-up');
    const outcome = journal.append(eventOf(cluster));
    await link.close();
    expect(await outcome).toMatchObject({ outcome: expect.stringMatching(/^(appended|unknown)$/) });
    await follower.nextOf('away');
    const next = follower.next().then(
      () => 'an item',
      () => 'ended',
    );
    const turns = (async () => {
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
      return 'turns';
    })();
    expect(await Promise.race([next, turns])).toBe('turns');
  });

  test('what is to be said once is not said again on another connection; what is not, is', async () => {
    await using opened = await open(server.url);
    const { journal, link, cluster } = opened;
    await appended(journal, eventOf(cluster));
    await server.pause();
    const once = journal.append(eventOf(cluster), { isOnce: true });
    const often = journal.append(eventOf(cluster, { id: 'often' }));
    await server.end('SIGKILL');
    await server.restart();
    expect(await once).toMatchObject({ outcome: 'unknown' });
    // On a busy machine the server may be back after an append's patience.
    const outcome = await often;
    await link.connected();
    if (outcome.outcome !== 'appended') await appended(journal, eventOf(cluster, { id: 'often' }));
    expect(await revisionsOf(journal)).toEqual([1, 2]);
  });

  test('an append takes no longer than it is given', async () => {
    await using opened = await open(server.url);
    const { journal, cluster } = opened;
    await appended(journal, eventOf(cluster));
    await server.pause();
    const beganMs = performance.now();
    expect(await journal.append(eventOf(cluster), { timeoutMs: 500 })).toMatchObject({ outcome: 'unknown' });
    expect(performance.now() - beganMs).toBeLessThan(2_500);
    server.resume();
  });

  test('a deleted stream is away until it is made anew, which is another epoch', async () => {
    await using opened = await open(server.url, { appendBudgetMs: 200 });
    const { journal, link, cluster } = opened;
    await appended(journal, eventOf(cluster));
    const before = await journal.head();
    using follower = itemsOf(journal);
    await follower.nextOf('caught-up');
    await deleteStream(link, cluster);
    expect(await follower.next()).toMatchObject({ kind: 'away', reason: expect.stringContaining('adopt-epoch') });
    expect(await journal.append(eventOf(cluster))).toMatchObject({ outcome: 'unavailable' });
    await expect(journal.head()).rejects.toMatchObject({ message: expect.stringContaining('was deleted') });
    await journal.renew();
    const { epoch } = await journal.head();
    expect(epoch).not.toBe(before.epoch);
    expect(await follower.next()).toEqual({ kind: 'epoch-changed', epoch });
    expect(await appended(journal, eventOf(cluster))).toBe(1);
    await journal.renew();
    expect(await journal.head()).toMatchObject({ epoch, revision: 1, firstRevision: 1 });
  });
});

describe.skipIf(unavailable)('a server that forgets what it acknowledged', () => {
  test.for([
    { others: 0, what: 'fewer events than were read' },
    { others: 3, what: 'other events in their place' },
  ])('$what: another history', async ({ others }) => {
    await using server = await oneServer('newest');
    await using proxy = await startLossyProxy(server.port);
    const cluster = freshCluster();
    await using direct = await open(server.url, { cluster });
    await using opened = await open(proxy.url, { cluster });
    const store = join(folderOf(server), 'store');
    await appended(direct.journal, eventOf(cluster));
    await server.end('SIGTERM');
    await cp(store, `${store}.old`, { recursive: true });
    await server.restart();
    await direct.link.connected();
    for (let count = 0; count < 2; count += 1) await appended(direct.journal, eventOf(cluster));
    const { epoch } = await direct.journal.head();
    await opened.link.connected();
    using follower = itemsOf(opened.journal);
    expect(await follower.nextOf('caught-up')).toEqual({ kind: 'caught-up', revision: 3 });
    await opened.journal.saveSnapshot({ epoch, revision: 3, hash: 'h', data: 'of a history that never was' });

    proxy.cut(false);
    await server.end('SIGKILL');
    const buckets = await bucketFolder(store);
    await cp(buckets, `${store}.bucket`, { recursive: true });
    await rm(store, { recursive: true });
    await cp(`${store}.old`, store, { recursive: true });
    await cp(`${store}.bucket`, buckets, { recursive: true });
    await server.restart();
    await direct.link.connected();
    for (let count = 0; count < others; count += 1) await appended(direct.journal, eventOf(cluster));
    proxy.open();
    expect(await follower.nextOf('epoch-changed')).toEqual({ kind: 'epoch-changed', epoch });
    expect(await direct.journal.loadSnapshot()).toBeNull();
  });
});

/** The store of a server lies in the folder that its log names. */
function folderOf(server: NatsServer): string {
  const folder = /Store Directory:\s+"([^"]+)\/store\/jetstream"/.exec(server.log())?.[1];
  if (folder === undefined) throw new Error(`no store in the log: ${server.log()}`);
  return folder;
}

/** Where the snapshots' bucket lies in a store of one account. */
async function bucketFolder(store: string): Promise<string> {
  for await (const path of glob('**/OBJ_*', { cwd: store })) return join(store, path);
  throw new Error(`no bucket in ${store}`);
}
