/** The admin API over real HTTP: what it answers, and that nothing sent to it brings it down. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import type { CommandInput } from '@muster/membership';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startAdmin, type AdminHarness } from '../testing/index.ts';
import type { RosterView } from '@muster/questions/roster';

const POOL: CommandInput = { type: 'DefinePool', pool: 'spells', health: { http: '/healthz' } };
const BACKEND: CommandInput = { type: 'RegisterBackend', pool: 'spells', backend: 'a', target: 'h:1' };
const LISTENER: CommandInput = { type: 'DefineListener', listener: 'web', bind: 'h:80', pool: 'spells' };

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('state', () => {
  test('health and readiness', async () => {
    await using admin = await startAdmin();
    expect((await fetch(`${admin.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${admin.url}/readyz`)).status).toBe(200);
    const worker = {
      index: 0,
      state: 'restarting',
      pid: null,
      revision: 0,
      hash: null,
      restartsCount: 1,
      stats: null,
    } as const;
    admin.node.overrides = { state: 'catching-up', workers: [worker] };
    const response = await fetch(`${admin.url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({
      error: { code: 'not-ready', message: 'the node is catching-up; worker 0 is restarting' },
    });
  });

  test('roster, pool and status after commands', async () => {
    await using admin = await startAdmin();
    for (const command of [POOL, BACKEND, LISTENER])
      await post(`${admin.url}/v1/commands`, command, { 'muster-origin': 'cli:alice' });
    const roster = (await (await fetch(`${admin.url}/v1/roster`)).json()) as RosterView;
    expect(roster).toMatchObject({
      node: 'lb-1',
      revision: 3,
      listeners: [{ id: 'web', spec: { bind: 'h:80' }, origin: 'cli:alice', revision: 3 }],
      pools: [
        {
          id: 'spells',
          backends: [
            {
              id: 'a',
              target: 'h:1',
              mode: { value: 'ready' },
              eligibility: { isEligible: false, axis: 'health', value: 'unknown', revision: 2 },
            },
          ],
        },
      ],
    });
    const health = { type: 'BackendTurnedHealthy', target: 'h:1', reason: 'status 200' };
    const appended = await post(`${admin.url}/v1/events`, {
      subject: 'muster.default.health.lb-1.spells.a',
      payload: health,
    });
    await admin.node.folded(appended.body['revision'] as number);
    const pool = await (await fetch(`${admin.url}/v1/pools/spells`)).json();
    expect(pool).toMatchObject({ backends: [{ health: { value: 'healthy' }, eligibility: { isEligible: true } }] });
    const status = await (await fetch(`${admin.url}/v1/status`)).json();
    expect(status).toMatchObject({ node: 'lb-1', revision: 4, traffic: { listeners: {}, pools: {} } });
  });

  test('an unknown pool and an unknown route suggest the right one', async () => {
    await using admin = await startAdmin();
    await post(`${admin.url}/v1/commands`, POOL);
    const pool = await fetch(`${admin.url}/v1/pools/spels`);
    expect(pool.status).toBe(404);
    expect(await pool.json()).toMatchObject({ error: { code: 'unknown-pool', suggestion: 'spells' } });
    const route = await fetch(`${admin.url}/v1/rooster`);
    expect(route.status).toBe(404);
    expect(await route.json()).toMatchObject({ error: { code: 'unknown-route', suggestion: '/v1/roster' } });
  });

  test('metrics are in the text format of Prometheus', async () => {
    await using admin = await startAdmin();
    await post(`${admin.url}/v1/commands`, POOL);
    const response = await fetch(`${admin.url}/metrics`);
    const body = await response.text();
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(body).toContain('muster_revision 1\n');
    expect(body).toContain('muster_probes_total{result="passed"} 3\n');
    expect(body).toContain('muster_backends{pool="spells"} 0\n');
    expect(body).toMatch(/process_resident_memory_bytes \d+/);
  });

  test('the API describes itself', async () => {
    await using admin = await startAdmin();
    const description = (await (await fetch(`${admin.url}/openapi.json`)).json()) as { paths: Record<string, unknown> };
    expect(Object.keys(description.paths).sort()).toEqual([
      '/healthz',
      '/metrics',
      '/openapi.json',
      '/readyz',
      '/v1/adopt-epoch',
      '/v1/commands',
      '/v1/decisions',
      '/v1/decisions/recording',
      '/v1/diff',
      '/v1/events',
      '/v1/explain/backend',
      '/v1/explain/request',
      '/v1/export',
      '/v1/inspect',
      '/v1/pools/{pool}',
      '/v1/replay',
      '/v1/restore-history',
      '/v1/roster',
      '/v1/snapshot',
      '/v1/status',
      '/v1/whatif',
    ]);
    expect(JSON.stringify(description.paths['/v1/commands'])).toContain('RegisterBackend');
  });
});

describe('another history', () => {
  test("is adopted on a person's word, which is logged", async () => {
    await using admin = await startAdmin();
    const ask = () => post(`${admin.url}/v1/adopt-epoch`, {}, { 'muster-origin': 'cli:alice' });
    expect(await ask()).toMatchObject({ status: 409, body: { error: { code: 'not-adopted' } } });
    admin.node.adoptAnswer = { outcome: 'unavailable', message: 'the journal is away' };
    expect(await ask()).toMatchObject({ status: 503, body: { error: { message: 'the journal is away' } } });
    admin.node.adoptAnswer = { outcome: 'adopted', epoch: 'e-2', revision: 7 };
    expect(await ask()).toEqual({ status: 200, body: { outcome: 'adopted', epoch: 'e-2', revision: 7 } });
    expect(admin.logged.at(-1)).toMatchObject({ level: 'warn', fields: { origin: 'cli:alice', outcome: 'adopted' } });
  });

  test('what would be restored is shown as events, and is restored without dryRun', async () => {
    await using admin = await startAdmin();
    await post(`${admin.url}/v1/commands`, POOL, { 'muster-origin': 'cli:alice' });
    const ask = (body: object) => post(`${admin.url}/v1/restore-history`, body, { 'muster-origin': 'cli:bob' });
    expect(await ask({ dryRun: true })).toMatchObject({
      status: 200,
      body: { epoch: null, events: [{ subject: 'muster.default.pool.spells', origin: 'cli:alice' }] },
    });
    expect(await ask({})).toMatchObject({ status: 409, body: { error: { code: 'not-adopted' } } });
    admin.node.adoptAnswer = { outcome: 'adopted', epoch: 'e-2', revision: 7 };
    expect(await ask({ dryRun: false })).toMatchObject({ status: 200, body: { epoch: 'e-2' } });
    expect(await ask({ dry: true })).toMatchObject({ status: 400 });
    expect(await post(`${admin.url}/v1/snapshot`, {})).toMatchObject({ status: 200, body: { revision: 1 } });
  });

  test('the status and the metrics say what the node is among others', async () => {
    await using admin = await startAdmin();
    const peer = {
      node: 'lb-2',
      version: '0.1.0',
      epoch: 'e-1',
      revision: 4,
      hash: '0123456789abcdef',
      lag: 2,
      heardMs: 1,
      isHeard: true,
      agreement: 'differs',
      comparedRevision: 3,
    } as const;
    const epochChange = { from: 'e-1', to: 'e-2', sinceMs: 5, revision: 1, poolsCount: 0, missingCount: 3 };
    admin.node.overrides = {
      peers: [peer, { ...peer, node: 'lb-3', isHeard: false }],
      epochChange,
      isNameTaken: true,
      leases: { count: 3, expiredCount: 1 },
      rebuilds: { count: 2, lastReason: 'the hashes differ' },
      isFromLocalSnapshot: true,
      adoption: { from: 'e-0', to: 'e-1', revision: 2, atMs: 1_790_000_000_000, by: 'cli:alice' },
      confirmation: {
        atMs: 5,
        isFresh: true,
        failure: null,
        server: null,
        isGone: true,
        unfit: 'it is sealed',
        place: null,
      },
    };
    const status = await (await fetch(`${admin.url}/v1/status`)).json();
    expect(status).toMatchObject({
      epochChange,
      isNameTaken: true,
      peers: [{ agreement: 'differs' }, { node: 'lb-3' }],
    });
    const text = await (await fetch(`${admin.url}/metrics`)).text();
    for (const line of [
      'muster_journal_epoch_changed 1',
      'muster_journal_gone 1',
      'muster_journal_unfit 1',
      'muster_history_missing 3',
      'muster_history_adopted_timestamp_seconds 1790000000',
      'muster_node_stale 1',
      'muster_node_from_local_snapshot 1',
      'muster_peers{agreement="differs"} 1',
      'muster_peers{agreement="equal"} 0',
      'muster_peer_lag_events{peer="lb-2"} 2',
      'muster_node_name_taken 1',
      'muster_rebuilds_total 2',
      'muster_leases 3',
      'muster_leases_expired_total 1',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
  });

  test('a node whose journal is away, or has changed, stays ready', async () => {
    await using admin = await startAdmin();
    admin.node.overrides = { journalAwaySinceMs: 1, isFromLocalSnapshot: true };
    expect((await fetch(`${admin.url}/readyz`)).status).toBe(200);
  });
});

describe('commands', () => {
  test('are appended, found unchanged, or refused with a status that says why', async () => {
    await using admin = await startAdmin();
    const url = `${admin.url}/v1/commands`;
    expect(await post(url, POOL)).toEqual({ status: 200, body: { outcome: 'appended', revision: 1 } });
    expect(await post(url, POOL)).toEqual({ status: 200, body: { outcome: 'unchanged', revision: 1 } });
    await post(url, LISTENER);
    expect(await post(url, { ...BACKEND, pool: 'spels' })).toMatchObject({
      status: 404,
      body: { error: { code: 'unknown-pool', suggestion: 'spells' } },
    });
    expect(await post(url, { type: 'RemovePool', pool: 'spells' })).toMatchObject({
      status: 409,
      body: { error: { code: 'pool-in-use' } },
    });
    expect(admin.node.roster().pools.get('spells')?.origin).toMatch(/^api:/);
  });

  test('are told which field is wrong', async () => {
    await using admin = await startAdmin();
    const url = `${admin.url}/v1/commands`;
    const misspelt = await post(url, { ...BACKEND, wieght: 2 });
    expect(misspelt).toMatchObject({ status: 400, body: { error: { code: 'invalid', suggestion: 'weight' } } });
    expect(await post(url, { ...BACKEND, type: 'RegisterBackends' })).toMatchObject({
      status: 400,
      body: { error: { suggestion: 'RegisterBackend' } },
    });
    const target = await post(url, { ...BACKEND, target: 'h' });
    expect(JSON.stringify(target.body)).toContain('target is \\"h\\"; an address is HOST:PORT');
    expect(await post(url, BACKEND, { 'muster-origin': 'x'.repeat(300) })).toMatchObject({ status: 400 });
  });

  test('that the journal does not take are answered 503', async () => {
    await using admin = await startAdmin();
    await admin.node.journal.close();
    expect(await post(`${admin.url}/v1/commands`, POOL)).toMatchObject({
      status: 503,
      body: { error: { code: 'unavailable' } },
    });
    expect((await fetch(`${admin.url}/v1/events`)).status).toBe(503);
  });
});

describe('raw events', () => {
  test('are checked, idempotent by id, and conditional on a revision', async () => {
    await using admin = await startAdmin();
    const url = `${admin.url}/v1/events`;
    const event = { subject: 'muster.default.pool.spells', payload: { type: 'PoolDefined' }, id: 'one' };
    expect(await post(url, event)).toMatchObject({ status: 200, body: { revision: 1, isDuplicate: false, id: 'one' } });
    expect(await post(url, event)).toMatchObject({ status: 200, body: { revision: 1, isDuplicate: true } });
    expect(await post(url, { ...event, id: 'two', expectedRevision: 7 })).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict' } },
    });
    expect(await post(url, { ...event, payload: '{"type":"PoolDefind"}' })).toMatchObject({
      status: 400,
      body: { error: { code: 'unknown-type' } },
    });
    expect(await post(url, { ...event, subject: 'muster.default.node.a' })).toMatchObject({
      status: 400,
      body: { error: { code: 'wrong-subject' } },
    });
    expect(await post(url, { ...event, subject: 'muster.other.pool.a' })).toMatchObject({
      status: 400,
      body: { error: { code: 'foreign-cluster' } },
    });
  });
});

describe('access', () => {
  test('a token is asked for everywhere but at the health routes', async () => {
    await using admin = await startAdmin({ token: 'secret' });
    const statusOf = async (path: string, authorization?: string) =>
      (await fetch(admin.url + path, authorization === undefined ? {} : { headers: { authorization } })).status;
    expect(await statusOf('/healthz')).toBe(200);
    expect(await statusOf('/readyz')).toBe(200);
    for (const path of ['/v1/status', '/metrics', '/openapi.json', '/nothing', '/v1/events'])
      expect(await statusOf(path)).toBe(401);
    expect(await statusOf('/v1/status', 'Bearer wrong')).toBe(401);
    expect(await statusOf('/v1/status', 'Bearer secret')).toBe(200);
  });

  test('without a token, web pages and foreign names are refused', async () => {
    await using admin = await startAdmin();
    expect((await fetch(`${admin.url}/v1/status`, { headers: { origin: 'http://evil.example' } })).status).toBe(403);
    const { port } = new URL(admin.url);
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      path: '/v1/status',
      headers: { host: 'evil.example' },
    }).end();
    const [response] = (await once(request, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    expect(response.statusCode).toBe(403);
    expect(await text(response)).toContain('foreign-host');
  });
});

describe('what makes no sense', () => {
  let admin: AdminHarness;
  beforeAll(async () => {
    admin = await startAdmin();
    await post(`${admin.url}/v1/commands`, POOL);
  });
  afterAll(() => admin[Symbol.asyncDispose]());

  test('broken JSON, other types and large bodies have a clear answer', async () => {
    const url = `${admin.url}/v1/commands`;
    expect(await post(url, '{"type":')).toMatchObject({ status: 400, body: { error: { code: 'broken-json' } } });
    expect(await post(url, '')).toMatchObject({ status: 400, body: { error: { code: 'broken-json' } } });
    expect(await post(url, '{"__proto__":1}')).toMatchObject({ status: 400 });
    expect(await post(url, 'a=b', { 'content-type': 'application/x-www-form-urlencoded' })).toMatchObject({
      status: 415,
      body: { error: { code: 'not-json' } },
    });
    const line = JSON.stringify({ ...POOL, pool: 'x'.repeat(10_000_000) });
    expect(await post(url, line)).toMatchObject({ status: 413, body: { error: { code: 'body-too-large' } } });
  });

  test('bytes that are no HTTP are answered and hung up on', async () => {
    const socket = connect(Number(new URL(admin.url).port), '127.0.0.1');
    socket.write('\u0000\u0001 nonsense\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 [^]*"code":"bad-request"/);
  });

  test('a broken path has the one shape of errors', async () => {
    const response = await fetch(`${admin.url}/v1/pools/%zz`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'bad-request' } });
  });

  test.each(['from=x', 'from=-1', 'limit=1.5', 'follow=maybe', 'form=1', 'from=99&follow=true'])(
    '/v1/events?%s is refused',
    async (query) => {
      const response = await fetch(`${admin.url}/v1/events?${query}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'invalid' } });
    },
  );

  test('no body brings it down: fuzzed ones are always refused as JSON', async () => {
    const near = fc.record(
      {
        type: fc.oneof(fc.constantFrom('DefinePool', 'RegisterBackend', 'RemoveListener', 'PoolDefined'), fc.string()),
        pool: fc.oneof(fc.constant('spells'), fc.jsonValue()),
        target: fc.jsonValue(),
        health: fc.oneof(
          fc.record({ http: fc.jsonValue(), tcp: fc.jsonValue() }, { requiredKeys: [] }),
          fc.jsonValue(),
        ),
        no: fc.constant(1),
      },
      { requiredKeys: ['no'] },
    );
    const body = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      near.map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('/v1/commands', '/v1/events'), body, async (path, sent) => {
        const answer = await post(admin.url + path, sent);
        expect(answer.status).toBeGreaterThanOrEqual(400);
        expect(answer.status).toBeLessThan(500);
        expect(answer.body).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
      }),
      { numRuns: 300, seed: 5 },
    );
    expect((await fetch(`${admin.url}/healthz`)).status).toBe(200);
    expect(admin.logged).toEqual([]);
  });
});
