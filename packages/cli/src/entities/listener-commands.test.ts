/** Listeners and their routes on the command line, and how a pool in panic is shown. */
import { expect, test } from 'vitest';
import { startAdmin } from '@muster/admin/testing';
import { muster, withSpells } from '../../testing/index.ts';

test('an http listener is given its routes one by one, and shown with them', async () => {
  await using admin = await withSpells();
  const add = ['listener', 'add', 'front', '--bind', '127.0.0.1:8081'];
  const routes = ['--route', 'api.example.com/v1=spells', '--route', '[/old]=spells', '--route', '*=spells'];
  expect(await muster([...add, ...routes, '--json-spec', '{"accessLog": "all"}'], { admin })).toEqual({
    code: 0,
    stdout:
      'listener front defined on 127.0.0.1:8081: api.example.com/v1 → spells, *[/old] → spells, * → spells (revision 4)\n',
    stderr: '',
  });
  expect(admin.node.roster().listeners.get('front')!.spec).toMatchObject({
    protocol: 'http',
    accessLog: 'all',
    routes: [
      { host: 'api.example.com', path: '/v1', pool: 'spells' },
      { path: '/old', pool: 'spells', stripPrefix: true },
      { pool: 'spells' },
    ],
  });
  expect((await muster(['listener', 'list'], { admin })).stdout).toMatch(
    /front .* http +api\.example\.com\/v1 → spells, /,
  );
  const shown = (await muster(['listener', 'show', 'front'], { admin })).stdout;
  expect(shown).toMatch(/accessLog +all\n/);
  expect(shown).toMatch(/\n {2}api\.example\.com\/v1 → spells\n {2}\*\[\/old\] → spells\n {2}\* → spells\n$/);
  expect((await muster(['status'], { admin })).stdout).toMatch(/web +127\.0\.0\.1:8080 +tcp +spells /);
});

test('a listener that makes no sense is refused, and why', async () => {
  await using admin = await withSpells();
  const cases: [options: string[], code: number, message: string][] = [
    [['--route', 'api.example.com'], 2, 'It must be HOST/PATH=POOL'],
    [['--route', '/v1=spels'], 1, 'there is no pool "spels"; did you mean "spells"?'],
    [['--route', '/v1=spells', '--route', '/v1=spells'], 1, 'route 2 has the host and path of route 1'],
    [['--pool', 'spells', '--json-spec', '{"maxFields": 5}'], 1, 'maxFields needs protocol = "http"'],
    [[], 1, 'pool is missing; a tcp listener needs the pool that takes its connections'],
  ];
  const runs = cases.map(async ([options, code, message]) => {
    const ran = await muster(['listener', 'add', 'front', '--bind', '127.0.0.1:8081', ...options], { admin });
    expect(ran).toMatchObject({ code, stderr: expect.stringContaining(message) as string });
  });
  await Promise.all(runs);
  expect((await muster(['listener', 'show', 'wab'], { admin })).stderr).toContain('did you mean "web"?');
});

test('who takes traffic only because the pool is in panic, and who starts slowly, is shown as that', async () => {
  await using admin = await startAdmin();
  const options = ['--health-tcp', '--slow-start-ms', '86400000', '--panic-threshold', '0.5'];
  expect((await muster(['pool', 'add', 'p', ...options], { admin })).code).toBe(0);
  for (const id of ['a', 'b', 'c']) {
    await admin.node.execute(
      { type: 'RegisterBackend', pool: 'p', backend: id, target: `${id}:1`, weight: 1 },
      'sdk:p',
    );
  }
  const see = async (id: string, type: string) => {
    const payload = JSON.stringify({ type, target: `${id}:1`, reason: 'seen' });
    const subject = `muster.default.health.lb-1.p.${id}`;
    const appended = await admin.node.journal.append({ id: `${type}-${id}`, subject, origin: null, payload });
    if (appended.outcome === 'appended') await admin.node.folded(appended.revision);
  };
  await see('a', 'BackendTurnedHealthy');
  await see('b', 'BackendTurnedUnhealthy');
  const calm = (await muster(['backend', 'list'], { admin })).stdout;
  expect(calm).toMatch(/ a +a:1 .* yes, starting at 10 % of its weight\n/);
  expect(calm).toMatch(/ b +b:1 .* no: health unhealthy, event 6 \(seen\)\n/);
  await see('c', 'BackendTurnedUnhealthy');
  const status = (await muster(['status'], { admin })).stdout;
  expect(status).toContain('pool p is in panic: of 3 backends only 1 look well, so all of them take traffic');
  expect(status).toMatch(/ a +a:1 .* yes +0\n/);
  expect(status).toMatch(/ b +b:1 .* in panic: health unhealthy, event 6 \(seen\) +0\n/);
  expect((await muster(['pool', 'list'], { admin })).stdout).toMatch(/p +round_robin +3\/3, in panic /);
});
