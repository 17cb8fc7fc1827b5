/** What lies in the stream and its bucket: foreign messages, damaged snapshots, a log that was cut, limits, permissions. */
import { PAYLOAD_BYTES_MAX, type StoredSnapshot } from '@muster/journal';
import { decodeEvent } from '@muster/membership';
import { randomUUID } from 'node:crypto';
import type { NatsServer } from '@muster/nats-server';
import type { NatsLink } from '@muster/nats';
import { DiscardPolicy } from '@nats-io/jetstream';
import { Objm } from '@nats-io/obj';
import { headers } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  appended,
  eventOf,
  freshCluster,
  itemsOf,
  linkTo,
  manager,
  oneServer,
  programs,
  revisionsOf,
  SERVER_LINES,
  until,
} from '../testing/jetstream-harness.ts';
import { openJetStreamJournal, type JetStreamJournal, type JetStreamJournalOptions } from './jetstream-journal.ts';

const SERVER_START_MS = 60_000;
const HOUR_MS = 3_600_000;
const unavailable = 'unavailable' in programs.newest;

describe.skipIf(unavailable)('what lies in the stream', () => {
  let server: NatsServer;
  let link: NatsLink;
  beforeAll(async () => {
    server = await oneServer('newest');
    link = await linkTo(server.url);
  }, SERVER_START_MS);
  afterAll(async () => {
    await link.close();
    await server[Symbol.asyncDispose]();
  });

  const open = async (options: Partial<JetStreamJournalOptions> = {}) => {
    const cluster = options.cluster ?? freshCluster();
    return Object.assign(await openJetStreamJournal({ link, cluster, ...options }), { cluster });
  };

  test('what anyone publishes is handed over, alike to readers and followers, whatever it is', async () => {
    await using journal = await open();
    const connection = await link.connected();
    const subject = `muster.${journal.cluster}.pool.foreign`;
    const publish = async (payload: string | Uint8Array, fields: Record<string, string> = {}): Promise<void> => {
      const head = headers();
      for (const [name, value] of Object.entries(fields)) head.append(name, value);
      await connection.request(subject, payload, { headers: head, timeout: 5_000 });
    };
    await publish('{}');
    await publish('{}', { 'Nats-Msg-Id': 'chosen', 'Muster-Origin': 'člověk', Other: 'x' });
    await publish('{}', { 'Nats-Msg-Id': 'two words', 'Muster-Origin': 'tab\tbed' });
    await publish(Uint8Array.of(0x7b, 0xff, 0x7d));
    await publish('x'.repeat(8_000_000));
    await publish('x'.repeat(PAYLOAD_BYTES_MAX));
    await publish('');

    using follower = itemsOf(journal);
    const events = [];
    while (events.length < 7) events.push(...(await follower.nextOf('events')).events);
    const read = [];
    for await (const event of journal.read()) read.push(event);
    expect(events).toEqual(read);
    expect(events.map(({ id, origin }) => [id, origin])).toEqual([
      ['seq-1', null],
      ['chosen', 'člověk'],
      ['seq-3', null],
      ['seq-4', null],
      ['seq-5', null],
      ['seq-6', null],
      ['seq-7', null],
    ]);
    expect(events[3]!.payload).toBe('{\ufffd}');
    // Of the largest one only the beginning is read, and its whole size is known.
    expect(events.map(({ payloadBytes }) => payloadBytes).filter((bytes) => bytes !== undefined)).toEqual([8_000_000]);
    expect(decodeEvent(events[4]!, journal.cluster)).toMatchObject({
      reason: 'payload-too-large',
      message: 'the payload has 8000000 bytes; the limit is 65536 characters',
    });
    expect(events.map(({ payload }) => payload.length)).toEqual([
      2,
      2,
      2,
      3,
      PAYLOAD_BYTES_MAX + 1,
      PAYLOAD_BYTES_MAX,
      0,
    ]);
  });

  test('many large messages are read through a bounded queue', async () => {
    await using journal = await open();
    const connection = await link.connected();
    const payload = new Uint8Array(4_000_000);
    for (let count = 0; count < 15; count += 1) {
      await connection.request(`muster.${journal.cluster}.pool.large`, payload, { timeout: 5_000 });
    }
    expect(await revisionsOf(journal)).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
  });

  test('an id that somebody else has used, within the rights of another pool, acknowledges nothing', async () => {
    await using journal = await open();
    const { cluster } = journal;
    const connection = await link.connected();
    const subject = `muster.${cluster}.backend.orders.o-1`;
    const payload = '{"type":"BackendDeregistered","reason":"lease-expired"}';
    const member = await appended(journal, eventOf(cluster, { subject, payload: '{"type":"BackendRegistered"}' }));
    const end = eventOf(cluster, { id: `lease-expired.orders.o-1.${member}`, subject, payload });

    const fields = headers();
    fields.append('Nats-Msg-Id', end.id);
    await connection.request(`muster.${cluster}.backend.spells.x`, payload, { headers: fields, timeout: 5_000 });
    const refused = { outcome: 'refused', reason: 'id-taken' };
    expect(await journal.append(end, { expectedRevision: member })).toMatchObject(refused);
    expect(await journal.append(end)).toMatchObject(refused);
    const other = { ...end, id: randomUUID() };
    expect(await journal.append(other, { expectedRevision: member })).toMatchObject({
      outcome: 'appended',
      revision: 3,
    });
    // And on the very subject, with the very id, but another payload: it is a conflict, and no acknowledgement.
    const foreseen = headers();
    foreseen.append('Nats-Msg-Id', 'foreseen');
    await connection.request(subject, '{"type":"BackendRegistered"}', { headers: foreseen, timeout: 5_000 });
    const own = { ...end, id: 'foreseen' };
    const outcome = await journal.append(own, { expectedRevision: 3 });
    expect(outcome.outcome === 'conflict' || (outcome.outcome === 'refused' && outcome.reason === 'id-taken')).toBe(
      true,
    );
  });

  test('a full stream refuses appends, and keeps what it has', async () => {
    await using journal = await open({ streamBytesMax: 20_000 });
    const event = () => eventOf(journal.cluster, { payload: 'x'.repeat(5_000) });
    for (let count = 0; count < 3; count += 1) await appended(journal, event());
    expect(await journal.append(event())).toMatchObject({
      outcome: 'unavailable',
      message: expect.stringContaining('raise its max_bytes'),
    });
    expect(await revisionsOf(journal)).toEqual([1, 2, 3]);
  });

  test('a subject of another cluster is refused', async () => {
    await using journal = await open();
    expect(await journal.append(eventOf('another'))).toMatchObject({ outcome: 'refused', reason: 'invalid' });
  });

  test('a stream that drops events is refused with what mends it, again and again until it is mended', async () => {
    const cluster = freshCluster();
    const { streams } = await manager(link);
    const subjects = [`muster.${cluster}.>`];
    const config = { name: `muster-${cluster}`, subjects, max_age: HOUR_MS * 1e6, discard: DiscardPolicy.New };
    await streams.add(config);
    const refused = { name: 'JournalError', code: 'refused', message: expect.stringContaining('--max-age=0') };
    await expect(open({ cluster })).rejects.toMatchObject(refused);
    await expect(open({ cluster })).rejects.toMatchObject(refused);
    await streams.update(config.name, { ...config, max_age: 0 });
    await using journal = await open({ cluster, streamBytesMax: 1_000_000 });
    expect(journal.warnings).toContain(`the stream ${config.name} has max_bytes -1; the config asks for 1000000`);
    expect(await appended(journal, eventOf(cluster))).toBe(1);
  });

  test('the log is cut only behind a stored snapshot, and everything left can be rebuilt', async () => {
    await using journal = await open();
    const { cluster } = journal;
    const { epoch } = await journal.head();
    const save = async (target: JetStreamJournal, revision: number): Promise<void> =>
      target.saveSnapshot({ epoch, revision, hash: `h${revision}`, data: `roster at ${revision}` });
    for (let count = 0; count < 6; count += 1) await appended(journal, eventOf(cluster));
    for (const revision of [2, 4]) await save(journal, revision);
    const oldAtMs = Date.now() + 2_000;
    await until(() => Date.now() > oldAtMs);
    for (let count = 0; count < 2; count += 1) await appended(journal, eventOf(cluster));

    await using cutting = await open({ cluster, retentionHours: 1_500 / HOUR_MS });
    await save(cutting, 8);
    expect(await cutting.head()).toMatchObject({ epoch, revision: 8, firstRevision: 5 });
    expect(await cutting.loadSnapshot(7)).toMatchObject({ revision: 4, data: 'roster at 4' });
    expect(await cutting.loadSnapshot(3)).toBeNull();
    expect(await cutting.loadSnapshot()).toMatchObject({ revision: 8 });
    expect(await revisionsOf(cutting, { fromRevision: 5 })).toEqual([5, 6, 7, 8]);
    expect(await revisionsOf(cutting)).toEqual([5, 6, 7, 8]);
    const compacted = { name: 'JournalError', code: 'compacted' };
    await expect(revisionsOf(cutting, { fromRevision: 4 })).rejects.toMatchObject(compacted);
    using behind = itemsOf(cutting, 3);
    await expect(behind.next()).rejects.toMatchObject(compacted);
    using rested = itemsOf(cutting, 4);
    expect((await rested.nextOf('events')).events.map(({ revision }) => revision)).toEqual([5, 6, 7, 8]);
  });

  test('what was expected may have been cut from the log: nothing newer on the subject is what counts', async () => {
    await using journal = await open();
    const { cluster } = journal;
    const [kept, other] = [eventOf(cluster), eventOf(cluster, { subject: `muster.${cluster}.pool.other` })];
    const expectedRevision = await appended(journal, kept);
    await appended(journal, other);
    await (await manager(link)).streams.purge(`muster-${cluster}`);
    const next = eventOf(cluster);
    expect(await journal.append(next, { expectedRevision })).toMatchObject({ outcome: 'appended', revision: 3 });
    expect(await journal.append(next, { expectedRevision })).toMatchObject({ outcome: 'appended', isDuplicate: true });
    const late = eventOf(cluster);
    expect(await journal.append(late, { expectedRevision })).toEqual({ outcome: 'conflict', actualRevision: 3 });
    expect(await journal.append(late, { expectedRevision: 3 })).toMatchObject({ outcome: 'appended', revision: 4 });
    // Of two at once that expect what was cut, one wins.
    await (await manager(link)).streams.purge(`muster-${cluster}`);
    const both = await Promise.all(
      [eventOf(cluster), eventOf(cluster)].map((event) => journal.append(event, { expectedRevision: 4 })),
    );
    expect(both.map(({ outcome }) => outcome).sort()).toEqual(['appended', 'conflict']);
  });

  test('a follower that is slow notices that the log was cut in front of it', async () => {
    await using journal = await open();
    const { cluster } = journal;
    const connection = await link.connected();
    const { subject, payload } = eventOf(cluster);
    // More than a reader asks for ahead of its owner.
    const [eventsCount, cutBefore] = [12_000, 11_500];
    for (let count = 0; count < eventsCount; count += 1) connection.publish(subject, payload);
    await until(async () => (await journal.head()).revision === eventsCount);
    const handedOver: number[] = [];
    const follow = async () => {
      for await (const item of journal.follow({ afterRevision: 0, signal: AbortSignal.timeout(SERVER_START_MS) })) {
        if (item.kind !== 'events') continue;
        if (handedOver.length === 0) await (await manager(link)).streams.purge(`muster-${cluster}`, { seq: cutBefore });
        handedOver.push(...item.events.map(({ revision }) => revision));
      }
    };
    await expect(follow()).rejects.toMatchObject({ name: 'JournalError', code: 'compacted' });
    expect(handedOver.length).toBeLessThan(cutBefore);
    expect(handedOver).toEqual(handedOver.map((_, index) => index + 1));
  });

  describe('snapshots', () => {
    const saved = async (journal: JetStreamJournal & { cluster: string }): Promise<StoredSnapshot[]> => {
      const snapshots: StoredSnapshot[] = [];
      for (let count = 0; count < 2; count += 1) {
        const revision = await appended(journal, eventOf(journal.cluster));
        const { epoch } = await journal.head();
        const snapshot = { epoch, revision, hash: 'h', data: `${revision} ${'roster '.repeat(100_000)}` };
        await journal.saveSnapshot(snapshot);
        snapshots.push(snapshot);
      }
      return snapshots;
    };
    const bucketOf = async ({ cluster }: { cluster: string }) => {
      const { streams } = await manager(link);
      const objects = await new Objm(await link.connected()).open(`muster-${cluster}-snapshots`);
      const newest = (await objects.list()).sort((a, b) => a.name.localeCompare(b.name)).at(-1)!;
      const chunks = `$O.muster-${cluster}-snapshots.C.${newest.nuid}`;
      return { objects, newest, chunks, streams, stream: `OBJ_muster-${cluster}-snapshots` };
    };

    test('one whose parts are gone is passed over for the one before, and said', async () => {
      const lines: string[] = [];
      await using journal = await open({ log: (line) => lines.push(line) });
      const [older, newer] = await saved(journal);
      expect(await journal.loadSnapshot()).toEqual(newer);
      const { streams, stream, chunks } = await bucketOf(journal);
      await streams.purge(stream, { filter: chunks });
      expect(await journal.loadSnapshot()).toEqual(older);
      expect(lines).toEqual([expect.stringContaining('cannot be read (a part of it is missing)')]);
    });

    test('one that is damaged is passed over for the one before', async () => {
      await using journal = await open();
      const [older] = await saved(journal);
      const { streams, stream, chunks } = await bucketOf(journal);
      await streams.purge(stream, { filter: chunks });
      await (await link.connected()).request(chunks, 'other bytes', { timeout: 1_000 });
      expect(await journal.loadSnapshot()).toEqual(older);
    });

    test('one that rests on an event that is not in the log is never answered', async () => {
      await using journal = await open();
      const [, newer] = await saved(journal);
      const { objects } = await bucketOf(journal);
      const revision = await appended(journal, eventOf(journal.cluster));
      await objects.putBlob({ name: `${newer!.epoch}/${revision}/1790000000000000000` }, Buffer.from('x'));
      expect(await journal.loadSnapshot()).toEqual(newer);
    });

    test('those of a history that is gone make room for those of the present one', async () => {
      await using journal = await open();
      await saved(journal);
      const { streams } = await manager(link);
      await streams.delete(`muster-${journal.cluster}`);
      await journal.renew();
      const [, newer] = await saved(journal);
      expect(await journal.loadSnapshot()).toEqual(newer);
      expect(await (await bucketOf(journal)).objects.list()).toHaveLength(3);
    });
  });
});

