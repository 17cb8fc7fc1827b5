/**
 * Routes and pools change while requests flow, by commands and on the command line, and no request fails for it. What no route
 * leads to is answered by Muster itself, and says so.
 */
import { expect, test } from 'vitest';
import { startNamedHttp } from '../harness/http/http-backend.ts';
import { ask } from '../harness/http/http-client.ts';
import { startHttpLoad } from '../harness/http/http-load.ts';
import { freePort, startTestNode, testFolder } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const CLIENTS = 8;

test('routes by host and path come, change and go under load', async () => {
  await using folder = await testFolder();
  await using web = await startNamedHttp('web');
  await using api = await startNamedHttp('api');
  await using canary = await startNamedHttp('canary');
  const bind = `127.0.0.1:${await freePort()}`;
  await using node = await startTestNode({
    folder,
    workers: 2,
    config: `
[[pools]]
id = "web"
backends = [{ id = "web-1", target = "${web.target}" }]
[[pools]]
id = "api"
backends = [{ id = "api-1", target = "${api.target}" }]
[[listeners]]
id = "front"
bind = "${bind}"
protocol = "http"
routes = [{ host = "example.test", pool = "web" }]`,
  });
  const address = await node.address('front');
  const answeredBy = async (host: string, path: string) => {
    const { status, backend, headers } = await ask(address, { path, headers: { host } });
    return backend ?? `${status} ${String(headers['muster-reason'])}`;
  };
  const seenBy = async (wanted: Readonly<Record<string, string>>) => {
    await eventually(`the routes lead to ${JSON.stringify(wanted)}`, async () => {
      // Each worker takes them over by itself: several connections, so that both are asked.
      for (let time = 0; time < 4; time++) {
        for (const [url, expected] of Object.entries(wanted)) {
          const slash = url.indexOf('/');
          if ((await answeredBy(url.slice(0, slash), url.slice(slash))) !== expected) return false;
        }
      }
      return true;
    });
  };
  const load = startHttpLoad(address, { clients: CLIENTS });

  expect(await answeredBy('example.test', '/')).toBe('web');
  const unknown = await ask(address, { headers: { host: 'nobody.test' } });
  expect(unknown).toMatchObject({ status: 404, backend: null, headers: { 'muster-reason': 'no_route' } });
  expect(unknown.body).toContain('no route');

  const routed = await node.muster(
    'listener',
    'set',
    'front',
    '--bind',
    bind,
    '--route',
    'example.test=web',
    '--route',
    'example.test/v1=api',
    '--route',
    '*.example.test=api',
  );
  expect(routed).toMatchObject({ code: 0 });
  await seenBy({
    'example.test/': 'web',
    'example.test/v1/spells': 'api',
    'example.test/v10': 'web',
    'deep.sub.example.test/': 'api',
    'nobody.test/': '404 no_route',
  });

  expect(await node.muster('pool', 'add', 'canary')).toMatchObject({ code: 0 });
  expect(await node.muster('backend', 'add', 'canary', 'canary-1', '--target', canary.target)).toMatchObject({
    code: 0,
  });
  const routes = [
    { host: 'example.test', pool: 'web' },
    { host: 'example.test', path: '/v1', pool: 'canary' },
    { pool: 'api' },
  ];
  const defined = { type: 'DefineListener', listener: 'front', bind, protocol: 'http', routes } as const;
  expect(await node.command(defined)).toMatchObject({ outcome: 'appended' });
  await seenBy({ 'example.test/': 'web', 'example.test/v1': 'canary', 'nobody.test/': 'api' });

  await node.command({ type: 'DeregisterBackend', pool: 'canary', backend: 'canary-1' });
  await seenBy({ 'example.test/v1': '503 no_healthy_backend', 'example.test/': 'web' });

  await load.stop();
  expect(load.failures).toEqual([]);
  expect(load.answersByBackend.get('web')).toBe(load.succeededCount());
  expect(load.succeededCount()).toBeGreaterThan(CLIENTS);
});
