/**
 * Whoever may publish a backend may not make the node itself one: neither its admin API nor its listeners, however they are
 * written, over HTTP or over bare TCP, with a health check or without.
 */
import { request } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBackend, startNamedEcho, type TestBackend } from '../harness/backend.ts';
import { freePort, startTestNode, testFolder, type TestFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

let folder: TestFolder;
let node: TestNode;
let backend: TestBackend;
let tcpPort: number;

beforeAll(async () => {
  folder = await testFolder();
  backend = await startNamedEcho('good');
  tcpPort = await freePort();
  const config = `
[[pools]]
id = "taken"
connectTimeoutMs = 1000
[[pools]]
id = "checked"
health = { tcp = true, intervalMs = 200 }
[[listeners]]
id = "http"
bind = "127.0.0.1:0"
protocol = "http"
pool = "taken"
[[listeners]]
id = "checked"
bind = "127.0.0.1:0"
protocol = "http"
pool = "checked"
[[listeners]]
id = "tcp"
bind = "0.0.0.0:${tcpPort}"
pool = "taken"
`;
  node = await startTestNode({ folder, config });
});
afterAll(async () => {
  await node?.[Symbol.asyncDispose]();
  await backend?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

/** One request through a listener; status 0 where the connection ended without an answer. */
async function ask(listener: string, { method = 'GET', path = '/v1/status', body = '' } = {}) {
  const { port } = await node.address(listener);
  const headers = { host: '127.0.0.1', 'content-type': 'application/json' };
  const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
  asked.end(body);
  try {
    const [answer] = (await once(asked, 'response')) as [
      NodeJS.ReadableStream & { statusCode: number; headers: object },
    ];
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
  } catch {
    return { status: 0, headers: {}, body: '' };
  }
}

interface Traffic {
  readonly traffic: { readonly listeners: Readonly<Record<string, { readonly accepted: number }>> };
}

const adminPort = (): string => new URL(node.admin).port;
const spellings = ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0.0.0.0'];

describe.each(spellings)('as %s', (host) => {
  test('the admin API is no backend, over HTTP and over TCP', async () => {
    const target = `${host}:${adminPort()}`;
    await node.command({ type: 'RegisterBackend', pool: 'taken', backend: 'evil', target });
    const command = JSON.stringify({ type: 'DefinePool', pool: 'conquered' });
    const answers = await Promise.all([
      ask('http'),
      ask('tcp'),
      ask('http', { method: 'POST', path: '/v1/commands', body: command }),
      ask('tcp', { method: 'POST', path: '/v1/commands', body: command }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([503, 0, 503, 0]);
    expect(answers[0]).toMatchObject({ headers: { 'muster-reason': 'target_refused' } });
    const roster = (await (await fetch(`${node.admin}/v1/roster`)).json()) as { pools: { id: string }[] };
    expect(roster.pools.map(({ id }) => id).sort()).toEqual(['checked', 'taken']);
    await node.command({ type: 'DeregisterBackend', pool: 'taken', backend: 'evil' });
  });

  test('a listener is no backend: nothing goes round', async () => {
    await node.command({ type: 'RegisterBackend', pool: 'taken', backend: 'loop', target: `${host}:${tcpPort}` });
    expect((await ask('tcp')).status).toBe(0);
    expect((await ask('http')).status).toBe(503);
    const accepted = await eventually('its connection is counted', async () => {
      const { traffic } = (await (await fetch(`${node.admin}/v1/status`)).json()) as Traffic;
      return traffic.listeners['tcp']?.accepted;
    });
    // One connection each time, from the test: were it dialled, there would be thousands.
    expect(accepted).toBeLessThan(20);
    await node.command({ type: 'DeregisterBackend', pool: 'taken', backend: 'loop' });
  });
});

test('a request that comes back through a proxy of somebody else ends at its first return', async () => {
  let count = 0;
  const { port } = await node.address('http');
  await using mirror = await startBackend((socket) => {
    count++;
    // What came is sent on as it is, to where it came from.
    const onwards = connect(port, '127.0.0.1');
    socket.pipe(onwards).pipe(socket);
    for (const end of [socket, onwards]) end.on('error', () => undefined);
  });
  await node.command({ type: 'RegisterBackend', pool: 'taken', backend: 'mirror', target: mirror.target });
  const answer = await ask('http');
  expect(answer).toMatchObject({ status: 508, body: expect.stringContaining('the request came back') });
  expect(count).toBe(1);
  await node.command({ type: 'DeregisterBackend', pool: 'taken', backend: 'mirror' });
});

test('with a health check it is unhealthy, with the reason, and the rest of the pool serves', async () => {
  await node.command({ type: 'RegisterBackend', pool: 'checked', backend: 'evil', target: `127.0.0.1:${adminPort()}` });
  await node.command({ type: 'RegisterBackend', pool: 'checked', backend: 'good', target: backend.target });
  const pool = await eventually('both were probed', async () => {
    const found = (await (await fetch(`${node.admin}/v1/pools/checked`)).json()) as {
      backends: {
        id: string;
        health: { value: string; reason: string };
        refusal: string | null;
        isCandidate: boolean;
      }[];
    };
    return found.backends.every(({ health }) => health.value !== 'unknown') ? found : undefined;
  });
  expect(pool.backends).toMatchObject([
    { id: 'evil', health: { value: 'unhealthy', reason: "not dialled: it is this node's own admin API" } },
    { id: 'good', health: { value: 'healthy' }, refusal: null },
  ]);
  expect(pool.backends[0]!.refusal).toBe("it is this node's own admin API");
  const { output } = await node.muster('status');
  expect(output.replaceAll(/\s+/g, ' ')).toContain("not dialled: it is this node's own admin API");
  await eventually('it is logged', async () => node.process.output().includes('is not dialled: it is'));
  await eventually('it is counted', async () =>
    /muster_targets_refused_total\{worker="0"\} [1-9]/.test(await (await fetch(`${node.admin}/metrics`)).text()),
  );
});