describe.skipIf(unavailable)('limits and permissions of the server', () => {
  const lines = `max_payload: 65536
    accounts {
      WITHOUT: { users: [{ user: without, password: x }] }
      WITH: { jetstream: enabled, users: [
        { user: admin, password: x },
        { user: node, password: x, permissions: { publish: { deny: ["$JS.API.STREAM.CREATE.>", "muster.*.pool.>"] } } },
      ] }
    }`;
  let server: NatsServer;
  beforeAll(async () => {
    server = await oneServer('newest', lines);
  }, SERVER_START_MS);
  afterAll(async () => server[Symbol.asyncDispose]());
  const linkAs = async (user: string) => linkTo(server.url.replace('nats://', `nats://${user}:x@`));

  test('a payload beyond the server’s limit is refused, and the limit named', async () => {
    await using link = await linkAs('admin');
    const cluster = freshCluster();
    await using journal = await openJetStreamJournal({ link, cluster });
    expect(await journal.append(eventOf(cluster, { payload: 'x'.repeat(65_500) }))).toMatchObject({
      outcome: 'refused',
      reason: 'too-large',
      message: expect.stringContaining('65536'),
    });
  });

  test('several copies on a server that is alone are refused, with what to do', async () => {
    await using link = await linkAs('admin');
    const opening = openJetStreamJournal({ link, cluster: freshCluster(), replicas: 3 });
    await expect(opening).rejects.toMatchObject({
      code: 'refused',
      isRetryable: false,
      message: expect.stringMatching(/replicas = 3, but .* not part of a cluster.*; run NATS as a cluster/),
    });
  });

  test('who may not make the stream uses the one that is there; who may not publish is refused', async () => {
    await using node = await linkAs('node');
    const cluster = freshCluster();
    await expect(openJetStreamJournal({ link: node, cluster })).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('does not permit this user to make it'),
    });
    await using admin = await linkAs('admin');
    await (await openJetStreamJournal({ link: admin, cluster })).close();
    await using journal = await openJetStreamJournal({ link: node, cluster });
    const started = eventOf(cluster, { subject: `muster.${cluster}.node.lb-1` });
    expect(await journal.append(started)).toMatchObject({ outcome: 'appended', revision: 1 });
    expect(await journal.append(eventOf(cluster))).toMatchObject({
      outcome: 'refused',
      reason: 'not-permitted',
      message: expect.stringContaining(`muster.${cluster}.pool.spells`),
    });
    const { epoch } = await journal.head();
    const saving = journal.saveSnapshot({ epoch, revision: 1, hash: 'h', data: 'd' });
    await expect(saving).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('does not permit') });
    expect(await journal.loadSnapshot()).toBeNull();
  });

  test('an account without JetStream is refused', async () => {
    await using link = await linkAs('without');
    const opening = openJetStreamJournal({ link, cluster: freshCluster() });
    await expect(opening).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringContaining('JetStream is not enabled'),
    });
  });
});

test.skipIf('unavailable' in programs.system || !programs.system.version.startsWith('2.9.'))(
  'a server before 2.10 is refused where more than one copy is asked for',
  async () => {
    await using server = await oneServer('system', SERVER_LINES);
    await using link = await linkTo(server.url);
    const opening = openJetStreamJournal({ link, cluster: freshCluster(), replicas: 3 });
    await expect(opening).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining('before 2.10') });
  },
);
