/** The link over real servers: made late, made again, refused, and never with a secret in what it says. */
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { linkHarness, program, reasonFrom, toBe } from '../testing/link-harness.ts';
import { testOperator, testUser, TEST_CERTIFICATE, TEST_KEY } from '../testing/identities.ts';

describe.skipIf('unavailable' in program)('a link', () => {
  test('is away first, says why, and connects when the server comes', async () => {
    await using harness = await linkHarness();
    const server = await harness.server();
    await server.end('SIGKILL');
    const lines: string[] = [];
    const link = harness.link({ servers: [server.url] }, { log: (line) => lines.push(line) });
    expect(link.connection).toBeNull();
    expect(link.awayReason).toBe(`not connected yet to NATS at ${server.url}`);
    expect(await reasonFrom(link, /refused/)).toBe(`NATS at ${server.url} refused the connection`);

    await server.restart();
    const connection = await link.connected();
    expect(link.connection).toBe(connection);
    expect(link.awayReason).toBeNull();
    expect(lines).toEqual([`NATS at ${server.url} refused the connection`, `connected to NATS at ${server.url}`]);
  });

  test('is told to be away at once when the server dies, and connected within a second after it answers again', async () => {
    await using harness = await linkHarness();
    const server = await harness.server();
    const link = harness.link({ servers: [server.url] });
    const first = await link.connected();
    const pending = first
      .request('nobody.answers', '', { timeout: 30_000, noMux: true })
      .catch((error: Error) => error.name);
    first.subscribe('nobody.answers');
    await first.flush();
    await server.end('SIGKILL');
    await toBe(link, false);
    expect(await pending).not.toBe('TimeoutError');
    await reasonFrom(link, /refused the connection/);

    await server.restart();
    const answersSinceMs = performance.now();
    const second = await link.connected();
    expect(performance.now() - answersSinceMs).toBeLessThan(1000);
    expect(second).not.toBe(first);
  });

  test('a server that is frozen counts as gone after two pings; a live one takes its place', async () => {
    await using harness = await linkHarness();
    const server = await harness.server();
    await using otherHarness = await linkHarness();
    const other = await otherHarness.server();
    // Ranks of the servers, in the order of their list: the first is asked first, each time.
    let call = 0;
    const random = () => (call++ % 2) / 2;
    const servers = [server.url, other.url];
    const link = harness.link({ servers }, { pingIntervalMs: 50, random });
    expect((await link.connected()).getServer()).toBe(server.url.slice('nats://'.length));
    await server.pause();
    await toBe(link, false);
    call = 0;
    expect(link.awayReason).toBe(`NATS at ${server.url} does not answer any more`);
    expect((await link.connected()).getServer()).toBe(other.url.slice('nats://'.length));
  });

  test('a server that was left is taken again last; alone on one address, a link stays', async () => {
    await using harness = await linkHarness();
    const server = await harness.server();
    await using otherHarness = await linkHarness();
    const other = await otherHarness.server();
    const lines: string[] = [];
    // All ranks are equal: the first of the list would be asked first, each time.
    const options = { random: () => 0, log: (line: string) => lines.push(line) };
    const link = harness.link({ servers: [server.url, other.url] }, options);
    const first = await link.connected();
    expect(first.getServer()).toBe(server.url.slice('nats://'.length));
    for (const next of [other, server, other]) {
      link.leave('it knows no leader');
      await toBe(link, false);
      expect((await link.connected()).getServer()).toBe(next.url.slice('nats://'.length));
    }
    expect(lines.slice(1, 3)).toEqual([
      `NATS at ${server.url} was left: it knows no leader`,
      `connected to NATS at ${other.url}`,
    ]);
    await other.end('SIGKILL');
    await toBe(link, false);
    expect((await link.connected()).getServer()).toBe(server.url.slice('nats://'.length));

    const alone = harness.link({ servers: [server.url] });
    const only = await alone.connected();
    alone.leave('it knows no leader');
    await only.flush();
    expect(alone.connection).toBe(only);
  });

  test('who may not connect is told so, again and again, until it may', async () => {
    await using harness = await linkHarness();
    const server = await harness.server('authorization: { user: "ada", password: "s3cret-sesame" }');
    const place = `${server.host}:${server.port}`;
    const wrong = harness.link({ servers: [`nats://ada:wr0ng-w0rd@${place}`] });
    const reason = await reasonFrom(wrong, /refused this user/);
    expect(reason).toBe(`NATS at ${server.url} refused this user: Authorization Violation`);
    const right = harness.link({ servers: [`nats://ada:s3cret-sesame@${place}`] });
    expect(await right.connected()).toBeDefined();
    await right.close();
    expect([wrong, right].map(({ awayReason }) => awayReason).join()).not.toMatch(/s3cret|wr0ng/);
  });

  test('a token, an nkey and credentials are each taken', async () => {
    await using harness = await linkHarness();
    const server = await harness.server('authorization: { token: "t0ken" }');
    const link = harness.link({ servers: [`nats://t0ken@${server.host}:${server.port}`] });
    expect(await link.connected()).toBeDefined();

    await using second = await linkHarness();
    const { publicKey, seed } = testUser();
    const nkeyServer = await second.server(`authorization: { users: [{ nkey: ${publicKey} }] }`);
    const nkeySeedFile = await second.file('user.nk', `# a user\n${seed}\n`);
    expect(await second.link({ servers: [nkeyServer.url], nkeySeedFile }).connected()).toBeDefined();

    await using third = await linkHarness();
    const { configLines, credentials } = testOperator();
    const credentialsServer = await third.server(configLines);
    const credentialsFile = await third.file('user.creds', credentials);
    expect(await third.link({ servers: [credentialsServer.url], credentialsFile }).connected()).toBeDefined();
    const nobody = third.link({ servers: [credentialsServer.url] });
    expect(await reasonFrom(nobody, /refused this user/)).toContain('Authorization Violation');
  });

  test('TLS: with the authority that signed, with a client certificate, and not without', async () => {
    await using harness = await linkHarness();
    const certFile = await harness.file('certificate.pem', TEST_CERTIFICATE);
    const keyFile = await harness.file('key.pem', TEST_KEY);
    const files = `cert_file: "${certFile}", key_file: "${keyFile}", ca_file: "${certFile}", verify: true`;
    const server = await harness.server(`tls: { ${files} }`);
    const servers = [`tls://${server.host}:${server.port}`];

    const link = harness.link({ servers, tls: { caFile: certFile, certFile, keyFile } });
    expect((await link.connected()).getServer()).toBe(`${server.host}:${server.port}`);
    const stranger = harness.link({ servers });
    expect(await reasonFrom(stranger, /cannot be reached/)).toMatch(
      /^NATS at tls:\S+ cannot be reached: .*certificate/,
    );
    const nameless = harness.link({ servers, tls: { caFile: certFile } });
    expect(await reasonFrom(nameless, /^NATS at/)).toMatch(/closed the connection|cannot be reached/);
  });

  test('tls:// is never spoken in the clear', async () => {
    await using harness = await linkHarness();
    const server = await harness.server('authorization: { token: "t0ken" }');
    const link = harness.link({ servers: [`tls://t0ken@${server.host}:${server.port}`] });
    expect(await reasonFrom(link, /^NATS/)).toMatch(/does not support 'tls'/);
  });

  test('a signal ends a wait, and so does closing; closing twice is closing once', async () => {
    await using harness = await linkHarness();
    const link = harness.link({ servers: ['nats://127.0.0.1:1'] });
    const given = new AbortController();
    const waiting = link.connected(given.signal);
    given.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    const refusal = link.connected().catch((error: Error) => error.message);
    await Promise.all([link.close(), link.close()]);
    expect(await refusal).toBe('the link to NATS was closed');
    await expect(link.connected()).rejects.toThrow('the link to NATS was closed');
    expect(link.awayReason).toBe('the link to NATS was closed');
  });

  test('closing sends what was published', async () => {
    await using harness = await linkHarness();
    const server = await harness.server();
    const [hearing, speaking] = [harness.link({ servers: [server.url] }), harness.link({ servers: [server.url] })];
    const heard = (await hearing.connected()).subscribe('last.words', { max: 1 });
    await hearing.connection!.flush();
    (await speaking.connected()).publish('last.words', 'goodbye');
    await speaking.close();
    expect(speaking.connection).toBeNull();
    for await (const message of heard) expect(message.string()).toBe('goodbye');
  });
});

test('what is no NATS server is named as such', async () => {
  await using harness = await linkHarness();
  const other = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const link = harness.link({ servers: [`nats://127.0.0.1:${port}`] });
  expect(await reasonFrom(link, /NATS server/)).toBe(`NATS at nats://127.0.0.1:${port} is not a NATS server`);
  other.close();
});
