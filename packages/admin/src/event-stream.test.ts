/** Events over HTTP: as history, followed, at the pace of slow clients, and until they are gone. */
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { JournalError, type Journal } from '@muster/journal';
import { describe, expect, test } from 'vitest';
import { type AdminHarness, eventLines, openEvents, readEvents, startAdmin } from '../testing/index.ts';
import { FOLLOWERS_MAX } from './event-stream.ts';

async function appendPools(admin: AdminHarness, count: number, reasonCharacters = 0): Promise<void> {
  const payload = JSON.stringify({
    type: 'PoolRemoved',
    ...(reasonCharacters > 0 && { reason: 'x'.repeat(reasonCharacters) }),
  });
  for (let index = 0; index < count; index++) {
    await admin.node.journal.append({
      id: randomUUID(),
      subject: `muster.default.pool.p${index}`,
      origin: 'test',
      payload,
    });
  }
}

describe('history', () => {
  test('is one JSON object a line, cut out by from, to and limit', async () => {
    await using admin = await startAdmin();
    await appendPools(admin, 5);
    const all = await readEvents(admin);
    expect(all.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5]);
    expect(all[0]).toMatchObject({
      subject: 'muster.default.pool.p0',
      origin: 'test',
      type: 'PoolRemoved',
      payload: { type: 'PoolRemoved' },
      rejection: { reason: 'unknown-pool' },
    });
    expect(Date.parse(all[0]!.time)).toBeGreaterThan(0);
    expect((await readEvents(admin, 'from=2&to=4')).map(({ revision }) => revision)).toEqual([2, 3, 4]);
    expect((await readEvents(admin, 'from=2&limit=1')).map(({ revision }) => revision)).toEqual([2]);
    expect(await readEvents(admin, 'limit=0')).toEqual([]);
  });

  test('of a log that was cut begins with the oldest event that is held, or says which that is', async () => {
    await using admin = await startAdmin();
    await appendPools(admin, 7);
    cutBefore(admin, 5);
    expect((await readEvents(admin)).map(({ revision }) => revision)).toEqual([5, 6, 7]);
    expect((await readEvents(admin, 'last=100')).map(({ revision }) => revision)).toEqual([5, 6, 7]);
    expect((await readEvents(admin, 'last=2')).map(({ revision }) => revision)).toEqual([6, 7]);
    for (const query of ['from=4', 'from=1&follow=true', 'from=4&limit=1']) {
      const response = await fetch(`${admin.url}/v1/events?${query}`);
      expect(response.status).toBe(410);
      expect(await response.json()).toMatchObject({
        error: { code: 'compacted', message: expect.stringContaining('holds 5 to 7; begin with 5') as string },
      });
    }
    expect((await fetch(`${admin.url}/v1/events?from=5&last=2`)).status).toBe(400);
  });

  test('shows what every reader rejects, and why', async () => {
    await using admin = await startAdmin();
    await admin.node.journal.append({ id: 'a', subject: 'muster.default.pool.p', origin: null, payload: 'not json' });
    await admin.node.journal.append({ id: 'b', subject: 'muster.default.pool.p', origin: null, payload: 'null' });
    expect(await readEvents(admin)).toMatchObject([
      { type: null, payload: 'not json', rejection: { reason: 'broken-json' } },
      { type: null, payload: null, rejection: { reason: 'invalid-payload' } },
    ]);
  });

  test('comes as server-sent events to who asks for them', async () => {
    await using admin = await startAdmin();
    await appendPools(admin, 1);
    const response = await fetch(`${admin.url}/v1/events`, { headers: { accept: 'text/event-stream' } });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(await response.text()).toMatch(/^id: 1\nevent: PoolRemoved\ndata: \{.*\}\n\n$/);
  });
});

