/** What cannot be an access is refused at once, by name, and without what is secret in it. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkNatsAccess } from './access-check.ts';
import { linkHarness } from '../testing/link-harness.ts';
import { describeServers, NatsAccessError, type NatsAccess } from './nats-access.ts';
import { openNatsLink } from './nats-link.ts';
import { testOperator, testUser } from '../testing/identities.ts';

const servers = ['nats://127.0.0.1:4222'];
const HIDDEN = 'h1dden';

test.each<[string, Partial<NatsAccess>, RegExp]>([
  ['no server', { servers: [] }, /no NATS server is given/],
  ['another scheme', { servers: [`http://ada:${HIDDEN}@h:1`] }, /NATS server 1 of 1 is not a URL/],
  ['no URL', { servers: [...servers, `ada:${HIDDEN}@:`] }, /NATS server 2 of 2 is not a URL/],
  ['a bad port', { servers: [`nats://${HIDDEN}@h:99999`] }, /not a URL.*give nats:\/\/HOST:PORT/],
  [
    'two files',
    { servers, credentialsFile: 'a', nkeySeedFile: 'b' },
    /two identities: the credentials a and the nkey seed b/,
  ],
  [
    'a file and a user',
    { servers: [`nats://ada:${HIDDEN}@h:1`], nkeySeedFile: 'b' },
    /two identities: the file b and the user in the URL of nats:\/\/h:1/,
  ],
  ['half a certificate', { servers, tls: { certFile: 'c.pem' } }, /c\.pem stands alone.*certFile and keyFile/],
  ['a wildcard inbox', { servers, inboxPrefix: '_a.*' }, /the inbox prefix "_a\.\*" is not one/],
  ['an inbox that is none', { servers, inboxPrefix: 'muster.demo' }, /"muster\.demo" is not one; .* begins with _/],
  [
    'no such file',
    { servers, tls: { caFile: '/nowhere/ca.pem' } },
    /TLS file \/nowhere\/ca\.pem cannot be read \(ENOENT\)/,
  ],
])('%s', (_, access, message) => {
  const fault = checkNatsAccess({ servers, name: 'test', ...access });
  expect(fault).toMatch(message);
  expect(fault).not.toContain(HIDDEN);
  expect(() => openNatsLink({ servers, name: 'test', ...access })).toThrow(NatsAccessError);
});

test('files that are empty, or hold something else, are named and not quoted', async () => {
  await using harness = await linkHarness();
  const empty = await harness.file('empty', '');
  const other = await harness.file('other', `password: ${HIDDEN}\n`);
  const cut = await harness.file('cut', testOperator().credentials.replace(/^SU\w{10}/m, `SU${HIDDEN}`));
  const faults = [
    { nkeySeedFile: empty },
    { nkeySeedFile: other },
    { credentialsFile: empty },
    { credentialsFile: other },
    { credentialsFile: cut },
  ].map((access) => checkNatsAccess({ servers, name: 'test', ...access }));
  expect(faults).toEqual([
    expect.stringContaining(`the nkey seed ${empty} is empty`),
    expect.stringContaining(`the nkey seed ${other}: it must hold a user's seed`),
    expect.stringContaining(`the credentials ${empty} is empty`),
    expect.stringContaining(`the credentials ${other}: it must hold a user JWT`),
    expect.stringContaining(`the credentials ${cut}: it must hold a user JWT`),
  ]);
  expect(faults.join('\n')).not.toContain(HIDDEN);
});

test('what is right is right', async () => {
  await using harness = await linkHarness();
  const nkeySeedFile = await harness.file('seed', `${testUser().seed}\n`);
  const credentialsFile = await harness.file('creds', testOperator().credentials);
  const mixed = ['tls://[::1]:1', 'nats://ada:p%40ss@h', 'nats://h:4/'];
  const accesses = [{ servers }, { servers: mixed }, { servers, nkeySeedFile }, { servers, credentialsFile }];
  expect(accesses.map((access) => checkNatsAccess({ name: 'test', ...access }))).toEqual([null, null, null, null]);
});

test('servers are described without who connects', () => {
  const urls = [`nats://ada:${HIDDEN}@h:1`, 'tls://[::1]', HIDDEN];
  expect(describeServers({ servers: urls })).toBe('nats://h:1, tls://[::1]:4222, (not a NATS URL)');
});

test('a secret that others may read is refused, with what to do; what is no secret is not looked at', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-secret-'));
  const file = join(folder, 'node.nk');
  await writeFile(file, `${testUser().seed}\n`, { mode: 0o600 });
  const access = { servers, name: 'test', nkeySeedFile: file };
  for (const [mode, isFine] of [
    [0o600, true],
    [0o400, true],
    [0o640, false],
    [0o604, false],
    [0o620, false],
  ] as const) {
    await chmod(file, mode);
    const fault = checkNatsAccess(access);
    const remedy = `make it yours alone: chmod 600 ${file}`;
    expect(fault).toBe(isFine ? null : `the nkey seed ${file} is open to others (mode ${mode.toString(8)}); ${remedy}`);
  }
  await rm(folder, { recursive: true });
});
