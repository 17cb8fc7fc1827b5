/** Which fields go on, which do not, and which Muster writes itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listenerSpecSchema, type ListenerSpec } from '@muster/membership';
import { RequestHead } from '@muster/http1';
import { ProxyHarness } from '../../testing/proxy-harness.ts';
import { ForwardedFrom } from './exchange/forwarded-from.ts';
import { httpSettings } from './routes/http-settings.ts';
import { answering, ask, client, get, ok, scripted, valuesOf } from '../../testing/http/scripted.ts';

/** What a backend sees of a request on a listener like that. */
async function seen(spec: Partial<ListenerSpec>, fields: string, line = 'GET / HTTP/1.1'): Promise<string> {
  await using harness = new ProxyHarness();
  let request = '';
  const backend = await answering(harness, (text) => {
    request = text;
    return ok('');
  });
  harness.pool();
  harness.register('a', backend.target);
  const port = await harness.listen({ protocol: 'http', ...spec });
  await ask(port, `${line}\r\nHost: shop.example\r\n${fields}\r\n`);
  return request.replaceAll(backend.target, 'TARGET');
}

/** What a client sees of an answer. */
async function relayed(answer: string, request = get()): Promise<string> {
  await using harness = new ProxyHarness();
  const backend = await answering(harness, () => answer);
  harness.pool();
  harness.register('a', backend.target);
  return await ask(await harness.listen({ protocol: 'http' }), request);
}

const linesOf = (message: string) => message.split('\r\n');

const TRAILED_BODY = '2\r\nhi\r\n0\r\nX-Secret: 1\r\nX-Kept: 2\r\n\r\n';
const KEPT_BODY = '2\r\nhi\r\n0\r\nX-Kept: 2\r\n\r\n';

