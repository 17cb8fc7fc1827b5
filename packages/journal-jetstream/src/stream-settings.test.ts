/** Which settings of a stream are refused, which are a warning, and which are nobody's business; and what a real server makes of them. */
import { randomUUID } from 'node:crypto';
import type { NatsServer } from '@muster/nats-server';
import type { NatsLink } from '@muster/nats';
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
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
  until,
} from '../testing/jetstream-harness.ts';
import type { JournalError } from '@muster/journal';
import { openJetStreamJournal } from './jetstream-journal.ts';
import { wantedStream } from './stream-config.ts';
import { judgeStream } from './stream-settings.ts';

const requestOf = (cluster: string) => ({ cluster, replicas: 1, streamBytesMax: null, duplicateWindowMs: 120_000 });
const wanted = wantedStream(requestOf('demo'));

/** Each setting that is refused, and a part of the line that says so. */
const REFUSED: readonly [object, string][] = [
  [{ max_age: 1_000_000_000 }, 'nats stream edit muster-demo --max-age=0'],
  [{ discard: DiscardPolicy.Old, max_bytes: 1_000 }, 'nats stream edit muster-demo --discard=new'],
  [{ discard: DiscardPolicy.Old, max_msgs: 1_000 }, 'drops its oldest events'],
  [{ max_msgs_per_subject: 1 }, 'nats stream edit muster-demo --max-msgs-per-subject=-1'],
  [{ retention: RetentionPolicy.Workqueue }, 'drops events that were read'],
  [{ retention: RetentionPolicy.Interest }, 'drops events that were read'],
  [{ storage: StorageType.Memory }, 'is kept in memory'],
  [{ persist_mode: 'async' }, 'before they are written'],
  [{ subjects: ['muster.>'] }, 'should keep muster.demo.> alone'],
  [{ subjects: ['muster.demo.>', 'other'] }, 'keeps muster.demo.>, other'],
  [{ mirror: { name: 'x' } }, 'copies another stream'],
  [{ sources: [{ name: 'x' }] }, 'copies another stream'],
  [{ allow_rollup_hdrs: true }, 'replace its history'],
  [{ sealed: true }, 'is sealed'],
  [{ allow_msg_ttl: true }, 'give an event an end'],
  [{ subject_delete_marker_ttl: 1_000_000_000 }, 'marks of its own'],
  [{ allow_msg_counter: true }, 'sums in place of events'],
  [{ allow_msg_schedules: true }, 'publishes events by itself'],
  [{ subject_transform: { src: '>', dest: 'x.>' } }, 'under other subjects'],
  [{ no_ack: true }, 'nats stream edit muster-demo --ack'],
  [{ max_msg_size: 1_000 }, 'takes no event of more than 1000 bytes'],
  [{ max_consumers: 2 }, 'lets only 2 readers read it'],
  [{ consumer_limits: { inactive_threshold: 1_000_000_000 } }, 'ends readers that pause for 1000 ms'],
  [{ first_seq: 10 }, 'begins at revision 10'],
];

/** Each setting that is a warning, and a part of its line. */
const WARNED: readonly [object, string][] = [
  [{ num_replicas: 3 }, 'has num_replicas 3; the config asks for 1'],
  [{ max_bytes: 1_000 }, 'has max_bytes 1000; the config asks for -1'],
  [{ max_msgs: 1_000 }, 'has max_msgs 1000; the config asks for -1'],
  [{ duplicate_window: 1 }, 'has duplicate_window 1; the config asks for 120000000000'],
  [{ deny_delete: false }, 'has deny_delete false'],
  [{ deny_purge: true }, 'retentionHours has no effect'],
  [{ discard: DiscardPolicy.Old }, 'would drop its oldest events'],
  [{ discard_new_per_subject: true }, 'refuses events of a subject that is full'],
  [{ allow_direct: false }, '--allow-direct'],
  [{ republish: { src: '>', dest: 'live.>' } }, 'copies each event to live.>'],
  [{ a_later_setting: { x: 1 } }, 'has a_later_setting {"x":1}, which this version does not know'],
];

const HARMLESS: readonly object[] = [
  {},
  { mirror_direct: true },
  { allow_atomic: true },
  { allow_batched: true },
  { compression: 's2' },
  { placement: { tags: ['ssd'] } },
  { description: 'ours' },
  { metadata: { _nats: '1' } },
  { template_owner: '' },
  { persist_mode: 'default' },
  { max_msg_size: 1_048_576 },
  { consumer_limits: { max_ack_pending: 1, inactive_threshold: 300_000_000_000 } },
  { first_seq: 1 },
];

const judged = (parts: object) => judgeStream({ ...wanted, ...parts } as unknown as StreamConfig, wanted);

test.for(REFUSED)('a stream with %j is refused', ([parts, line]) => {
  expect(judged(parts).refusal).toContain(line);
  expect(judged(parts).refusal).toMatch(/^the stream muster-demo .*; /);
});

