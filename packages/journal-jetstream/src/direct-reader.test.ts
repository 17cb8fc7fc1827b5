/** Reading without a consumer: the same events as with one, or nothing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecordedEvent } from '@muster/membership';
import type { NatsLink } from '@muster/nats';
import type { NatsServer } from '@muster/nats-server';
import { headers } from '@nats-io/transport-node';
import type { Anchor } from './anchor.ts';
import { DIRECT_EVENTS_MAX, DirectReader } from './direct-reader.ts';
import {
  appended,
  deleteStream,
  eventOf,
  freshCluster,
  linkTo,
  manager,
  oneServer,
  programs,
  ONE_COPY,
} from '../testing/jetstream-harness.ts';
import { openJetStreamJournal } from './jetstream-journal.ts';
import { PullReader } from './pull-reader.ts';
import { StreamAccess } from './stream-access.ts';

const SERVER_START_MS = 60_000;
const PERMISSIONS = `max_payload: 8388608
  accounts { NODES: { jetstream: enabled, users: [
    { user: node, password: x },
    { user: limited, password: x, permissions: { publish: { deny: ["$JS.API.DIRECT.>"] } } },
  ] } }`;

describe.skipIf('unavailable' in programs.newest)('reading without a consumer', () => {
  let server: NatsServer;
  let link: NatsLink;
  const linkAs = async (user: string) => linkTo(server.url.replace('nats://', `nats://${user}:x@`));
  beforeAll(async () => {
    server = await oneServer('newest', PERMISSIONS);
    link = await linkAs('node');
  }, SERVER_START_MS);
  afterAll(async () => {
    await link.close();
    await server[Symbol.asyncDispose]();
  });

  const open = async () => {
    const cluster = freshCluster();
    const journal = await openJetStreamJournal({ link, cluster });
    return Object.assign(journal, { cluster, access: new StreamAccess({ ...ONE_COPY, link, cluster }) });
  };

  /** The place of an event, as a follower knows it that read with a consumer. */
  const anchorOf = async (access: StreamAccess, revision: number): Promise<Anchor> => {
    const reader = await PullReader.open(access, { start: { revision }, countMax: 1 });
    const [{ delivery, message }] = (await reader.take(1)) as [Awaited<ReturnType<typeof reader.take>>[number]];
    reader.close();
    const id = message.headers?.get('Nats-Msg-Id') ?? '';
    return { revision: delivery.revision, timeNs: delivery.timeNs, id: id === '' ? `seq-${revision}` : id };
  };

  test('gives what a consumer gives, whatever a publisher says in the headers of the server', async () => {
    await using journal = await open();
    const connection = await link.connected();
    const publish = async (fields: Record<string, string>): Promise<void> => {
      const head = headers();
      for (const [name, value] of Object.entries(fields)) head.append(name, value);
      await connection.request(`muster.${journal.cluster}.pool.p`, '{"člověk":1}', { headers: head, timeout: 5_000 });
    };
    await appended(journal, eventOf(journal.cluster));
    await publish({});
    await publish({ 'Nats-Msg-Id': 'chosen', 'Muster-Origin': 'člověk' });
    await publish({ 'Nats-Subject': `muster.${journal.cluster}.listener.web`, 'Nats-Sequence': '77' });
    await publish({ 'Nats-Time-Stamp': '2001-01-01T00:00:00Z', 'Nats-Stream': 'other' });
    await connection.request(`muster.${journal.cluster}.pool.p`, '', { timeout: 5_000 });
    const expected: RecordedEvent[] = [];
    for await (const event of journal.read({ fromRevision: 2 })) expected.push(event);
    const found = await new DirectReader(journal.access).readAfter(await anchorOf(journal.access, 1));
    expect(found?.map(({ event }) => event)).toEqual(expected);
    expect(found?.at(-1)?.place).toEqual(await anchorOf(journal.access, 6));
  });

  test('ends before a message that was removed, and at its limit', async () => {
    await using journal = await open();
    for (let count = 0; count < DIRECT_EVENTS_MAX + 10; count += 1) await appended(journal, eventOf(journal.cluster));
    const reader = new DirectReader(journal.access);
    const anchor = await anchorOf(journal.access, 1);
    expect(await reader.readAfter(anchor)).toHaveLength(DIRECT_EVENTS_MAX);
    const { streams } = await manager(link);
    const { config } = await streams.info(journal.access.name);
    await streams.delete(journal.access.name);
    await streams.add({ ...config, deny_delete: false });
    for (let count = 0; count < 5; count += 1) await appended(journal, eventOf(journal.cluster));
    await streams.deleteMessage(journal.access.name, 4);
    const found = await reader.readAfter(await anchorOf(journal.access, 1));
    expect(found?.map(({ event }) => event.revision)).toEqual([2, 3]);
  });

  test('gives nothing of a stream that was deleted and made again, or of one that is gone', async () => {
    await using journal = await open();
    for (let count = 0; count < 3; count += 1) await appended(journal, eventOf(journal.cluster));
    const anchor = await anchorOf(journal.access, 2);
    const reader = new DirectReader(journal.access);
    expect(await reader.readAfter(anchor)).toHaveLength(1);
    await deleteStream(link, journal.cluster);
    expect(await reader.readAfter(anchor)).toBeNull();
    await journal.renew();
    for (let count = 0; count < 3; count += 1) await appended(journal, eventOf(journal.cluster));
    expect(await reader.readAfter(anchor)).toBeNull();
  });

  test('asks no more where it is not permitted', async () => {
    await using journal = await open();
    await appended(journal, eventOf(journal.cluster));
    const anchor = await anchorOf(journal.access, 1);
    await using limited = await linkAs('limited');
    const reader = new DirectReader(new StreamAccess({ ...ONE_COPY, link: limited, cluster: journal.cluster }));
    expect(await reader.readAfter(anchor)).toBeNull();
    const { outMsgs } = (await limited.connected()).stats();
    expect(await reader.readAfter(anchor)).toBeNull();
    expect((await limited.connected()).stats().outMsgs).toBe(outMsgs);
  });
});
