/** A follower whose consumer is gone while JetStream, without a leader, says nothing of the stream and makes no other. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JournalError, type FollowItem } from '@muster/journal';
import type { NatsLink } from '@muster/nats';
import type { NatsServer } from '@muster/nats-server';
import {
  appended,
  deleteStream,
  eventOf,
  freshCluster,
  linkTo,
  manager,
  oneServer,
  programs,
  until,
  ONE_COPY,
} from '../testing/jetstream-harness.ts';
import { openJetStreamJournal } from './jetstream-journal.ts';
import { StreamAccess } from './stream-access.ts';
import { StreamFollower } from './stream-follower.ts';

const SERVER_START_MS = 60_000;

/** The stream on a real server, whose leaders are there or not as the test says. */
class LeaderlessAccess extends StreamAccess {
  isLeaderless = false;
  /** How often it was asked in vain. */
  refusedCount = 0;

  override async info(): ReturnType<StreamAccess['info']> {
    if (!this.isLeaderless) return super.info();
    this.refusedCount += 1;
    throw new JournalError('failed', 'JetStream system temporarily unavailable');
  }
}

describe.skipIf('unavailable' in programs.newest)('while no consumer can be made', () => {
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

  /** A follower that has read three events. */
  const followed = async () => {
    const cluster = freshCluster();
    const journal = await openJetStreamJournal({ link, cluster });
    const access = new LeaderlessAccess({ ...ONE_COPY, link, cluster });
    const stop = new AbortController();
    const items: FollowItem[] = [];
    const follow = async (): Promise<void> => {
      const follower = new StreamFollower(access, { afterRevision: 0, signal: stop.signal });
      for await (const item of follower.items()) items.push(item);
    };
    const ended = follow();
    const append = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) await appended(journal, eventOf(cluster));
    };
    const revisions = (): number[] =>
      items.flatMap((item) => (item.kind === 'events' ? item.events.map(({ revision }) => revision) : []));
    await append(3);
    await until(() => revisions().length === 3 && items.some(({ kind }) => kind === 'caught-up'));
    const loseLeaders = async (): Promise<void> => {
      access.isLeaderless = true;
      const { consumers } = await manager(link);
      for await (const { name } of consumers.list(access.name)) await consumers.delete(access.name, name);
      await until(() => access.refusedCount > 0);
    };
    const close = async (): Promise<void> => {
      stop.abort();
      await ended;
      await journal.close();
    };
    return { journal, access, cluster, items, revisions, append, loseLeaders, [Symbol.asyncDispose]: close };
  };

  test('events are handed over all the same, once each, and the journal is not away', async () => {
    await using follower = await followed();
    const { access, items, revisions, append, loseLeaders } = follower;
    await loseLeaders();
    await append(100);
    await until(() => revisions().length === 103);
    access.isLeaderless = false;
    await append(2);
    await until(() => revisions().length === 105);
    expect(revisions()).toEqual(Array.from({ length: 105 }, (_, index) => index + 1));
    expect(items.map(({ kind }) => kind).filter((kind) => kind !== 'events')).toEqual(['caught-up']);
  });

  test('nothing is handed over of a stream that was made again, until it is known to be another', async () => {
    await using follower = await followed();
    const { access, journal, cluster, items, revisions, append, loseLeaders } = follower;
    await loseLeaders();
    await deleteStream(link, cluster);
    await journal.renew();
    await append(5);
    await until(() => items.at(-1)?.kind === 'away');
    const { refusedCount } = access;
    await until(() => access.refusedCount > refusedCount + 1);
    expect(revisions()).toEqual([1, 2, 3]);
    access.isLeaderless = false;
    await until(() => items.at(-1)?.kind === 'epoch-changed');
    expect(revisions()).toEqual([1, 2, 3]);
  });
});
