/**
 * A history of 50,000 events, which takes ten pulls, on every version of the server that can be had: whoever reads it gets all of it,
 * however slowly. What a server says of a pull that is filled already ends no reader.
 */
import { headers } from '@nats-io/transport-node';
import type { Journal } from '@muster/journal';
import type { NatsLink } from '@muster/nats';
import type { NatsServer } from '@muster/nats-server';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshCluster, linkTo, oneServer, ONE_COPY, programs, until } from '../testing/jetstream-harness.ts';
import { openJetStreamJournal } from './jetstream-journal.ts';
import { PullReader } from './pull-reader.ts';
import { StreamAccess } from './stream-access.ts';

const EVENTS = 50_000;
const ALL_REVISIONS = Array.from({ length: EVENTS }, (_, index) => index + 1);
/** Messages of one pull. */
const PULL_EVENTS = 5_000;
const SERVER_START_MS = 120_000;
/** Publications between two round trips. */
const BURST = 5_000;

describe.for(['system', '2.10', '2.15'] as const)('50,000 events on %s', (version) => {
  const program = programs[version];
  const isAbsent = 'unavailable' in program;
  const cluster = freshCluster();
  let server: NatsServer;
  let link: NatsLink;
  let journal: Journal;
  beforeAll(async () => {
    if (isAbsent) {
      process.stderr.write(`skipped: ${program.unavailable}\n`);
      return;
    }
    server = await oneServer(version);
    link = await linkTo(server.url);
    journal = await openJetStreamJournal({ link, cluster });
    await publishAll(link, cluster);
    await until(async () => (await journal.head()).revision === EVENTS);
  }, SERVER_START_MS);
  afterAll(async () => {
    if (isAbsent) return;
    await journal.close();
    await link.close();
    await server[Symbol.asyncDispose]();
  });

  test.skipIf(isAbsent)('all of them are read, quickly or slowly, from a revision or a time on', async () => {
    const times: number[] = [];
    const revisions: number[] = [];
    for await (const { revision, timeMs } of journal.read()) {
      times.push(timeMs);
      revisions.push(revision);
    }
    expect(revisions).toEqual(ALL_REVISIONS);

    expect(await countOf(journal.read(), { isSlow: true })).toBe(EVENTS);

    const fromTimeMs = times[EVENTS / 5]!;
    const since = times.findIndex((timeMs) => timeMs >= fromTimeMs);
    expect(await countOf(journal.read({ fromTimeMs }), { isSlow: false })).toBe(EVENTS - since);
  });

  test.skipIf(isAbsent)('a follower comes to the end', async () => {
    const ending = new AbortController();
    const revisions: number[] = [];
    const kinds = new Set<string>();
    for await (const item of journal.follow({ afterRevision: 0, signal: ending.signal })) {
      kinds.add(item.kind);
      if (item.kind === 'caught-up') ending.abort();
      if (item.kind !== 'events') continue;
      revisions.push(...item.events.map(({ revision }) => revision));
      await setImmediate();
    }
    expect(revisions).toEqual(ALL_REVISIONS);
    // It was never away.
    expect([...kinds]).toEqual(['events', 'caught-up']);
  });

  test.skipIf(isAbsent)('a pull that lies filled while nobody takes ends nothing', async () => {
    const stream = new StreamAccess({ ...ONE_COPY, link, cluster });
    const reader = await PullReader.open(stream, { start: { revision: 1 }, countMax: 2 * PULL_EVENTS });
    await until(() => reader.queuedCount === PULL_EVENTS);
    // Whatever the server had to say of that pull is said before the answer to this.
    await stream.info();
    await (await link.connected()).flush();
    let count = 0;
    while (count < 2 * PULL_EVENTS) {
      const taken = await reader.take(1_000);
      if (taken.length === 0) break;
      count += taken.length;
    }
    expect([count, reader.endReason]).toEqual([2 * PULL_EVENTS, null]);
    reader.close();
  });
});

/** The server is a batch ahead of whoever gives others a turn. */
async function countOf(events: AsyncIterable<unknown>, { isSlow }: { readonly isSlow: boolean }): Promise<number> {
  let count = 0;
  for await (const _event of events) {
    count += 1;
    if (isSlow && count % 256 === 0) await setImmediate();
  }
  return count;
}

async function publishAll(link: NatsLink, cluster: string): Promise<void> {
  const connection = await link.connected();
  const subject = `muster.${cluster}.pool.spells`;
  for (let index = 0; index < EVENTS; index++) {
    const header = headers();
    header.set('Nats-Msg-Id', `e-${index}`);
    connection.publish(subject, '{"type":"PoolRemoved"}', { headers: header });
    if (index % BURST === 0) await connection.flush();
  }
  await connection.flush();
}
