/**
 * A NATS server with an operator, whose accounts and users are JWTs, and `.creds` files for its users. The permissions, exports and
 * imports are those of the example config: what holds as lines of a config has to hold as claims.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startNatsServer, type NatsServer, type NatsServerProgram } from '@muster/nats-server';
import { createAccount, createOperator, createUser, type KeyPair } from '@nats-io/nkeys';
import { EXAMPLE, SECURED_CLUSTER as CLUSTER } from './nats-auth.ts';

const POOL_SUBJECTS = [`muster.${CLUSTER}.backend.spells.*`, `muster-live.${CLUSTER}.lease.spells.*`];
const NO_LIMITS = { subs: -1, data: -1, payload: -1 };
const ACCOUNT_LIMITS = { ...NO_LIMITS, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true };
const JETSTREAM_LIMITS = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

export interface CredentialedNats extends AsyncDisposable {
  readonly server: NatsServer;
  /** Path of the user's `.creds` file. */
  readonly credentials: Readonly<Record<'LB_1' | 'SPELLS', string>>;
}

export async function startCredentialedNats(program: NatsServerProgram, folder: string): Promise<CredentialedNats> {
  await mkdir(folder, { recursive: true });
  const example = await readFile(EXAMPLE, 'utf8');
  const operator = createOperator();
  const [system, muster, spells] = [createAccount(), createAccount(), createAccount()];
  const exported = POOL_SUBJECTS.map((subject) => ({ name: subject, subject, type: 'service' }));
  const imported = exported.map((service) => ({ ...service, account: muster.getPublicKey() }));
  const accounts = [
    [system, { limits: ACCOUNT_LIMITS }],
    [muster, { limits: { ...ACCOUNT_LIMITS, ...JETSTREAM_LIMITS }, exports: exported }],
    [spells, { limits: ACCOUNT_LIMITS, imports: imported }],
  ] as const;
  const preload = accounts.map(
    ([pair, claims]) => `${pair.getPublicKey()}: ${token(operator, pair, { type: 'account', ...claims })}`,
  );
  const configLines = `
    operator: ${token(operator, operator, { type: 'operator' })}
    system_account: ${system.getPublicKey()}
    resolver: MEMORY
    resolver_preload: { ${preload.join(', ')} }`;
  const credentialsOf = async (user: string, account: KeyPair) => {
    const pair = createUser();
    const claims = token(account, pair, { type: 'user', ...NO_LIMITS, ...permissionsOf(example, user) });
    const file = join(folder, `${user}.creds`);
    await writeFile(file, credentialsText(claims, new TextDecoder().decode(pair.getSeed())), { mode: 0o600 });
    return file;
  };
  const server = await startNatsServer({ program, folder: join(folder, 'server'), configLines });
  return {
    server,
    credentials: { LB_1: await credentialsOf('LB_1', muster), SPELLS: await credentialsOf('SPELLS', spells) },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** As claims, what the example gives to a user. */
function permissionsOf(example: string, user: string) {
  const lines = example.replaceAll(/^\s*#.*$/gm, '');
  const found = new RegExp(
    `nkey: \\$${user}, permissions: \\{\\s*publish: \\[([^\\]]*)\\]\\s*subscribe: \\[([^\\]]*)\\]`,
  );
  const [, publish, subscribe] = found.exec(lines) ?? [];
  if (publish === undefined || subscribe === undefined) throw new Error(`${EXAMPLE} has no permissions of ${user}`);
  const subjects = (list: string) => [...list.matchAll(/"([^"]+)"/g)].map(([, subject]) => subject);
  return { pub: { allow: subjects(publish) }, sub: { allow: subjects(subscribe) } };
}

function credentialsText(claims: string, seed: string): string {
  return `-----BEGIN NATS USER JWT-----
${claims}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;
}

function token(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const name = subject.getPublicKey();
  const header = part({ typ: 'JWT', alg: 'ed25519-nkey' });
  const claims = { jti: name, iat: 1, iss: issuer.getPublicKey(), name, sub: name, nats: { version: 2, ...nats } };
  const signed = `${header}.${part(claims)}`;
  return `${signed}.${Buffer.from(issuer.sign(new TextEncoder().encode(signed))).toString('base64url')}`;
}
