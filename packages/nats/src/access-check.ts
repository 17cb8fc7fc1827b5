/**
 * An access turned into what the client library takes. Files are read anew for each connection, so that a certificate or a user that
 * was replaced on disk counts from the next one on.
 *
 * Whatever is wrong throws a `NatsAccessError` with one line. It names files and servers, and never what is in them.
 */
import { readFileSync } from 'node:fs';
import {
  createInbox,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
  type Authenticator,
  type TlsOptions,
} from '@nats-io/transport-node';
import { judgeSecretFile } from './secret-file.ts';
import { NatsAccessError, type NatsAccess } from './nats-access.ts';
import { parseServerUrl, type ServerAddress, type ServerUser } from './server-url.ts';

const SEED_PATTERN = /^SU[A-Z2-7]{56}$/m;

/** Null when it can be used now, else one line for people: what is wrong, and what to do. */
export function checkNatsAccess(access: NatsAccess): string | null {
  try {
    // The files are the same for every server.
    connectionFields(access, serverAddresses(access)[0]!);
    return null;
  } catch (error) {
    if (error instanceof NatsAccessError) return error.message;
    throw error;
  }
}

/** At least one. Refuses what contradicts itself. */
export function serverAddresses(access: NatsAccess): ServerAddress[] {
  const { servers, credentialsFile, nkeySeedFile, tls, inboxPrefix } = access;
  if (servers.length === 0) fail('no NATS server is given; give one, for example nats://127.0.0.1:4222');
  const addresses = servers.map((url, index) => {
    const what = `NATS server ${index + 1} of ${servers.length} is not a URL that NATS has`;
    return parseServerUrl(url) ?? fail(`${what}; give nats://HOST:PORT or tls://HOST:PORT`);
  });
  if (credentialsFile !== undefined && nkeySeedFile !== undefined) {
    fail(`two identities: the credentials ${credentialsFile} and the nkey seed ${nkeySeedFile}; give one of them`);
  }
  const file = credentialsFile ?? nkeySeedFile;
  const withUser = addresses.find(({ user }) => user !== null);
  if (file !== undefined && withUser !== undefined) {
    fail(`two identities: the file ${file} and the user in the URL of ${withUser.label}; give one of them`);
  }
  if ((tls?.certFile === undefined) !== (tls?.keyFile === undefined)) {
    const given = tls?.certFile ?? tls?.keyFile;
    fail(`the TLS file ${given} stands alone; a client certificate needs certFile and keyFile`);
  }
  if (inboxPrefix !== undefined && !isInboxPrefix(inboxPrefix)) {
    fail(
      `the inbox prefix ${JSON.stringify(inboxPrefix)} is not one; give one such as _INBOX_lb-1, which begins with _ and is without * and >`,
    );
  }
  return addresses;
}

interface ConnectionFields {
  readonly authenticator?: Authenticator;
  readonly tls?: TlsOptions;
}

/** Who connects, and how it is encrypted. */
export function connectionFields(access: NatsAccess, { user, requiresTls }: ServerAddress): ConnectionFields {
  const authenticator = authenticatorOf(access, user);
  const tls = access.tls === undefined ? (requiresTls ? {} : undefined) : tlsOptions(access.tls);
  // The client library fails on `tls: null`, and asks for TLS where there is an object.
  return { ...(authenticator !== null && { authenticator }), ...(tls !== undefined && { tls }) };
}

function authenticatorOf({ credentialsFile, nkeySeedFile }: NatsAccess, user: ServerUser | null): Authenticator | null {
  if (credentialsFile !== undefined) {
    const remedy = 'it must hold a user JWT and its seed, as `nsc generate creds` writes them';
    return proven(
      credsAuthenticator(readSecret(credentialsFile, 'credentials')),
      `the credentials ${credentialsFile}: ${remedy}`,
    );
  }
  if (nkeySeedFile !== undefined) {
    const seed = SEED_PATTERN.exec(new TextDecoder().decode(readSecret(nkeySeedFile, 'nkey seed')))?.[0] ?? '';
    const remedy = "it must hold a user's seed, SU…, on a line of its own";
    return proven(nkeyAuthenticator(new TextEncoder().encode(seed)), `the nkey seed ${nkeySeedFile}: ${remedy}`);
  }
  switch (user?.kind) {
    case 'password':
      return usernamePasswordAuthenticator(user.user, user.password);
    case 'token':
      return tokenAuthenticator(user.token);
    case undefined:
      return null;
  }
}

/** Signs once, since a seed or a file that is broken fails only then. What it throws may quote the file. */
function proven(authenticator: Authenticator, complaint: string): Authenticator {
  try {
    if (Object.values(authenticator('nonce') ?? {}).every((value) => value !== '')) return authenticator;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  return fail(complaint);
}

function tlsOptions({ caFile, certFile, keyFile }: NonNullable<NatsAccess['tls']>): TlsOptions {
  const text = (file: string) => new TextDecoder().decode(read(file, 'TLS file'));
  return {
    ...(caFile !== undefined && { ca: text(caFile) }),
    ...(certFile !== undefined && { cert: text(certFile) }),
    ...(keyFile !== undefined && { key: new TextDecoder().decode(readSecret(keyFile, 'TLS key')) }),
  };
}

/** As `read`, for a file that others may not read. */
function readSecret(file: string, kind: string): Uint8Array {
  const bytes = read(file, kind);
  const judged = judgeSecretFile(file);
  return judged.outcome === 'refused' ? fail(`the ${kind} ${file} ${judged.what}; ${judged.fix}`) : bytes;
}

/** The files of an access that hold secrets, and are open to everybody without being this user's to mend: a line for each. */
export function secretFileWarnings({ credentialsFile, nkeySeedFile, tls }: NatsAccess): string[] {
  const files = [credentialsFile, nkeySeedFile, tls?.keyFile].filter((file) => file !== undefined);
  return files.flatMap((file) => {
    const judged = judgeSecretFile(file);
    return judged.outcome === 'warned' ? [`${file} ${judged.what}; ${judged.fix}`] : [];
  });
}

function read(file: string, kind: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return fail(`the ${kind} ${file} cannot be read (${code}); create it, or let this user read it`);
  }
  return bytes.length > 0 ? bytes : fail(`the ${kind} ${file} is empty`);
}

function isInboxPrefix(prefix: string): boolean {
  try {
    // Nobody answers to other subjects: see the live wire.
    return prefix.startsWith('_') && createInbox(prefix) !== '';
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

function fail(message: string): never {
  throw new NatsAccessError(message);
}
