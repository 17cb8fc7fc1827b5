/**
 * A node whose journal is a real NATS server: what anybody publishes there is routed, and while NATS is away traffic goes on,
 * commands fail fast, and a start serves what was served last.
 */
import { connect } from '@nats-io/transport-node';
import { newestNatsServer, startNatsServer, type NatsServer } from '@muster/nats-server';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { openClient } from '../harness/client.ts';
import { onePool, spawnTestNode, startTestNode, testFolder, type TestFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const CLUSTER = 'e2e';
/** Far below what a person takes for an answer that does not come. */
const FAIL_FAST_MS = 1_000;

async function request(nats: NatsServer, subject: string, text: string): Promise<void> {
  const connection = await connect({ servers: [nats.url] });
  await connection.request(subject, text, { timeout: 5_000 });
  await connection.close();
}

/** As anybody's `nats pub` does it; resolves when the stream has it. */
function publish(nats: NatsServer, subject: string, payload: object | string): Promise<void> {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  return request(nats, `muster.${CLUSTER}.${subject}`, text);
}

/** As an operator's tool does it behind the nodes' backs. */
function jetStream(nats: NatsServer, action: string, body?: object): Promise<void> {
  return request(nats, `$JS.API.${action}`, body === undefined ? '' : JSON.stringify(body));
}

async function greeting(node: TestNode): Promise<string> {
  await using client = await openClient(await node.address('front'));
  return await client.greeting();
}

const program = await newestNatsServer();
const why = 'unavailable' in program ? ` (skipped: ${program.unavailable})` : '';

describe.skipIf('unavailable' in program)(`on a NATS server${why}`, () => {
  let folder: TestFolder;
  let nats: NatsServer;
  beforeAll(async () => {
    folder = await testFolder();
    if ('unavailable' in program) return;
    nats = await startNatsServer({ program, folder: folder.path });
  });
  afterAll(async () => {
    await nats[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const journal = () => ({ servers: [nats.url], cluster: CLUSTER });

  test('two nodes route what anybody publishes, agree, and show what they pass over', async () => {
    await using backend = await startNamedEcho('first');
    await using one = await startTestNode({ folder, id: 'lb-1', journal: journal(), config: onePool([]) });
    await using two = await startTestNode({ folder, id: 'lb-2', journal: journal(), config: onePool([]) });
    await publish(nats, 'backend.p.from-nats', { type: 'BackendRegistered', target: backend.target });
    await eventually('both nodes have it', async () => {
      const statuses = await Promise.all([one.status(), two.status()]);
      return statuses.every(({ backendsCount }) => backendsCount === 1);
    });
    expect(await greeting(one)).toBe('first');
    expect(await greeting(two)).toBe('first');

    await publish(nats, 'pool.p', 'not json');
    await publish(nats, 'backend.nowhere.x', { type: 'BackendRegistered', target: 'h:1' });
    await publish(nats, 'listener.Web!', { type: 'ListenerRemoved' });
    const agreed = await eventually('they agree at one revision', async () => {
      const { peers, revision } = await one.status();
      return (
        peers.find(({ node, agreement, lag }) => node === 'lb-2' && agreement === 'equal' && lag === 0) && revision
      );
    });
    expect(agreed).toBeGreaterThan(0);
    const rejected = (await two.muster('events', '--rejected')).output;
    expect(rejected).toContain('rejected broken-json');
    expect(rejected).toContain('rejected unknown-pool');
    expect(rejected).toContain('rejected invalid-subject');
    expect(rejected).toContain('from unknown: not json');
    const status = (await one.muster('status')).output;
    expect(status).toMatch(/lb-2 .*yes, at \d+/);
    expect((await one.status()).rejectedCount).toBe(3);
  });

  test('while NATS is away traffic goes on, commands fail fast, and a start serves what was served last', async () => {
    await using backend = await startNamedEcho('kept');
    const options = { folder, id: 'lb-3', journal: { servers: [nats.url], cluster: 'away' } };
    const config = onePool([backend.target]);
    await using node = await startTestNode({ ...options, config });
    expect(await greeting(node)).toBe('kept');

    await nats.end('SIGKILL');
    await eventually('the node has noticed', async () => (await node.status()).journalAwaySinceMs !== null);
    expect(await greeting(node)).toBe('kept');
    expect((await fetch(`${node.admin}/readyz`)).status).toBe(200);
    const beganMs = performance.now();
    const answer = await node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' });
    expect(performance.now() - beganMs).toBeLessThan(FAIL_FAST_MS);
    expect(answer).toMatchObject({ error: { code: 'unavailable' } });
    expect((await node.muster('status')).output).toMatch(/journal away since .*, this node is stale/);
    expect(await node.stop()).toBe(0);

    await using again = await startTestNode({ ...options, config });
    expect(await again.status()).toMatchObject({ isFromLocalSnapshot: true });
    expect(await greeting(again)).toBe('kept');
    expect((await again.muster('status')).output).toContain('serves its last local snapshot');

    await nats.restart();
    await eventually('the journal is followed again, and nobody else is this node', async () => {
      const { journalAwaySinceMs, isFromLocalSnapshot, name } = await again.status();
      return journalAwaySinceMs === null && !isFromLocalSnapshot && name.state === 'held';
    });
    const drained = await again.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' });
    expect(drained).toMatchObject({ outcome: 'appended' });
  });

  test('a first start while NATS is away waits, says so, and serves when it is there', async () => {
    await nats.end('SIGTERM');
    await using node = await spawnTestNode({
      folder,
      id: 'lb-4',
      journal: { servers: [nats.url], cluster: 'late' },
      config: onePool([]),
    });
    await eventually('the admin API answers', async () => (await fetch(`${node.admin}/healthz`)).ok);
    expect((await fetch(`${node.admin}/readyz`)).status).toBe(503);
    const line = `NATS at ${nats.url} refused the connection`;
    await eventually('it says why it waits', () => node.process.output().includes(line));
    await nats.restart();
    await eventually('the node serves', async () => (await fetch(`${node.admin}/readyz`)).ok);
  });

  test('a stream that was deleted changes nothing until a person says so, and then the config is applied again', async () => {
    await using backend = await startNamedEcho('served');
    const config = onePool([backend.target]);
    await using node = await startTestNode({
      folder,
      id: 'lb-6',
      journal: { servers: [nats.url], cluster: 'gone' },
      config,
    });
    const { epoch } = await node.status();
    await jetStream(nats, 'STREAM.DELETE.muster-gone');
    await eventually('the node has noticed', async () => (await node.status()).journalAwaySinceMs !== null);
    expect(await greeting(node)).toBe('served');

    await jetStream(nats, 'STREAM.CREATE.muster-gone', { name: 'muster-gone', subjects: ['muster.gone.>'] });
    await eventually('it says so', async () => (await node.status()).epochChange !== null);
    expect((await node.muster('status')).output).toMatch(/^THE JOURNAL IS ANOTHER ONE/);
    expect(await (await fetch(`${node.admin}/metrics`)).text()).toContain('muster_journal_epoch_changed 1');
    expect((await fetch(`${node.admin}/readyz`)).status).toBe(200);
    expect(await greeting(node)).toBe('served');

    expect(await node.muster('adopt-epoch')).toMatchObject({ code: 0 });
    await eventually('the config is applied again', async () => (await node.status()).backendsCount === 1);
    expect((await node.status()).epoch).not.toBe(epoch);
    expect(await greeting(node)).toBe('served');
    expect((await node.muster('adopt-epoch')).code).toBe(1);
  });

  test('a stream that must not be used ends the start with one line, without a secret', async () => {
    const stream = { name: 'muster-theirs', subjects: ['muster.theirs.>'], max_age: 60_000_000_000 };
    await jetStream(nats, 'STREAM.CREATE.muster-theirs', stream);
    const servers = [nats.url.replace('//', '//user:hunter2@')];
    await using node = await spawnTestNode({ folder, id: 'lb-5', journal: { servers, cluster: 'theirs' } });
    expect(await node.process.exited()).toBe(1);
    expect(node.process.output()).toMatch(/^muster: the stream muster-theirs drops events by age/m);
    expect(node.process.output()).not.toContain('hunter2');
  });
});
