/** The command line as a person runs it: a process of its own, against a real admin API. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandSchema } from '@muster/membership';
import { startAdmin } from '@muster/admin/testing';
import { muster, MUSTER, NOBODY, temporaryFolder, withSpells } from '../testing/index.ts';

describe('entities', () => {
  test('are added, listed, changed and removed', async () => {
    await using admin = await withSpells();
    const pool = admin.node.roster().pools.get('spells')!;
    expect(pool.spec).toMatchObject({ connectTimeoutMs: 400, health: { http: '/healthz', rise: 1, fall: 3 } });
    expect(pool.origin).toMatch(/^cli:.+@.+/);
    const drained = await muster(['backend', 'drain', 'spells', 'spells-1', '--reason', 'deploy'], { admin });
    expect(drained).toEqual({ code: 0, stdout: 'backend spells/spells-1 set to drain (revision 4)\n', stderr: '' });
    const again = await muster(['backend', 'drain', 'spells', 'spells-1', '--json'], { admin });
    expect(JSON.parse(again.stdout)).toEqual({ outcome: 'unchanged', revision: 4 });
    const list = await muster(['backend', 'list', 'spells'], { admin });
    expect(list.stdout.split('\n')[0]).toMatch(/^POOL +BACKEND +TARGET +WEIGHT +MODE +HEALTH +TAKES TRAFFIC$/);
    expect(list.stdout).toContain('no: mode drain, event 4 (deploy)');
    expect((await muster(['pool', 'list'], { admin })).stdout).toMatch(
      /spells +round_robin +0\/1 +GET \/healthz every 5000 ms/,
    );
    expect((await muster(['pool', 'show', 'spells'], { admin })).stdout).toMatch(/connectTimeoutMs +400/);
    expect((await muster(['listener', 'list', '--json'], { admin })).stdout).toContain('"bind": "127.0.0.1:8080"');
    expect((await muster(['listener', 'remove', 'web'], { admin })).stdout).toBe('listener web removed (revision 5)\n');
    expect((await muster(['backend', 'remove', 'spells', 'spells-1'], { admin })).code).toBe(0);
    expect((await muster(['pool', 'remove', 'spells'], { admin })).code).toBe(0);
    expect(admin.node.roster().pools.size).toBe(0);
  });

  test('are listed page by page, or those with something wrong', async () => {
    await using admin = await withSpells();
    for (const backend of ['spells-2', 'spells-3', 'spells-4']) {
      const register = { type: 'RegisterBackend', pool: 'spells', backend, target: '127.0.0.1:8001' };
      await admin.node.execute(commandSchema.parse(register), 'test');
    }
    const drain = { type: 'SetBackendMode', pool: 'spells', backend: 'spells-3', mode: 'drain' };
    await admin.node.execute(commandSchema.parse(drain), 'test');
    const page = await muster(['backend', 'list', '--skip', '1', '--limit', '2'], { admin });
    expect(
      page.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)[1] ?? line),
    ).toEqual(['BACKEND', 'spells-2', 'spells-3', '… and 1 more: --skip 3']);
    expect((await muster(['pool', 'list', '--wrong'], { admin })).stdout).toMatch(/^spells +round_robin +0\/4/m);
    const whole = await muster(['backend', 'list', '--limit', '1', '--json'], { admin });
    expect(JSON.parse(whole.stdout)).toHaveLength(4);
    const status = await muster(['status', '--pool', 'spels'], { admin });
    expect([status.code, status.stderr]).toEqual([1, 'muster: there is no pool "spels"; did you mean "spells"?\n']);
  });

  test('whose names are misspelt are refused with the right one', async () => {
    await using admin = await withSpells();
    const refused = await muster(['backend', 'drain', 'spels', 'spells-1'], { admin });
    expect(refused).toEqual({
      code: 1,
      stdout: '',
      stderr: 'muster: there is no pool "spels"; did you mean "spells"?\n',
    });
    const asJson = await muster(['pool', 'show', 'spels', '--json'], { admin });
    expect(JSON.parse(asJson.stdout)).toMatchObject({ error: { code: 'unknown-pool', suggestion: 'spells' } });
    expect(asJson.code).toBe(1);
    const target = await muster(['backend', 'add', 'spells', 'x', '--target', 'nowhere'], { admin });
    expect(target.stderr).toContain('target is "nowhere"; an address is HOST:PORT');
  });

  test('take further fields as JSON', async () => {
    await using admin = await startAdmin();
    expect((await muster(['pool', 'add', 'p', '--json-spec', '{"connectAttempts":3}'], { admin })).code).toBe(0);
    expect(admin.node.roster().pools.get('p')!.spec.connectAttempts).toBe(3);
    expect((await muster(['pool', 'add', 'p', '--json-spec', '{'], { admin })).stderr).toContain(
      '--json-spec is not JSON',
    );
  });
});

describe('status and events', () => {
  test('status shows the node and what keeps backends out', async () => {
    await using admin = await withSpells();
    const { stdout, code } = await muster(['status'], { admin });
    expect(code).toBe(0);
    expect(stdout).toContain('node lb-1 of cluster default: serving for');
    expect(stdout).toContain('revision 3, hash');
    expect(stdout).toMatch(/web +127\.0\.0\.1:8080 +tcp +spells/);
    expect(stdout).toContain('no: health unknown, event 2 (no probe has answered yet)');
    const json = JSON.parse((await muster(['status', '--json'], { admin })).stdout) as object;
    expect(json).toMatchObject({ status: { node: 'lb-1', revision: 3 }, roster: { pools: [{ id: 'spells' }] } });
  });

  test('status shows the nodes, and shouts what somebody must look at', async () => {
    await using admin = await withSpells();
    expect((await muster(['status'], { admin })).stdout).not.toMatch(/NODE|leases|ANOTHER/);
    const peer = {
      node: 'lb-2',
      version: '0.1.0',
      epoch: 'e-1',
      revision: 2,
      hash: '0123456789abcdef',
      lag: 1,
      heardMs: Date.now(),
      isHeard: true,
      agreement: 'equal',
      comparedRevision: 2,
    } as const;
    admin.node.overrides = {
      peers: [peer, { ...peer, node: 'lb-3', isHeard: false, agreement: 'differs' }],
      epochChange: { from: 'e-1', to: 'e-2', sinceMs: 5, revision: 1, poolsCount: 0, missingCount: 3 },
      isNameTaken: true,
      journalAwaySinceMs: 5,
      journalAwayReason: 'revision 5 is gone; muster snapshot',
      adoption: { from: 'e-0', to: 'e-1', revision: 2, atMs: 1_790_000_000_000, by: 'cli:alice' },
      confirmation: {
        atMs: 5,
        isFresh: true,
        failure: null,
        server: null,
        isGone: true,
        unfit: 'the stream is sealed',
        place: null,
      },
      isFromLocalSnapshot: true,
      leases: { count: 3, expiredCount: 1 },
      rebuilds: { count: 2, lastReason: 'its hash differed' },
    };
    const { stdout } = await muster(['status'], { admin });
    expect(stdout).toMatch(/^THE JOURNAL IS ANOTHER ONE .*: this node serves e-1, the journal is now e-2/);
    expect(stdout).toMatch(/it lacks 3 of the things served here[^]*muster restore-history[^]*muster adopt-epoch/);
    expect(stdout).toMatch(/THE JOURNAL IS GONE[^]*start no node that has no local snapshot/);
    expect(stdout).toContain('NOTHING IS APPENDED TO THE JOURNAL: the stream is sealed');
    expect(stdout).toContain('revision 5 is gone; muster snapshot');
    expect(stdout).toMatch(/history e-1 was adopted in place of e-0 at 2026-\S+, revision 2, by cli:alice/);
    expect(stdout).toContain('ANOTHER PROCESS CALLS ITSELF NODE lb-1');
    expect(stdout).toContain('THE HASHES DIFFER from lb-3');
    expect(stdout).toMatch(/journal away since .*, this node is stale: .*; traffic goes on/);
    expect(stdout).toContain('serves its last local snapshot');
    expect(stdout).toContain('built anew 2 time(s), last because: its hash differed');
    expect(stdout).toContain('leases: 3 held, 1 ended by this node');
    expect(stdout).toMatch(/NODE +REVISION +LAG +HASH +AGREES +VERSION +HEARD/);
    expect(stdout).toMatch(/lb-2 +2 +1 +0123456789abcdef +yes, at 2 +0\.1\.0 +[\d.]+ s ago/);
    expect(stdout).toMatch(/lb-3 .*NO, at 2 .*silent/);
  });

  test('adopt-epoch says what is served then', async () => {
    await using admin = await startAdmin();
    expect(await muster(['adopt-epoch'], { admin })).toMatchObject({
      code: 1,
      stderr: 'muster: this node follows the present history already\n',
    });
    admin.node.adoptAnswer = { outcome: 'adopted', epoch: 'e-2', revision: 7 };
    expect((await muster(['adopt-epoch'], { admin })).stdout).toContain('e-2, from revision 7 on');
  });

  test('rejected events are shown with reason and sender', async () => {
    await using admin = await withSpells();
    const poison = { subject: 'muster.default.backend.nope.a', payload: '{"type":"BackendRegistered","target":"h:1"}' };
    await admin.node.journal.append({ id: 'a', origin: 'sdk:evil', ...poison });
    await admin.node.journal.append({
      id: 'b',
      origin: null,
      subject: 'muster.default.pool.p',
      payload: `\u001b[2J${'x'.repeat(300)}`,
    });
    await admin.node.folded(5);
    const { stdout } = await muster(['events', '--rejected'], { admin });
    const [first, second, ...rest] = stdout.trim().split('\n');
    expect(first).toMatch(/^4 .*rejected unknown-pool: .*muster\.default\.backend\.nope\.a from sdk:evil: /);
    expect(second).toMatch(/^5 .*rejected broken-json: .* from unknown: \\u001b\[2Jx{76}…$/);
    expect(rest).toEqual([]);
    const all = (await muster(['events'], { admin })).stdout.trim().split('\n');
    expect(all).toHaveLength(5);
    expect(all[3]).toContain('rejected unknown-pool');
    const json = await muster(['events', '--rejected', '--from', '5', '--json'], { admin });
    expect(JSON.parse(json.stdout)).toMatchObject({ revision: 5, origin: null, rejection: { reason: 'broken-json' } });
  });

  test('listeners of other nodes, pools of a quorum and members with a lease are shown as that', async () => {
    await using admin = await withSpells();
    const pool = ['pool', 'add', 'q', '--health-tcp', '--health-view', 'quorum'];
    expect((await muster(pool, { admin })).code).toBe(0);
    const listener = ['listener', 'add', 'far', '--bind', '127.0.0.1:8081', '--pool', 'q', '--nodes', 'lb-2,lb-3'];
    expect((await muster(listener, { admin })).code).toBe(0);
    expect(admin.node.roster().listeners.get('far')!.spec.nodes).toEqual(['lb-2', 'lb-3']);
    expect((await muster(['listener', 'list'], { admin })).stdout).toMatch(/far .* lb-2,lb-3 /);
    expect((await muster(['pool', 'list'], { admin })).stdout).toMatch(/q .*TCP every 5000 ms, quorum/);
    expect((await muster(['status'], { admin })).stdout).toMatch(/far .*on other nodes/);
    const member = {
      type: 'RegisterBackend',
      pool: 'q',
      backend: 'm',
      target: 'h:1',
      weight: 1,
      leaseMs: 5_000,
    } as const;
    await admin.node.execute(member, 'sdk:q');
    const backends = (await muster(['backend', 'list'], { admin })).stdout;
    expect(backends).toMatch(/MODE +LEASE +HEALTH/);
    expect(backends).toMatch(/q +m +h:1 +1 +ready +5\.0 s/);
    expect(backends).toMatch(/spells-1 .* ready +none/);
    const wrong = await muster(['pool', 'add', 'r', '--health-view', 'quorom'], { admin });
    expect(wrong.stderr).toContain('did you mean "quorum"?');
  });

  test('events are lines, from a revision on, or NDJSON', async () => {
    await using admin = await withSpells();
    const { stdout } = await muster(['events'], { admin });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(
      /^2 {2}\d\d:\d\d:\d\d\.\d{3} {2}backend spells\/spells-1 {2}registered 127\.0\.0\.1:8001, weight 1 {2}\(cli:/,
    );
    expect((await muster(['events', '--limit', '1'], { admin })).stdout).toMatch(/^3 {2}/);
    const ndjson = (await muster(['events', '--from', '2', '--limit', '1', '--json'], { admin })).stdout;
    expect(JSON.parse(ndjson)).toMatchObject({ revision: 2, type: 'BackendRegistered' });
  });

  test('events of a log that was cut begin with the oldest that is held', async () => {
    await using admin = await withSpells();
    const { journal } = admin.node;
    const head = await journal.head();
    // As a journal answers whose first events were removed by retention.
    journal.head = async () => ({ ...head, firstRevision: 2 });
    expect((await muster(['events'], { admin })).stdout).toMatch(/^2 {2}[^]*\n3 {2}/);
    const refused = await muster(['events', '--from', '1'], { admin });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('begin with 2') as string });
  });

  test('events are followed', async () => {
    await using admin = await withSpells();
    const env = { ...process.env, MUSTER_ADMIN: admin.url };
    const child = spawn(process.execPath, [MUSTER, 'events', '--follow', '--from', '3'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output = child.stdout.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>;
    expect((await output.next()).value).toMatch(/^3 {2}/);
    await muster(['backend', 'maint', 'spells', 'spells-1'], { admin });
    expect((await output.next()).value).toMatch(/^4 .*set to maint/);
    const exited = once(child, 'exit');
    await admin.server.close();
    expect(await exited).toEqual([1, null]);
  });

  test('a reader that goes away ends the command quietly', async () => {
    await using admin = await startAdmin();
    const payload = JSON.stringify({ type: 'PoolRemoved', reason: 'x'.repeat(400) });
    for (let index = 0; index < 5_000; index++) {
      await admin.node.journal.append({ id: `e${index}`, subject: 'muster.default.pool.p', origin: null, payload });
    }
    const env = { ...process.env, MUSTER_ADMIN: admin.url };
    const child = spawn(process.execPath, [MUSTER, 'events', '--from', '1'], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(complaint).toBe('');
  });
});

describe('what goes wrong', () => {
  test('no node: one line that says what to do', async () => {
    const { code, stdout, stderr } = await muster(['status']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      `muster: no node answers at ${NOBODY}; start one with "muster up", or choose another node with --admin URL or MUSTER_ADMIN\n`,
    );
  });

  test('something else answers there, or wants a token', async () => {
    await using admin = await startAdmin({ token: 'secret' });
    expect((await muster(['status'], { admin })).stderr).toContain('a token is needed');
    expect((await muster(['status'], { admin, environment: { MUSTER_ADMIN_TOKEN: 'secret' } })).code).toBe(0);
    expect((await muster(['status', '--admin', 'ftp://x'])).stderr).toContain('is not a URL');
  });

  test.each([
    [['statsu'], 'Did you mean status?'],
    [['backend', 'drian', 'a', 'b'], 'Did you mean drain?'],
    [['status', '--wach'], 'Did you mean --watch?'],
    [['backend', 'add', 'a', 'b'], "required option '--target <address>' not specified"],
    [['events', '--from', 'x'], 'It must be a whole number.'],
    [['backend', 'drain', 'a'], "missing required argument 'id'"],
  ])('%j is a mistake of usage', async (args, expected) => {
    const { code, stderr } = await muster(args);
    expect(code).toBe(2);
    expect(stderr).toContain(expected);
  });

  test('help and schemas need no node', async () => {
    expect(await muster(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Exit codes: 0 done') });
    expect(JSON.parse((await muster(['schema', 'PoolRemoved'])).stdout)).toMatchObject({
      title: 'PoolRemoved',
      type: 'object',
    });
    expect((await muster(['schema', 'PoolRemovd'])).stderr).toContain('did you mean "PoolRemoved"?');
  });

  test('up without a config, or with a broken one, says so', async () => {
    await using folder = await temporaryFolder();
    const missing = await muster(['up'], { cwd: folder.path });
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no muster.toml here') });
    await writeFile(join(folder.path, 'muster.toml'), '[node]\nworker = 1\nid = "A"\n');
    const broken = await muster(['up'], { cwd: folder.path });
    expect(broken.code).toBe(1);
    expect(broken.stderr.split('\n')).toEqual([
      'muster: muster.toml:2: "worker" is not known in node; did you mean "workers"?',
      'muster: muster.toml:3: node.id is "A"; a name is 1 to 64 characters of a-z, 0-9 and "-"',
      '',
    ]);
  });
});
