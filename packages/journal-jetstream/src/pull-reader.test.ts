/** A reader whose pull goes astray: it ends soon, whatever the rest of the server says, so that its owner opens another. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NatsLink } from '@muster/nats';
import type { NatsServer } from '@muster/nats-server';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import {
  appended,
  eventOf,
  freshCluster,
  linkTo,
  oneServer,
  programs,
  until,
  ONE_COPY,
} from '../testing/jetstream-harness.ts';
import { openJetStreamJournal } from './jetstream-journal.ts';
import { PullReader } from './pull-reader.ts';
import { StreamAccess } from './stream-access.ts';

const SERVER_START_MS = 60_000;
/** Without a heartbeat it would end before the third is due. */
const HEARTBEATS_HEARD = 3;
const STATUS_HEARTBEAT = 100;

describe.skipIf('unavailable' in programs.newest)('a reader', () => {
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

  const streamAccess = async () => {
    const cluster = freshCluster();
    await using journal = await openJetStreamJournal({ link, cluster });
    await appended(journal, eventOf(cluster));
    return new StreamAccess({ ...ONE_COPY, link, cluster });
  };

  test('whose pull was lost ends as soon as its consumer answers all the same', async () => {
    const stream = await streamAccess();
    using lossy = losingFirstPull(await link.connected());
    const openedAtMs = performance.now();
    const reader = await PullReader.open(stream, { start: { revision: 1 } });
    expect(await reader.take(1)).toEqual([]);
    expect(lossy.lostCount).toBe(1);
    expect(reader.endReason).toBe('its pull was lost on the way');
    expect(performance.now() - openedAtMs).toBeLessThan(1_500);
  });

  test('that waits for events hears heartbeats and goes on', async () => {
    const stream = await streamAccess();
    const reader = await PullReader.open(stream, { start: { revision: 2 } });
    let heartbeatCount = 0;
    const callback = (_error: Error | null, { headers }: Msg): void => {
      if (headers?.code === STATUS_HEARTBEAT) heartbeatCount += 1;
    };
    const heard = (await link.connected()).subscribe('_INBOX.>', { callback });
    await until(() => heartbeatCount === HEARTBEATS_HEARD);
    heard.unsubscribe();
    expect(reader.endReason).toBeNull();
    reader.close();
  });
});

/** Until disposed, the first pull that is sent gets nowhere. */
function losingFirstPull(connection: NatsConnection) {
  const publish = connection.publish.bind(connection);
  const lossy = {
    lostCount: 0,
    [Symbol.dispose]: () => {
      connection.publish = publish;
    },
  };
  connection.publish = (subject, ...rest) => {
    if (!subject.startsWith('$JS.API.CONSUMER.MSG.NEXT.') || lossy.lostCount > 0) return publish(subject, ...rest);
    lossy.lostCount += 1;
  };
  return lossy;
}
