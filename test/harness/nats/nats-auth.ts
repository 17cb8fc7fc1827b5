/**
 * A NATS server with the accounts and permissions of `services/muster/examples/nats/permissions.conf`: what the documentation
 * tells people to copy is what the tests run. Only who the users are is put in: keys, or passwords, made for each server.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startNatsServer, type NatsServer, type NatsServerProgram } from '@muster/nats-server';
import type { NatsAccess } from '@muster/nats';
import { createUser } from '@nats-io/nkeys';
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { NATS_CERTIFICATE, NATS_KEY } from './nats-certificate.ts';

/** The config that people copy. */
export const EXAMPLE = fileURLToPath(
  new URL('../../../services/muster/examples/nats/permissions.conf', import.meta.url),
);

/** The cluster that the example is for. */
export const SECURED_CLUSTER = 'demo';

/** The example's users, each with the prefix of the inboxes that it may hear. */
const INBOX_BY_USER = {
  ADMIN: '_INBOX',
  LB_1: '_INBOX_lb-1',
  LB_2: '_INBOX_lb-2',
  SPELLS: '_INBOX_spells',
  DEBUGGER: '_INBOX_debugger',
} as const;
export type NatsUser = keyof typeof INBOX_BY_USER;

export interface SecuredNatsOptions {
  readonly program: NatsServerProgram;
  readonly folder: string;
  /** Default `nkey`. */
  readonly identity?: 'nkey' | 'password';
  /** TLS, and nobody without a certificate gets in. Default: none. */
  readonly withTls?: boolean;
}

export interface SecuredNats extends AsyncDisposable {
  readonly server: NatsServer;
  /** With a password in the URL, or with the file of a seed. */
  access(user: NatsUser): NatsAccess & { readonly inboxPrefix: string };
  /** The same as lines of a node's `[journal]` table, `servers` aside. */
  journalLines(user: NatsUser): string;
  /** As the documentation says it, by nkey only: another key for the user in the server's config, and its seed in the same file. */
  rotate(user: NatsUser): Promise<void>;
  /** The client library alone: none of our code stands between the test and the server. */
  connect(user: NatsUser): Promise<NatsConnection>;
}

export async function startSecuredNats(options: SecuredNatsOptions): Promise<SecuredNats> {
  const { program, folder, identity = 'nkey', withTls = false } = options;
  await mkdir(folder, { recursive: true });
  const secrets = new Map<NatsUser, string>();
  let lines = await readFile(EXAMPLE, 'utf8');
  for (const user of Object.keys(INBOX_BY_USER) as NatsUser[]) {
    const pair = createUser();
    const seed = new TextDecoder().decode(pair.getSeed());
    const isNkey = identity === 'nkey';
    const secret = isNkey ? seed : `word-${seed.slice(-20)}`;
    secrets.set(user, secret);
    await writeFile(join(folder, `${user}.nk`), `${secret}\n`, { mode: 0o600 });
    lines = isNkey
      ? withKey(lines, user, pair.getPublicKey())
      : replaced(
          replaced(lines, new RegExp(`^${user}: .*$`, 'm'), ''),
          `nkey: $${user}`,
          `user: ${user}, password: "${secret}"`,
        );
  }
  const tls = withTls ? await tlsFiles(folder) : undefined;
  if (tls !== undefined) {
    lines += `tls: { cert_file: "${tls.certFile}", key_file: "${tls.keyFile}", ca_file: "${tls.caFile}", verify: true }\n`;
  }
  const server = await startNatsServer({ program, folder: join(folder, 'server'), configLines: lines });
  const place = `${server.host}:${server.port}`;
  const scheme = withTls ? 'tls' : 'nats';
  const access = (user: NatsUser) => ({
    servers: [identity === 'nkey' ? `${scheme}://${place}` : `${scheme}://${user}:${secrets.get(user)}@${place}`],
    name: `test:${user}`,
    inboxPrefix: INBOX_BY_USER[user],
    ...(identity === 'nkey' && { nkeySeedFile: join(folder, `${user}.nk`) }),
    ...(tls !== undefined && { tls }),
  });
  return {
    server,
    access,
    journalLines: (user) => journalLines(access(user)),
    rotate: async (user) => {
      const pair = createUser();
      const seed = new TextDecoder().decode(pair.getSeed());
      secrets.set(user, seed);
      await writeFile(join(folder, `${user}.nk`), `${seed}\n`, { mode: 0o600 });
      const config = join(folder, 'server', 'nats.conf');
      await writeFile(config, withKey(await readFile(config, 'utf8'), user, pair.getPublicKey()));
      process.kill(server.pid, 'SIGHUP');
    },
    connect: (user) =>
      connect({
        servers: [place],
        inboxPrefix: INBOX_BY_USER[user],
        ...(identity === 'nkey'
          ? { authenticator: nkeyAuthenticator(new TextEncoder().encode(secrets.get(user))) }
          : { user, pass: secrets.get(user)! }),
        ...(tls !== undefined && { tls }),
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function journalLines({ inboxPrefix, nkeySeedFile, tls }: NatsAccess): string {
  return [
    `inboxPrefix = ${JSON.stringify(inboxPrefix)}`,
    ...(nkeySeedFile === undefined ? [] : [`nkeySeed = ${JSON.stringify(nkeySeedFile)}`]),
    ...Object.entries(tls ?? {}).map(([key, file]) => `tls.${key} = ${JSON.stringify(file)}`),
  ].join('\n');
}

async function tlsFiles(folder: string) {
  const [certFile, keyFile] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  await writeFile(certFile, NATS_CERTIFICATE);
  await writeFile(keyFile, NATS_KEY, { mode: 0o600 });
  return { caFile: certFile, certFile, keyFile };
}

function withKey(lines: string, user: NatsUser, publicKey: string): string {
  return replaced(lines, new RegExp(`^${user}: .*$`, 'm'), `${user}: ${publicKey}`);
}

/** The example and this file belong together: what is to be replaced must be there. */
function replaced(text: string, pattern: RegExp | string, by: string): string {
  const result = text.replace(pattern, () => by);
  if (result === text) throw new Error(`${EXAMPLE} has no ${String(pattern)}`);
  return result;
}
