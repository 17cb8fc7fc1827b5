/**
 * What is secret in how NATS is reached stays out of everything that our programs write or answer: with secrets that are right, with
 * wrong ones, and with files that hold something else.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { natsServerProgram, startNatsServer, type NatsServer } from '@muster/nats-server';
import { createUser } from '@nats-io/nkeys';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, onePool, spawnTestNode, testFolder, type TestFolder, type TestNode } from '../harness/node.ts';
import { eventually, startProcess, type TestProcess } from '../harness/processes/process.ts';

const MUSTER = fileURLToPath(new URL('../../services/muster/bin/muster.mjs', import.meta.url));
const SPELLS = fileURLToPath(import.meta.resolve('@muster/spells/main'));
const CLUSTER = 'hush';
/** As it stands in a URL it looks otherwise; neither form may be seen. */
const PASSWORD = 'r1ght@/w0rd';
const WRONG_PASSWORD = 'wr0ng@/w0rd';
const TOKEN = 'r1ght-t0ken';
const WRONG_TOKEN = 'wr0ng-t0ken';
const BROKEN_SEED = `SU${'BR0KEN'.repeat(9)}XY`;
const [right, wrong] = [newUser(), newUser()];
const SECRETS = [PASSWORD, WRONG_PASSWORD, TOKEN, WRONG_TOKEN, BROKEN_SEED, right.seed, wrong.seed].flatMap(
  (secret) => [secret, encodeURIComponent(secret)],
);

const program = await natsServerProgram('system');

interface Way {
  readonly what: string;
  /** What the programs say once they have tried; null: they get in. */
  readonly complaint: RegExp | null;
  readonly access: () => { readonly servers: string; readonly seedFile?: string };
}

describe.skipIf('unavailable' in program)('no secret is said', () => {
  let folder: TestFolder;
  let users: NatsServer;
  let tokens: NatsServer;
  beforeAll(async () => {
    folder = await testFolder();
    if ('unavailable' in program) return;
    const known = `{ user: "ada", password: "${PASSWORD}" }, { nkey: ${right.publicKey} }`;
    users = await startNatsServer({
      program,
      folder: join(folder.path, 'users'),
      configLines: `authorization: { users: [${known}] }`,
    });
    tokens = await startNatsServer({
      program,
      folder: join(folder.path, 'tokens'),
      configLines: `authorization: { token: "${TOKEN}" }`,
    });
    await writeFile(join(folder.path, 'right.nk'), right.seed, { mode: 0o600 });
    await writeFile(join(folder.path, 'wrong.nk'), wrong.seed, { mode: 0o600 });
    await writeFile(join(folder.path, 'broken.nk'), BROKEN_SEED, { mode: 0o600 });
  });
  afterAll(async () => {
    await users?.[Symbol.asyncDispose]();
    await tokens?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const url = (server: NatsServer, user: string) => `nats://${user}@${server.host}:${server.port}`;
  const seed = (name: string) => () => ({ servers: users.url, seedFile: join(folder.path, name) });
  const refused = /refused this user/;
  const ways: readonly Way[] = [
    {
      what: 'a password',
      complaint: null,
      access: () => ({ servers: url(users, `ada:${encodeURIComponent(PASSWORD)}`) }),
    },
    {
      what: 'a wrong password',
      complaint: refused,
      access: () => ({ servers: url(users, `ada:${encodeURIComponent(WRONG_PASSWORD)}`) }),
    },
    { what: 'a token', complaint: null, access: () => ({ servers: url(tokens, TOKEN) }) },
    { what: 'a wrong token', complaint: refused, access: () => ({ servers: url(tokens, WRONG_TOKEN) }) },
    { what: 'a seed', complaint: null, access: seed('right.nk') },
    { what: 'a wrong seed', complaint: refused, access: seed('wrong.nk') },
    { what: 'a broken seed', complaint: /it must hold a user's seed/, access: seed('broken.nk') },
    {
      what: 'two identities',
      complaint: /two identities/,
      access: () => ({ ...seed('right.nk')(), servers: url(users, `ada:${encodeURIComponent(PASSWORD)}`) }),
    },
  ];

  test.each(ways)('by a node with $what', async ({ complaint, access }) => {
    const { servers, seedFile } = access();
    // A node that has a snapshot of one server's history makes no stream on another.
    await using own = await testFolder();
    await using node = await spawnTestNode({
      folder: own,
      nodeLines: 'logLevel = "debug"',
      config: onePool([]),
      journal: {
        servers: [servers],
        cluster: CLUSTER,
        lines: seedFile === undefined ? '' : `nkeySeed = "${seedFile}"`,
      },
    });
    const isReady = async () => (await fetch(`${node.admin}/readyz`)).ok && (await node.status()).revision > 0;
    await eventually('it got in, or said why not', complaint === null ? isReady : saying(node.process, complaint));
    // One that waits for NATS answers as well; one whose access makes no sense has ended.
    const isUp = complaint === null || complaint === refused;
    if (isUp) await eventually('the admin API answers', async () => (await fetch(`${node.admin}/healthz`)).ok);
    const answers = isUp ? await answersOf(node) : [];
    await node.stop();
    const snapshot = await readFile(join(own.path, 'lb-1.snapshot'), 'utf8').catch(() => '');
    expect(secretsIn([...answers, node.process.output(), snapshot].join('\n'))).toEqual([]);
  });

  test.each(ways)('by muster agent with $what', async ({ complaint, access }) => {
    const { servers, seedFile } = access();
    const port = await freePort();
    const options = ['--pool', 'p', '--cluster', CLUSTER, '--id', 'a-1', '--target', `127.0.0.1:${port}`];
    const identity = seedFile === undefined ? [] : ['--nkey', seedFile];
    const command = ['--', process.execPath, SPELLS, '--port', `${port}`];
    await using agent = startProcess(MUSTER, ['agent', '--servers', servers, ...options, ...identity, ...command]);
    await eventually(
      'it got in, or said why not',
      saying(agent, complaint ?? /p\/a-1 is recorded, and no node says so/),
    );
    await agent.end('SIGTERM');
    expect(secretsIn(agent.output())).toEqual([]);
  });

  test.each(ways)('by a service that joins with $what', async ({ complaint, access }) => {
    const { servers, seedFile } = access();
    const args = ['--port', '0', '--name', 's-1', '--join', servers, '--cluster', CLUSTER, '--pool', 'p'];
    // It takes credentials only, and is given a file that is none.
    const identity = seedFile === undefined ? [] : ['--credentials', seedFile];
    await using service = startProcess(SPELLS, [...args, ...identity]);
    const expected = seedFile === undefined ? (complaint ?? /p\/s-1 is registered/) : /credentials|two identities/;
    await eventually('it got in, or said why not', saying(service, expected));
    await service.end('SIGTERM');
    expect(secretsIn(service.output())).toEqual([]);
  });
});

function newUser() {
  const pair = createUser();
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}

function saying({ output }: TestProcess, pattern: RegExp) {
  return () => pattern.test(output());
}

/** All that the admin API tells. */
async function answersOf({ admin, muster }: TestNode): Promise<string[]> {
  const routes = ['/v1/status', '/v1/roster', '/v1/events', '/metrics', '/readyz', '/openapi.json'];
  const answers = routes.map((route) => fetch(`${admin}${route}`).then((answer) => answer.text()));
  return [...(await Promise.all(answers)), (await muster('status')).output];
}

/** None, for a text that is there. */
function secretsIn(text: string): string[] {
  return text === '' ? ['nothing was said at all'] : SECRETS.filter((secret) => text.includes(secret));
}