describe('following', () => {
  test('answers at once, though there is nothing to tell yet', async () => {
    await using admin = await startAdmin();
    const response = await openEvents(admin, 'follow=true');
    expect(response.statusCode).toBe(200);
    response.destroy();
  });

  test('of a log that was cut begins with the oldest event that is held', async () => {
    await using admin = await startAdmin();
    await appendPools(admin, 7);
    cutBefore(admin, 7);
    const followed = eventLines(await openEvents(admin, 'follow=true'));
    expect((await followed.next()).value).toMatchObject({ revision: 7 });
    await appendPools(admin, 1);
    expect((await followed.next()).value).toMatchObject({ revision: 8 });
    await followed.return(undefined);
  });

  test('goes on with what is appended', async () => {
    await using admin = await startAdmin();
    await appendPools(admin, 2);
    const followed = eventLines(await openEvents(admin, 'from=2&follow=true'));
    expect((await followed.next()).value).toMatchObject({ revision: 2 });
    await appendPools(admin, 1);
    expect((await followed.next()).value).toMatchObject({ revision: 3 });
    await followed.return(undefined);
  });

  test('a client that does not read stops the follower, and gets everything once it reads', async () => {
    await using admin = await startAdmin();
    const { journal } = admin.node;
    const follow = journal.follow.bind(journal);
    let handedCount = 0;
    journal.follow = async function* (options) {
      for await (const item of follow(options)) {
        if (item.kind === 'events') handedCount += item.events.length;
        yield item;
      }
    };
    // More than the kernel's buffers of one loopback connection hold: 30 MB.
    const count = 50_000;
    await appendPools(admin, count, 400);
    const response = await openEvents(admin, 'from=1&follow=true');
    response.pause();
    await settled(() => handedCount);
    expect(handedCount).toBeGreaterThan(0);
    expect(handedCount).toBeLessThan(count);
    let expected = 0;
    for await (const event of eventLines(response)) {
      expected += 1;
      if (event.revision !== expected) throw new Error(`revision ${event.revision} came instead of ${expected}`);
      if (expected === count) break;
    }
    expect(handedCount).toBe(count);
  });

  test('a client that goes away ends its follower, so the next one finds room', async () => {
    await using admin = await startAdmin();
    await appendPools(admin, 1);
    for (let round = 0; round < 2; round++) {
      const responses = await Promise.all(
        Array.from({ length: FOLLOWERS_MAX }, () => openEvents(admin, 'follow=true')),
      );
      expect(responses.map(({ statusCode }) => statusCode)).toEqual(responses.map(() => 200));
      const refused = await openEvents(admin, 'follow=true');
      expect(refused.statusCode).toBe(503);
      for (const response of [...responses, refused]) response.destroy();
      await expect.poll(async () => probe(admin), { timeout: 5_000 }).toBe(200);
    }
  });

  test('ends when the server closes', async () => {
    await using admin = await startAdmin();
    await appendPools(admin, 1);
    const followed = eventLines(await openEvents(admin, 'follow=true'));
    expect((await followed.next()).value).toMatchObject({ revision: 1 });
    await admin.server.close();
    expect(await followed.next()).toMatchObject({ done: true });
  });
});

/** From now on the journal answers as one whose events before a revision were removed by retention. */
function cutBefore({ node: { journal } }: AdminHarness, firstRevision: number): void {
  const [head, read, follow] = [journal.head, journal.read, journal.follow].map((method) => method.bind(journal)) as [
    Journal['head'],
    Journal['read'],
    Journal['follow'],
  ];
  const expectHeld = (from: number): void => {
    if (from < firstRevision) throw new JournalError('compacted', `${from} was removed by retention`);
  };
  journal.head = async () => ({ ...(await head()), firstRevision });
  journal.read = async function* (options = {}) {
    const { fromRevision = firstRevision } = options;
    expectHeld(fromRevision);
    yield* read({ ...options, fromRevision });
  };
  journal.follow = async function* (options) {
    expectHeld(options.afterRevision + 1);
    yield* follow(options);
  };
}

/** Resolves when a number has stayed the same over many turns of the event loop. */
async function settled(read: () => number): Promise<void> {
  let last = -1;
  for (let turns = 0; turns < 200; turns++) {
    if (read() !== last) [last, turns] = [read(), 0];
    await setImmediate();
  }
}

async function probe(admin: AdminHarness): Promise<number | undefined> {
  const response = await openEvents(admin, 'follow=true');
  response.destroy();
  return response.statusCode;
}
