/** The executable's command line: what it may say, and what is refused in one line. */

import { parseArgs } from 'node:util';

export const USAGE = `usage: main.ts [--port 8001] [--host 127.0.0.1] [--name spells-<port>]
       [--join nats://HOST:PORT[,…] [--pool spells] [--id <name>] [--cluster default] [--advertise HOST:PORT]
       [--credentials FILE | --nkey FILE] [--inbox-prefix _INBOX] [--tls-ca FILE]]`;

export interface Arguments {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  /** Null: it is no member of anything. */
  readonly membership: MembershipArguments | null;
}

export interface MembershipArguments {
  /** URLs of NATS servers, with commas between them. */
  readonly servers: string;
  readonly cluster: string;
  readonly pool: string;
  readonly id: string;
  /** Where the nodes reach it; null: where it listens. */
  readonly target: string | null;
  /** As whom, and how, NATS is reached; see `NatsAccess`. */
  readonly access: {
    readonly credentialsFile?: string;
    readonly nkeySeedFile?: string;
    readonly inboxPrefix?: string;
    readonly tls?: { readonly caFile: string };
  };
}

/** Throws an error whose message is the line to print. What only the server can judge, it is left to judge. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '8001' },
      host: { type: 'string', default: '127.0.0.1' },
      name: { type: 'string' },
      join: { type: 'string' },
      pool: { type: 'string', default: 'spells' },
      id: { type: 'string' },
      cluster: { type: 'string', default: 'default' },
      advertise: { type: 'string' },
      credentials: { type: 'string' },
      nkey: { type: 'string' },
      'inbox-prefix': { type: 'string' },
      'tls-ca': { type: 'string' },
    },
  });
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65_535) throw new Error(`--port must be 0–65535, not ${values.port}`);
  const name = values.name ?? `spells-${port}`;
  if (!/^[\x21-\x7e]{1,64}$/.test(name)) throw new Error('--name must be 1–64 printable characters without spaces');
  const { join: servers, pool, id = name, cluster, advertise: target = null } = values;
  const { credentials, nkey, 'inbox-prefix': inboxPrefix, 'tls-ca': caFile } = values;
  const access = {
    ...(credentials !== undefined && { credentialsFile: credentials }),
    ...(nkey !== undefined && { nkeySeedFile: nkey }),
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    ...(caFile !== undefined && { tls: { caFile } }),
  };
  const membership = servers === undefined ? null : { servers, cluster, pool, id, target, access };
  if (membership !== null && target === null && isWildcard(values.host)) {
    throw new Error(`--host ${values.host} is every address; say with --advertise HOST:PORT where the nodes reach it`);
  }
  return { host: values.host, port, name, membership };
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
