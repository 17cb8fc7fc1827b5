/** Who may ask: every route, for every way in which a browser, a proxy or a program can ask for it, over real HTTP. */
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ANSWER_FIELDS, refuseAccess } from './access.ts';
import { startAdmin, type AdminHarness } from '../testing/index.ts';

type Fields = Readonly<Record<string, string>>;
type Route = readonly [method: string, path: string];

interface Way {
  readonly fields: Fields;
  readonly site: string | null;
  readonly isOwnOrigin: boolean;
  readonly isLink: boolean;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let open: AdminHarness;
let guarded: AdminHarness;
let proxied: AdminHarness;
let routes: Route[];

beforeAll(async () => {
  open = await startAdmin();
  guarded = await startAdmin({ token: 'secret' });
  proxied = await startAdmin({ token: 'secret', isBehindProxy: true });
  const { paths } = (await (await fetch(`${open.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path.replace('{pool}', 'spells')] as const),
  );
  routes = [...described, ['GET', '/'], ['GET', '/nothing'], ['OPTIONS', '/v1/commands'], ['HEAD', '/v1/status']];
});
afterAll(async () => {
  for (const admin of [open, guarded, proxied]) await admin[Symbol.asyncDispose]();
});

const ask = async (admin: AdminHarness, [method, path]: Route, headers: Fields): Promise<Answer> => {
  const { hostname, port, host } = new URL(admin.url);
  const target = path === '/v1/events' && method === 'GET' ? `${path}?limit=0` : path;
  const asked = httpRequest({ hostname, port, method, path: target, headers: { host, ...headers } }).end();
  const [answer] = (await once(asked, 'response')) as [NodeJS.ReadableStream & Answer & { statusCode: number }];
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
};
const codeOf = ({ body }: Answer): string | null =>
  (body === '' ? null : (JSON.parse(body) as { error?: { code: string } }).error?.code) ?? null;

const SITES = ['cross-site', 'same-site', 'same-origin', 'none', 'anything', null];
const MODES = ['navigate', 'no-cors', 'cors', 'websocket', 'same-origin', null];
const DESTS = ['document', 'iframe', 'image', 'script', 'empty', 'websocket', null];
const ORIGINS = ['http://evil.example', 'null', 'OWN', 'https://OWN', null];

function* ways(own: string): Generator<Way> {
  for (const site of SITES)
    for (const mode of MODES)
      for (const dest of DESTS)
        for (const origin of ORIGINS) {
          const shown = origin?.replace('https://OWN', own.replace('http:', 'https:')).replace('OWN', own);
          const fields = {
            ...(site !== null && { 'sec-fetch-site': site }),
            ...(mode !== null && { 'sec-fetch-mode': mode }),
            ...(dest !== null && { 'sec-fetch-dest': dest }),
            ...(shown !== undefined && { origin: shown }),
          };
          const isLink = mode === 'navigate' && dest === 'document';
          yield { fields, site, isOwnOrigin: origin === null ? true : origin === 'OWN', isLink };
        }
}

const isTrustedSite = (site: string | null): boolean => site === null || site === 'same-origin' || site === 'none';

describe('a browser', () => {
  const mayAsk = ([method, path]: Route, { fields, site, isOwnOrigin, isLink }: Way): boolean => {
    const isPage = isLink && method === 'GET' && path === '/';
    return (isTrustedSite(site) || isPage) && isOwnOrigin && (!('origin' in fields) || site === 'same-origin');
  };

  test('without a token: what another site makes it ask is refused on every route, in every way', () => {
    const host = new URL(open.url).host;
    for (const way of ways(open.url))
      for (const route of routes) {
        const [method, path] = route;
        const request = { method, path, headers: { host, ...way.fields } };
        const refusal = refuseAccess(request, { token: null, isBehindProxy: false });
        const label = `${route.join(' ')} ${JSON.stringify(way.fields)}`;
        expect({ label, mayAsk: refusal === null }).toEqual({ label, mayAsk: mayAsk(route, way) });
      }
  });

  test('without a token: every route refuses an image, a form, a script and a socket of another site, and says so', async () => {
    const tries: readonly Fields[] = [
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' },
      { origin: 'http://evil.example', 'access-control-request-method': 'POST' },
      { origin: 'http://evil.example', connection: 'Upgrade', upgrade: 'websocket', 'sec-fetch-mode': 'websocket' },
    ];
    for (const route of routes)
      for (const fields of tries) {
        const answer = await ask(open, route, fields);
        const label = `${route.join(' ')} ${JSON.stringify(fields)}`;
        const code = route[0] === 'HEAD' ? null : 'from-a-page';
        expect({ label, status: answer.status, code: codeOf(answer) }).toEqual({ label, status: 403, code });
        expect(answer.headers).toMatchObject({ ...ANSWER_FIELDS, connection: 'close' });
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
  });

  test('without a token: the pages of the node itself ask, and a link from elsewhere may open one', async () => {
    const own = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };
    expect((await ask(open, ['GET', '/v1/roster'], own)).status).toBe(200);
    expect((await ask(open, ['POST', '/v1/adopt-epoch'], { ...own, origin: open.url })).status).toBe(409);
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await ask(open, ['GET', '/'], link)).status).toBe(404);
    expect((await ask(open, ['GET', '/'], { ...link, 'sec-fetch-dest': 'iframe' })).status).toBe(403);
    expect((await ask(open, ['GET', '/v1/status'], link)).status).toBe(403);
    expect((await ask(open, ['GET', '/v1/status'], { ...link, 'sec-fetch-site': 'none' })).status).toBe(200);
  });

  test('without a token: by a name that another DNS points here, it is refused also as "same origin"', async () => {
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.nip.io:9900',
      '10.0.0.5',
      '[fe80::1]',
      'x',
    ])
      for (const route of routes) {
        if (route[1] === '/healthz' || route[1] === '/readyz') continue;
        const fields = { host, 'sec-fetch-site': 'same-origin', origin: `http://${host}` };
        const { status } = await ask(open, route, fields);
        expect({ route, host, status }).toEqual({ route, host, status: 403 });
      }
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:9900', 'LOCALHOST'])
      expect({ host, status: (await ask(open, ['GET', '/v1/status'], { host })).status }).toEqual({
        host,
        status: 200,
      });
  });

  test('with a token: another site is refused before the token is looked at, the own pages need it', async () => {
    const authorization = 'Bearer secret';
    const status = ['GET', '/v1/status'] as const;
    expect((await ask(guarded, status, { authorization, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await ask(guarded, status, { authorization, origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask(guarded, status, { authorization, origin: guarded.url })).status).toBe(200);
    expect((await ask(guarded, status, { origin: guarded.url })).status).toBe(401);
  });
});

describe('a proxy', () => {
  const WAYS: readonly (readonly [name: string, fields: Fields])[] = [
    ['Via', { via: '1.1 muster' }],
    ['Forwarded', { forwarded: 'for=192.0.2.7' }],
    ['X-Forwarded-For', { 'x-forwarded-for': '127.0.0.1' }],
    ['X-Forwarded-Host', { 'x-forwarded-host': 'a' }],
    ['X-Forwarded-Prefix', { 'x-forwarded-prefix': '/' }],
    ['an underscore', { x_forwarded_for: 'a' }],
    ['X-Real-IP', { 'x-real-ip': '127.0.0.1' }],
    ['an empty Via', { via: '' }],
  ];

  test.each(WAYS)('that says so with %s is refused on every route but those for health', async (_name, fields) => {
    for (const route of routes) {
      const answer = await ask(open, route, fields);
      const isForHealth = route[1] === '/healthz' || route[1] === '/readyz';
      const isRefused = answer.status === 403;
      expect({ route, isRefused }).toEqual({ route, isRefused: !isForHealth });
      expect(codeOf(answer) === 'forwarded').toBe(isRefused && route[0] !== 'HEAD');
      expect((await ask(guarded, ['GET', '/v1/status'], { ...fields, authorization: 'Bearer secret' })).status).toBe(
        403,
      );
    }
  });

  test.each(WAYS)('with %s is let through where it is meant, with the token', async (_name, fields) => {
    expect((await ask(proxied, ['GET', '/v1/status'], fields)).status).toBe(401);
    const withToken = { ...fields, authorization: 'Bearer secret', host: 'lb.example', origin: 'https://lb.example' };
    expect((await ask(proxied, ['GET', '/v1/status'], withToken)).status).toBe(200);
  });
});

test('bytes that are no request, and paths that are none, have the same fields', async () => {
  const answer = await ask(open, ['GET', '/v1/pools/%zz'], {});
  expect(answer.status).toBe(400);
  expect(answer.headers).toMatchObject(ANSWER_FIELDS);
});
