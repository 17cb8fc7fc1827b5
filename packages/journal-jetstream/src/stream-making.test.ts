/** Who makes the stream, and when: only where nobody knows of an earlier one, or a person says so. */
import type { NatsServer } from '@muster/nats-server';
import type { NatsLink } from '@muster/nats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { appended, eventOf, freshCluster, linkTo, manager, oneServer, programs } from '../testing/jetstream-harness.ts';
import { openJetStreamJournal, type JetStreamJournalOptions } from './jetstream-journal.ts';

describe.skipIf('unavailable' in programs.newest)('a stream that is not there', () => {
  let server: NatsServer;
  let link: NatsLink;
  beforeAll(async () => {
    server = await oneServer('newest');
    link = await linkTo(server.url);
  });
  afterAll(async () => {
    await link.close();
    await server[Symbol.asyncDispose]();
  });

  const open = (cluster: string, options: Partial<JetStreamJournalOptions> = {}) =>
    openJetStreamJournal({ link, cluster, openTimeoutMs: 200, ...options });
  const isMade = async (cluster: string): Promise<boolean> => {
    const { streams } = await manager(link);
    return streams.info(`muster-${cluster}`).then(
      () => true,
      () => false,
    );
  };

  test('is made where nobody knows of an earlier one', async () => {
    const cluster = freshCluster();
    await using journal = await open(cluster);
    expect(await appended(journal, eventOf(cluster))).toBe(1);
  });

  test('is not made while somebody knows of an earlier one, nor when they are gone; one that is made meanwhile is used', async () => {
    const cluster = freshCluster();
    let known: string | null = 'node lb-1 serves revision 40 of history E';
    await using journal = await open(cluster, { earlierHistory: () => Promise.resolve(known) });
    const gone = expect.stringMatching(/node lb-1 serves.*muster restore-history.*muster up --new-cluster/) as string;
    await expect(journal.head()).rejects.toMatchObject({ code: 'gone', isRetryable: true, message: gone });
    expect(journal.awayReason).toEqual(gone);
    known = null;
    await expect(journal.head()).rejects.toMatchObject({ code: 'gone' });
    expect(await isMade(cluster)).toBe(false);
    await using person = await open(cluster, { making: 'at-once', earlierHistory: () => Promise.resolve('somebody') });
    expect(await person.head()).toMatchObject({ revision: 0 });
    expect(await journal.head()).toEqual(await person.head());
  });

  test('is not made by a node that may not, and its line says how it is', async () => {
    const cluster = freshCluster();
    await using journal = await open(cluster, { making: 'never' });
    const why = expect.stringMatching(/makeStream = false.*muster up --new-cluster/) as string;
    await expect(journal.head()).rejects.toMatchObject({ code: 'gone', message: why });
    expect(await isMade(cluster)).toBe(false);
    await journal.renew();
    expect(await isMade(cluster)).toBe(true);
  });

  test('is not made where the bucket holds snapshots of an earlier one', async () => {
    const cluster = freshCluster();
    await using before = await open(cluster);
    const revision = await appended(before, eventOf(cluster));
    const { epoch } = await before.head();
    await before.saveSnapshot({ epoch, revision, hash: 'h', data: 'd' });
    await (await manager(link)).streams.delete(`muster-${cluster}`);
    await expect(before.head()).rejects.toMatchObject({ code: 'gone' });
    await using journal = await open(cluster);
    const why = expect.stringContaining(`snapshots of its history ${epoch}, the newest at revision 1`) as string;
    await expect(journal.head()).rejects.toMatchObject({ code: 'gone', message: why });
    expect(await isMade(cluster)).toBe(false);
  });

  test('three that are opened at once make it once', async () => {
    const cluster = freshCluster();
    const journals = await Promise.all([open(cluster), open(cluster), open(cluster)]);
    const heads = await Promise.all(journals.map((journal) => journal.head()));
    expect(new Set(heads.map(({ epoch }) => epoch)).size).toBe(1);
    for (const journal of journals) await journal.close();
  });
});
