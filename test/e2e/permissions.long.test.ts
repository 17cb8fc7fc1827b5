/**
 * The permissions that the documentation gives: with them a node, a publisher of one pool and a read-only debugger can do what they
 * are there for, and the server itself refuses everything else, whatever code stands behind the connection.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { PermissionViolationError, type NatsConnection } from '@nats-io/transport-node';
import { natsServerProgram, newestNatsServer } from '@muster/nats-server';
import { join, openPublisher } from '@muster/publisher';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNamedEcho, type TestBackend } from '../harness/backend.ts';
import { nameBehind } from '../harness/client.ts';
import {
  EXAMPLE,
  SECURED_CLUSTER as CLUSTER,
  startSecuredNats,
  type NatsUser,
  type SecuredNats,
} from '../harness/nats/nats-auth.ts';
import { BUCKET_STREAM, FORBIDDEN, REDIRECTED, STREAM } from '../harness/nats/nats-trespass.ts';
import { startTestNode, testFolder, type TestFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const OPERATIONS = new URL('../../docs/operations.md', import.meta.url);
const POOLS = `
[[pools]]
id = "spells"
[[pools]]
id = "orders"
[[listeners]]
id = "front"
bind = "127.0.0.1:0"
pool = "spells"`;
/** In which the server would have carried out what a redirected answer told it. */
const SETTLE_MS = 100;

const programs = { system: await natsServerProgram('system'), newest: await newestNatsServer() };
const cases = [
  { which: 'system', identity: 'nkey', withTls: false },
  { which: 'newest', identity: 'password', withTls: false },
  { which: 'newest', identity: 'nkey', withTls: true },
] as const;