test.for(WARNED)('a stream with %j is used, with a warning', ([parts, line]) => {
  expect(judged(parts)).toEqual({ refusal: null, warnings: [expect.stringContaining(line)] });
});

test.for(HARMLESS)('a stream with %j is used', (parts) => {
  expect(judged(parts)).toEqual({ refusal: null, warnings: [] });
});

test('servers leave out what is false or zero', () => {
  const { deny_purge: _purge, allow_rollup_hdrs: _rollup, max_age: _age, ...rest } = wanted;
  expect(judgeStream(rest as unknown as StreamConfig, wanted)).toEqual({ refusal: null, warnings: [] });
});

const versions = (['system', '2.10', 'newest'] as const).filter((version) => !('unavailable' in programs[version]));

describe.each(versions)('settings on a real server: %s', (version) => {
  let server: NatsServer;
  let link: NatsLink;
  beforeAll(async () => {
    server = await oneServer(version);
    link = await linkTo(server.url);
  });
  afterAll(async () => {
    await link.close();
    await server[Symbol.asyncDispose]();
  });

  /** What the server answers; the client of an old server refuses to ask for what that does not know. */
  const ask = async (verb: 'CREATE' | 'UPDATE', config: { readonly name: string }): Promise<StreamConfig | null> => {
    const request = JSON.stringify(config);
    const answer = await (await link.connected()).request(`$JS.API.STREAM.${verb}.${config.name}`, request);
    return answer.json<{ config?: StreamConfig }>().config ?? null;
  };

  test('a stream that a node makes is fit, without a warning', async () => {
    await using journal = await openJetStreamJournal({ link, cluster: freshCluster() });
    expect(journal.warnings).toEqual([]);
    expect(await journal.head()).not.toHaveProperty('unfit');
  });

  test('every setting that it takes is judged at the first contact as the table says', async () => {
    const { streams } = await manager(link);
    const takenCount = { refused: 0, dropped: 0 };
    for (const [parts] of REFUSED) {
      const cluster = freshCluster();
      const subjects = 'subjects' in parts ? { subjects: [`x.${cluster}`] } : {};
      const made = await ask('CREATE', { ...wantedStream(requestOf(cluster)), ...parts, ...subjects });
      if (made === null) continue;
      const { config } = await streams.info(made.name);
      // What an old server does not know it drops, and then the stream is fit.
      const isDropped = Object.keys(parts).every((field) => config[field as keyof StreamConfig] === undefined);
      const verdict = await openJetStreamJournal({ link, cluster }).then(
        (journal) => journal.close().then(() => 'fit'),
        (error: JournalError) => error.code,
      );
      takenCount[isDropped ? 'dropped' : 'refused'] += 1;
      expect({ parts, verdict }).toEqual({ parts, verdict: isDropped ? 'fit' : 'refused' });
    }
    expect(takenCount.refused).toBeGreaterThan(8);
  });

  test('an edit under a running journal stops appends, and reading goes on, until it is mended', async () => {
    const lines: string[] = [];
    const cluster = freshCluster();
    await using journal = await openJetStreamJournal({ link, cluster, log: (line) => lines.push(line) });
    const plain = wantedStream(requestOf(cluster));
    using follower = itemsOf(journal);
    let revision = await appended(journal, eventOf(cluster));
    await follower.nextOf('events');
    for (const [parts] of REFUSED) {
      if ('storage' in parts || 'sealed' in parts || 'mirror' in parts || 'subjects' in parts) continue;
      const edited = await ask('UPDATE', { ...plain, ...parts });
      const isTaken =
        edited !== null && Object.keys(parts).every((field) => edited[field as keyof StreamConfig] !== undefined);
      if (!isTaken) continue;
      expect({ parts, ...(await journal.head()) }).toMatchObject({ unfit: expect.any(String) as string });
      expect(await journal.append(eventOf(cluster))).toMatchObject({
        outcome: 'unavailable',
        message: expect.stringMatching(/nothing is appended: the stream .*; /) as string,
      });
      await ask('UPDATE', plain);
      // Some cannot be taken back.
      if ((await journal.head()).unfit !== undefined) continue;
      expect(lines.at(-1)).toContain('is as it should be again');
      revision = await appended(journal, eventOf(cluster, { id: randomUUID() }));
      const { events } = await follower.nextOf('events');
      expect(events.at(-1)!.revision).toBe(revision);
    }
    await until(async () => (await journal.head()).revision >= revision);
    expect(lines.filter((line) => line.includes('nothing is appended any more')).length).toBeGreaterThan(4);
  });

  test('a harmless edit and a limit on idle readers above ours change nothing', async () => {
    const cluster = freshCluster();
    await using journal = await openJetStreamJournal({ link, cluster });
    const plain = wantedStream(requestOf(cluster));
    for (const parts of HARMLESS) await ask('UPDATE', { ...plain, ...parts });
    expect(await journal.head()).not.toHaveProperty('unfit');
    using follower = itemsOf(journal);
    const revision = await appended(journal, eventOf(cluster));
    expect((await follower.nextOf('events')).events).toMatchObject([{ revision }]);
  });
});