test('a trailer that Connection names stays here, in both directions', async () => {
  await using harness = new ProxyHarness();
  const backend = await scripted(harness);
  harness.pool();
  harness.register('a', backend.target);
  const asking = client(await harness.listen({ protocol: 'http' }));
  const framing = 'Connection: X-Secret\r\nTransfer-Encoding: chunked\r\n\r\n';
  asking.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}${TRAILED_BODY}`);
  const peer = await backend.accepted();
  const request = await peer.takeTo('X-Kept: 2\r\n\r\n');
  expect(request.slice(request.indexOf('\r\n\r\n') + 4)).toBe(KEPT_BODY);
  peer.write(`HTTP/1.1 200 OK\r\n${framing}${TRAILED_BODY}`);
  const answer = await asking.takeTo('X-Kept: 2\r\n\r\n');
  expect(answer.slice(answer.indexOf('\r\n\r\n') + 4)).toBe(KEPT_BODY);
  asking.socket.destroy();
});

describe('of a request', () => {
  test('order, case and repetition stay', async () => {
    const request = await seen({}, 'x-B: 2\r\nAccept: a\r\nX-b:1\r\naccept:  b \r\nCookie: a=b; c\r\n');
    expect(linesOf(request).slice(2, 7)).toEqual(['x-B: 2', 'Accept: a', 'X-b:1', 'accept:  b ', 'Cookie: a=b; c']);
  });

  test('what is for one hop stays here, and so does everything that Connection names', async () => {
    const request = await seen(
      {},
      'Connection: keep-alive, X-Secret\r\nX-Secret: 1\r\nx-secret: 2\r\nKeep-Alive: timeout=5\r\nTE: gzip;q=0.5, trailers\r\n' +
        'Proxy-Connection: keep-alive\r\nProxy-Authorization: b\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\nX-Kept: 1\r\n',
    );
    expect(request).not.toMatch(/secret|keep-alive|gzip|Proxy-|Upgrade|Settings/i);
    expect([valuesOf(request, 'TE'), valuesOf(request, 'Connection')]).toEqual([['trailers'], ['TE']]);
    expect(valuesOf(request, 'X-Kept')).toEqual(['1']);
  });

  test('an IPv4 client of a socket for both families has its own form', async () => {
    const settings = httpSettings(listenerSpecSchema.parse({ bind: '[::]:80', protocol: 'http', pool: 'p' }));
    expect(new ForwardedFrom({ peerAddress: '::ffff:192.0.2.7', scheme: 'http' }, settings).address).toBe('192.0.2.7');
    expect(new ForwardedFrom({ peerAddress: '2001:db8::7', scheme: 'http' }, settings).address).toBe('2001:db8::7');
  });

  test.each([
    ['', [], []],
    ['TE: gzip\r\n', [], []],
    ['TE: Trailers\r\nConnection: te\r\n', ['trailers'], ['TE']],
    ['TE: trailers\r\nConnection: Upgrade, TE\r\nUpgrade: websocket\r\n', ['trailers'], ['upgrade, TE']],
  ])('that trailers are taken goes on where trailers do: %j', async (fields, te, connection) => {
    const request = await seen({}, fields);
    expect([valuesOf(request, 'TE'), valuesOf(request, 'Connection')]).toEqual([te, connection]);
  });

  test.each(['1.0', '1.1', '1.2', '1.9'])('HTTP/%s is told in Via, and goes on as HTTP/1.1', async (version) => {
    const request = await seen({}, '', `GET / HTTP/${version}`);
    expect([linesOf(request)[0], valuesOf(request, 'Via')]).toEqual(['GET / HTTP/1.1', [`${version} muster`]]);
  });

  test('a Host of a registered name goes on, and is one element where hosts are listed', async () => {
    const settings = httpSettings(listenerSpecSchema.parse({ bind: '[::]:80', protocol: 'http', pool: 'p' }));
    const head = Object.assign(new RequestHead(), { authority: "0.0.0.0=5000,b;'" });
    const exchange = { head, requestId: 'r', attempts: [{ target: '[fe80::1%eth0]:80' }] };
    const { host, from } = new ForwardedFrom({ peerAddress: 'fe80::2%eth0', scheme: 'http' }, settings).routing(
      exchange,
      '/',
    );
    expect(host).toBe("0.0.0.0=5000,b;'");
    expect(from).toMatch(
      /^X-Forwarded-For: fe80::2\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: 0.0.0.0=5000%2Cb;'\r\n/,
    );
  });

  test('the zone of a target is never sent', () => {
    const spec = { bind: '[::]:80', protocol: 'http', pool: 'p', hostField: 'target' };
    const from = new ForwardedFrom({ peerAddress: '', scheme: 'http' }, httpSettings(listenerSpecSchema.parse(spec)));
    const hostOf = (target: string) =>
      from.routing({ head: new RequestHead(), requestId: 'r', attempts: [{ target }] }, '/').host;
    expect(['[fe80::1%eth0]:80', '[::1]:80', 'a.example:80', 'unix:/run/a%b'].map(hostOf)).toEqual([
      '[fe80::1]:80',
      '[::1]:80',
      'a.example:80',
      'localhost',
    ]);
  });

  test('Via is added behind those before', async () => {
    expect(valuesOf(await seen({}, 'Via: 1.0 before\r\n'), 'Via')).toEqual(['1.0 before', '1.1 muster']);
  });

  const SAID =
    'X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: said.example\r\nForwarded: for=192.0.2.9\r\n';
  const MADE = { for: ['127.0.0.1'], proto: ['http'], host: ['shop.example'] };
  const MADE_ELEMENT = 'for=127.0.0.1;host="shop.example";proto=http';
  const forwarded = (request: string) => ({
    for: valuesOf(request, 'X-Forwarded-For'),
    proto: valuesOf(request, 'X-Forwarded-Proto'),
    host: valuesOf(request, 'X-Forwarded-Host'),
    forwarded: valuesOf(request, 'Forwarded'),
  });

  test.each([
    ['x-forwarded', { ...MADE, forwarded: [] }],
    ['forwarded', { for: [], proto: [], host: [], forwarded: [MADE_ELEMENT] }],
    ['both', { ...MADE, forwarded: [MADE_ELEMENT] }],
    ['none', { for: [], proto: [], host: [], forwarded: [] }],
  ] as const)('forwardedFields %s: what a stranger said is replaced', async (forwardedFields, expected) => {
    expect(forwarded(await seen({ forwardedFields }, SAID))).toEqual(expected);
  });

  test.each([
    ['x-forwarded', '192.0.2.9, 127.0.0.1', 'for=192.0.2.9'],
    ['forwarded', '192.0.2.9', `for=192.0.2.9, ${MADE_ELEMENT}`],
    ['both', '192.0.2.9, 127.0.0.1', `for=192.0.2.9, ${MADE_ELEMENT}`],
    ['none', '192.0.2.9', 'for=192.0.2.9'],
  ] as const)('forwardedFields %s: what a trusted proxy said stays', async (forwardedFields, list, elements) => {
    const request = await seen({ forwardedFields, trustedProxies: ['127.0.0.0/8'] }, SAID);
    expect(forwarded(request)).toEqual({
      for: [list],
      proto: ['https'],
      host: ['said.example'],
      forwarded: [elements],
    });
  });

  test('a proxy in another range is a stranger', async () => {
    const request = await seen({ trustedProxies: ['10.0.0.0/8', '::1/128'] }, SAID);
    expect(forwarded(request)).toEqual({ ...MADE, forwarded: [] });
  });

  test('who is no longer trusted is not believed on an open connection either', async () => {
    await using harness = new ProxyHarness();
    const requests: string[] = [];
    const backend = await answering(harness, (text) => ok(String(requests.push(text))));
    harness.pool();
    harness.register('a', backend.target);
    const spec = { bind: '127.0.0.1:0', protocol: 'http', pool: 'p', idleTimeoutMs: 1_000 } as const;
    const asking = client(await harness.listen({ ...spec, trustedProxies: ['127.0.0.1/32'] }));
    asking.write(get('/', SAID));
    await asking.message();
    harness.proxy.updateListener('web', spec);
    asking.write(get('/', SAID));
    await asking.message();
    expect(requests.map((text) => valuesOf(text, 'X-Forwarded-Proto'))).toEqual([['https'], ['http']]);
    asking.socket.destroy();
  });

  test.each([
    ['keep', 'shop.example'],
    ['target', 'TARGET'],
    ['inner.example:8080', 'inner.example:8080'],
  ])('hostField %s', async (hostField, host) => {
    const request = await seen({ hostField }, '');
    expect(linesOf(request)[1]).toBe(`Host: ${host}`);
    expect(valuesOf(request, 'X-Forwarded-Host')).toEqual(['shop.example']);
  });

  test('an HTTP/1.0 request without Host is sent with the target’s', async () => {
    await using harness = new ProxyHarness();
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write('GET / HTTP/1.0\r\n\r\n');
    const request = await (await backend.accepted()).message();
    expect(valuesOf(request, 'Host')).toEqual([backend.target]);
    expect(valuesOf(request, 'X-Forwarded-Host')).toEqual([]);
    asking.socket.destroy();
  });
});

test('a backend on a Unix socket is called localhost', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'muster-'));
  await using harness = new ProxyHarness();
  let host: string[] = [];
  const backend = await harness.backend(
    (socket) => {
      socket.once('data', (bytes) => {
        host = valuesOf(bytes.toString(), 'Host');
        socket.end(ok(''));
      });
    },
    join(directory, 's'),
  );
  harness.pool();
  harness.register('a', backend.target);
  await ask(await harness.listen({ protocol: 'http', hostField: 'target' }));
  expect(host).toEqual(['localhost']);
  await rm(directory, { recursive: true });
});

describe('X-Request-Id', () => {
  test('is made where there is none, another one each time, and the same to both sides', async () => {
    await using harness = new ProxyHarness();
    const ids: string[] = [];
    const backend = await answering(harness, (text) => {
      ids.push(...valuesOf(text, 'X-Request-Id'));
      return ok('');
    });
    harness.pool();
    harness.register('a', backend.target);
    const port = await harness.listen({ protocol: 'http' });
    const told = [...valuesOf(await ask(port), 'X-Request-Id'), ...valuesOf(await ask(port), 'X-Request-Id')];
    expect(told).toEqual(ids);
    expect(new Set(ids).size).toBe(2);
  });

  test('is passed on', async () => {
    expect(valuesOf(await seen({}, 'x-request-id: abc-1\r\n'), 'X-Request-Id')).toEqual(['abc-1']);
  });

  test.each(['', 'a b', 'x'.repeat(129), 'caf\xe9'])('is replaced where it is not usable: %j', async (id) => {
    const [made] = valuesOf(await seen({}, `X-Request-Id: ${id}\r\n`), 'X-Request-Id');
    expect(made).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
  });

  test('of an answer is Muster’s, whatever a backend says', async () => {
    const request = get('/', 'X-Request-Id: asked\r\n');
    const answer = await relayed(ok('', 'X-Request-Id: own\r\nX_Request_Id: own\r\nA: 1\r\n'), request);
    expect(valuesOf(answer, 'X-Request-Id')).toEqual(['asked']);
    expect(answer).not.toContain('own');
  });
});

describe('what only a proxy may say', () => {
  const SAID =
    'A: 1\r\nX-Real-IP: 192.0.2.9\r\nX-Forwarded-Port: 443\r\nX-Original-URL: /admin\r\nB: 2\r\nX_Forwarded_Ssl: on\r\nX-Tenant: t\r\n';
  const ours = (request: string) =>
    ['A', 'B', 'X-Real-IP', 'X-Forwarded-Port', 'X-Original-URL', 'X_Forwarded_Ssl', 'X-Tenant'].filter(
      (name) => valuesOf(request, name).length > 0,
    );

  test('is taken from strangers, and a listener may name more of it', async () => {
    expect(ours(await seen({}, SAID))).toEqual(['A', 'B', 'X-Tenant']);
    expect(ours(await seen({ proxyFields: ['x-tenant'] }, SAID))).toEqual(['A', 'B']);
  });

  test('goes on from a trusted proxy, but for odd spellings', async () => {
    const request = await seen({ trustedProxies: ['127.0.0.0/8'] }, SAID);
    expect(ours(request)).toEqual(['A', 'B', 'X-Real-IP', 'X-Forwarded-Port', 'X-Original-URL', 'X-Tenant']);
  });

  test('is no trailer, and Muster’s own words are none in an answer', async () => {
    await using harness = new ProxyHarness();
    const backend = await scripted(harness);
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(
      await harness.listen({ protocol: 'http', trustedProxies: ['127.0.0.0/8'], proxyFields: ['x-tenant'] }),
    );
    const trailers = 'X-Real-IP: 1\r\nX_Client_IP: 1\r\nX-Tenant: 1\r\nMuster-Reason: no\r\nX-Request-Id: no\r\n';
    const body = `Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n${trailers}Kept: 2\r\n\r\n`;
    asking.write(`POST / HTTP/1.1\r\nHost: a\r\n${body}`);
    const peer = await backend.accepted();
    expect((await peer.takeTo('Kept: 2\r\n\r\n')).split('\r\n0\r\n')[1]).toBe('Kept: 2\r\n\r\n');
    peer.write(`HTTP/1.1 200 OK\r\n${body.replace('X-Tenant: 1\r\n', '')}`);
    expect((await asking.takeTo('Kept: 2\r\n\r\n')).split('\r\n0\r\n')[1]).toBe('Kept: 2\r\n\r\n');
    asking.socket.destroy();
  });

  test('Muster’s reason is nobody else’s, neither in an answer nor in one before it', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nMuster-Reason: no_route\r\nLink: </a>\r\n\r\n';
    await using harness = new ProxyHarness();
    const backend = await answering(
      harness,
      () => early + ok('', 'Muster-Reason: no_route\r\nMuster_Reason: x\r\nA: 1\r\n'),
    );
    harness.pool();
    harness.register('a', backend.target);
    const asking = client(await harness.listen({ protocol: 'http' }));
    asking.write(get());
    const told = (await asking.message()) + (await asking.message());
    expect(told).toMatch(/Link: <\/a>[^]*A: 1/);
    expect(told).not.toMatch(/muster.reason/i);
    asking.socket.destroy();
  });

  test('a chain with ports names the client', async () => {
    const settings = httpSettings(
      listenerSpecSchema.parse({ bind: '[::]:80', protocol: 'http', pool: 'p', trustedProxies: ['10.0.0.0/8'] }),
    );
    const from = new ForwardedFrom({ peerAddress: '::ffff:10.0.0.2', scheme: 'http' }, settings);
    const said = (forwardedFor: string | null, forwarded: string | null = null) =>
      from.clientAddress(Object.assign(new RequestHead(), { forwardedFor, forwarded }));
    expect(said('203.0.113.7:4711, 10.0.0.3:80')).toBe('203.0.113.7');
    expect(said('[2001:db8::7]:443')).toBe('2001:db8::7');
    expect(said(null, 'for="[2001:db8::8]:443"')).toBe('2001:db8::8');
    expect(said('203.0.113.7', 'for=198.51.100.9')).toBe('203.0.113.7');
    expect([said('for=203.0.113.7'), said(null, 'for=203.0.113.7')]).toEqual(['10.0.0.2', '203.0.113.7']);
    expect([said(''), said(null), said('203.0.113.7'), said(null)]).toEqual([
      '10.0.0.2',
      '10.0.0.2',
      '203.0.113.7',
      '10.0.0.2',
    ]);
  });
});

describe('of an answer', () => {
  test.each(['1.0', '1.1', '1.2'])('HTTP/%s is told in Via, and goes on as HTTP/1.1', async (version) => {
    const answer = await relayed(ok('hi').replace('HTTP/1.1', `HTTP/${version}`));
    expect([linesOf(answer)[0], valuesOf(answer, 'Via')]).toEqual(['HTTP/1.1 200 OK', [`${version} muster`]]);
  });

  test('order, case and repetition stay; Via and Date are added', async () => {
    const answer = await relayed(ok('', 'Set-Cookie: a\r\nVary: x\r\nset-cookie: b\r\nVia: 1.1 inner\r\n'));
    expect(linesOf(answer).slice(1, 5)).toEqual(['Set-Cookie: a', 'Vary: x', 'set-cookie: b', 'Via: 1.1 inner']);
    expect(valuesOf(answer, 'Via')).toEqual(['1.1 inner', '1.1 muster']);
    expect(Math.abs(Date.parse(valuesOf(answer, 'Date')[0]!) - Date.now())).toBeLessThan(60_000);
  });

  test('what is for one hop stays here', async () => {
    const answer = await relayed(
      ok('', 'Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nX-Kept: 1\r\n'),
    );
    expect(answer).not.toMatch(/hop|keep-alive|proxy|connection/i);
    expect(valuesOf(answer, 'X-Kept')).toEqual(['1']);
  });

  test('426 names the protocol that it asks for', async () => {
    const answer = await relayed(
      'HTTP/1.1 426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: other/1\r\nContent-Length: 0\r\n\r\n',
    );
    expect(valuesOf(answer, 'Upgrade')).toEqual(['other/1']);
    expect(valuesOf(answer, 'Connection')).toEqual(['upgrade']);
  });

  test('a length that describes what HEAD would not send stays', async () => {
    const answer = await relayed('HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n', 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(valuesOf(answer, 'Content-Length')).toEqual(['99']);
  });
});