test('the documentation explains every subject of the example', async () => {
  const [example, chapter] = await Promise.all([readFile(EXAMPLE, 'utf8'), readFile(OPERATIONS, 'utf8')]);
  const subjects = [...example.replaceAll(/^\s*#.*$/gm, '').matchAll(/"([^"]+\.[^"]+)"/g)].map(
    ([, subject]) => subject!,
  );
  // Exports repeat what users have under the API's own name, and the second node has what the first one has.
  const shown = subjects.map((subject) => subject.replace(/^\$JS\.API\.CONSUMER\.INFO/, 'MUSTER.API.CONSUMER.INFO'));
  const missing = shown.filter((subject) => !chapter.includes(`\`${subject.replace('lb-2', 'lb-1')}\``));
  expect(shown.length).toBeGreaterThan(50);
  expect(missing).toEqual([]);
});

describe.each(cases)('the $which nats-server, users by $identity, TLS $withTls', ({ which, identity, withTls }) => {
  const program = programs[which];
  let folder: TestFolder;
  let nats: SecuredNats;
  let backend: TestBackend;
  let node: TestNode;
  let admin: NatsConnection;

  const nodeOptions = (id: string, user: NatsUser) => {
    const { servers } = nats.access(user);
    const journal = { servers, cluster: CLUSTER, lines: nats.journalLines(user) };
    return { folder, id, journal, config: POOLS };
  };
  const newestRevision = async () => (await streamState(admin)).lastRevision;

  beforeAll(async () => {
    folder = await testFolder();
    if ('unavailable' in program) return;
    nats = await startSecuredNats({ program, folder: folder.path, identity, withTls });
    admin = await nats.connect('ADMIN');
    backend = await startNamedEcho('spell');
    node = await startTestNode(nodeOptions('lb-1', 'LB_1'));
  });
  afterAll(async () => {
    await node?.[Symbol.asyncDispose]();
    await backend?.[Symbol.asyncDispose]();
    await admin?.close();
    await nats?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  describe.skipIf('unavailable' in program)('serves', () => {
    test('a publisher: it joins, is routed to, hears that it was removed, drains and leaves', async () => {
      const access = { ...nats.access('SPELLS'), cluster: CLUSTER, pool: 'spells', target: backend.target };
      const beats = { leaseMs: 1_000, heartbeatMs: 100 };
      await using member = await join({ ...access, ...beats, id: 'spells-1' });
      await eventually('the node has it', async () => (await node.status()).backendsCount === 1);
      expect(await nameBehind(await node.address('front'))).toBe('spell');

      expect(await member.drain('for the test')).toMatchObject({ outcome: 'acknowledged' });
      expect(await member.leave()).toMatchObject({ outcome: 'acknowledged' });
      await using other = await join({ ...access, ...beats, id: 'spells-2' });
      await eventually('the node has the other', async () => (await node.status()).backendsCount === 1);
      await node.command({ type: 'DeregisterBackend', pool: 'spells', backend: 'spells-2', reason: 'enough' });
      // The node's answer to a heartbeat crosses from its account into the publisher's.
      await eventually('it hears so', () => other.state === 'removed');
      expect(other.status).toMatchObject({ origin: 'test', reason: 'enough' });
    });

    test('a publisher of this pool is refused another one, in one line', async () => {
      await using publisher = openPublisher({ ...nats.access('SPELLS'), cluster: CLUSTER });
      const joined = publisher.join({ pool: 'orders', id: 'o-1', target: backend.target });
      await expect(joined).rejects.toMatchObject({ code: 'not-permitted' });
      await expect(joined).rejects.toThrow(`muster.${CLUSTER}.backend.orders.o-1`);
    });

    test('a node: it expires a lease, keeps a snapshot, and one that may make nothing starts from it and agrees', async () => {
      const mortal = JSON.stringify({ type: 'BackendRegistered', target: backend.target, leaseMs: 1_000 });
      await admin.request(`muster.${CLUSTER}.backend.orders.silent`, mortal);
      const expired = await eventually('its lease is over', async () => {
        const { output } = await node.muster('events', '--json', '--limit', '5');
        return output.split('\n').find((line) => line.includes('lease-expired'));
      });
      expect(expired).toContain('backend.orders.silent');

      expect(await node.stop()).toBe(0);
      expect(node.process.output()).not.toMatch(/permit|Permission/i);
      expect((await streamState(admin, BUCKET_STREAM)).messageCount).toBeGreaterThan(0);
      const second = await startTestNode(nodeOptions('lb-2', 'LB_2'));
      node = await startTestNode(nodeOptions('lb-1', 'LB_1'));
      try {
        await eventually('they agree', async () => {
          const { peers } = await node.status();
          return peers.some((peer) => peer.node === 'lb-2' && peer.agreement === 'equal' && peer.lag === 0);
        });
      } finally {
        expect(await second.stop()).toBe(0);
      }
      expect(second.process.output()).not.toMatch(/permit|Permission/i);
    });

    test('a debugger: it reads every event, and hears the live words', async () => {
      await using debuggers = await disposable(nats.connect('DEBUGGER'));
      const { connection } = debuggers;
      const word = firstMessage(connection, `muster-live.${CLUSTER}.node.*`);
      const options = { apiPrefix: 'MUSTER.API', checkAPI: false };
      const manager = await jetstreamManager(connection, options);
      const name = `debugger-${process.pid}`;
      await manager.consumers.add(STREAM, { name, mem_storage: true, inactive_threshold: 10_000_000_000 });
      const consumer = await jetstream(connection, options).consumers.get(STREAM, name);
      const { state } = await manager.streams.info(STREAM);
      const revisions: number[] = [];
      for await (const { seq } of await consumer.fetch({ max_messages: state.messages, expires: 5_000 })) {
        revisions.push(seq);
      }
      expect(revisions).toEqual(Array.from({ length: state.messages }, (_, index) => index + 1));
      expect(await manager.streams.getMessage(STREAM, { seq: 1 })).toMatchObject({ seq: 1 });
      expect(JSON.parse(await word)).toMatchObject({ node: 'lb-1' });
    });

    test.skipIf(identity !== 'nkey')(
      'a key that is replaced: the node takes the new one without a restart',
      async () => {
        const connected = () => node.process.output().split('connected to NATS at').length;
        const before = connected();
        const revision = await newestRevision();
        await nats.rotate('LB_1');
        await eventually('it is connected anew', () => connected() > before);
        const added = { type: 'RegisterBackend', pool: 'orders', backend: 'o-1', target: backend.target } as const;
        await eventually('it is told', async () => 'revision' in (await node.command(added)));
        expect(await newestRevision()).toBeGreaterThan(revision);
        await node.command({ type: 'DeregisterBackend', pool: 'orders', backend: 'o-1' });
      },
    );

    test.each(FORBIDDEN)('$user may not: $what', async ({ user, publish, subscribe, body = '' }) => {
      const before = await newestRevision();
      await using tried = await disposable(nats.connect(user));
      const { connection } = tried;
      const refusals = refusalsOf(connection);
      if (publish !== undefined) connection.publish(publish, body);
      else connection.subscribe(subscribe!);
      await connection.flush();
      await eventually('the server refuses it', () => refusals.includes(publish ?? subscribe!));
      expect(await newestRevision()).toBe(before);
    });

    test.each(REDIRECTED)('$user may not have the answer $what', async ({ user, ask, answerTo, body }) => {
      await using tried = await disposable(nats.connect(user));
      const before = await streamState(admin);
      tried.connection.publish(ask, body, { reply: answerTo });
      await tried.connection.flush();
      await sleep(SETTLE_MS);
      const { firstRevision, subjects } = await streamState(admin);
      expect(firstRevision).toBe(before.firstRevision);
      const own = `muster.${CLUSTER}.backend.spells.`;
      expect(subjects.filter((subject) => !subject.startsWith(own))).toEqual(
        before.subjects.filter((subject) => !subject.startsWith(own)),
      );
    });
  });
});

async function streamState(connection: NatsConnection, stream = STREAM) {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const { state } = await manager.streams.info(stream, { subjects_filter: '>' });
  return {
    firstRevision: state.first_seq,
    lastRevision: state.last_seq,
    messageCount: state.messages,
    subjects: Object.keys(state.subjects ?? {}).sort(),
  };
}

/** Subjects that the server refused so far; grows. */
function refusalsOf(connection: NatsConnection): readonly string[] {
  const subjects: string[] = [];
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'error' && status.error instanceof PermissionViolationError) {
        subjects.push(status.error.subject);
      }
    }
  })();
  return subjects;
}

async function firstMessage(connection: NatsConnection, subject: string): Promise<string> {
  for await (const message of connection.subscribe(subject, { max: 1 })) return message.string();
  throw new Error(`nothing came on ${subject}`);
}

async function disposable(connecting: Promise<NatsConnection>) {
  const connection = await connecting;
  return { connection, [Symbol.asyncDispose]: () => connection.close() };
}
