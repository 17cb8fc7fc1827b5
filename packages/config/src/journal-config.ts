/**
 * The `[journal]` table: which journal a node has, and how it is reached.
 *
 * The table is one flat set of keys in the file; which of them belong to which kind is judged here, so that a key of
 * another kind gets a line that says so. Servers may hold a password, and people paste a seed where a file is wanted:
 * no problem that is reported here quotes such a value.
 */
import { accessSync, constants } from 'node:fs';
import type { NatsAccess } from '@muster/nats';
import { judgeSecretFile } from '@muster/nats/secret-file';
import type { ConfigFile } from './config-schema.ts';
import type { Fault } from './config-problem.ts';

export type JournalConfig =
  /** One file, relative to the working directory. Default: `data/<node id>.journal`. */
  | { readonly kind: 'embedded'; readonly path: string }
  /** Gone when the process ends. */
  | { readonly kind: 'memory' }
  /** A NATS JetStream stream, shared by all nodes of the cluster. */
  | JetStreamConfig;

export interface JetStreamConfig {
  readonly kind: 'jetstream';
  /** Files in it are relative to the working directory. */
  readonly access: NatsAccess;
  /** Copies of the stream, 1, 3 or 5. Default 1. */
  readonly replicas: number;
  /** Whether the node makes the stream where nobody knows of an earlier one. Default true. */
  readonly makesStream: boolean;
  /** The stream refuses events beyond this size, in bytes; null (default): as the server limits it. */
  readonly streamBytesMax: number | null;
  /**
   * How long events stay, in hours; null (default): for ever. The log is only ever cut behind a snapshot, so that the present
   * state never becomes unreachable.
   */
  readonly retentionHours: number | null;
  /** How long the server remembers ids, in ms: the same id again within it is the same event. Default 120,000. */
  readonly duplicateWindowMs: number;
  /** File of the node's last snapshot, for a start while NATS is away. Default `data/<node id>.snapshot`. */
  readonly localSnapshotPath: string;
}

type JournalTable = ConfigFile['journal'];

/** The journal of the node `id`, and what is wrong with it. The config is meaningful only where `faults` is empty. */
export function journalConfig(
  table: JournalTable,
  id: string,
): { readonly config: JournalConfig; readonly faults: readonly Fault[] } {
  const faults = foreignKeys(table);
  switch (table.kind) {
    case 'memory':
      return { config: { kind: 'memory' }, faults };
    case 'embedded':
      return { config: { kind: 'embedded', path: table.path ?? `data/${id}.journal` }, faults };
    case 'jetstream':
      return { config: jetStreamConfig(table, id), faults: [...faults, ...accessFaults(table)] };
  }
}

function jetStreamConfig(table: JournalTable, id: string): JetStreamConfig {
  const { servers = [], credentials, nkeySeed, tls, inboxPrefix } = table;
  return {
    kind: 'jetstream',
    access: {
      servers,
      name: `muster:${id}`,
      ...(credentials !== undefined && { credentialsFile: credentials }),
      ...(nkeySeed !== undefined && { nkeySeedFile: nkeySeed }),
      ...(tls !== undefined && { tls: withoutUndefined(tls) }),
      ...(inboxPrefix !== undefined && { inboxPrefix }),
    },
    replicas: table.replicas ?? 1,
    makesStream: table.makeStream ?? true,
    streamBytesMax: table.streamBytesMax ?? null,
    retentionHours: table.retentionHours ?? null,
    duplicateWindowMs: table.duplicateWindowMs ?? 120_000,
    localSnapshotPath: table.localSnapshotPath ?? `data/${id}.snapshot`,
  };
}

function withoutUndefined({ caFile, certFile, keyFile }: NonNullable<JournalTable['tls']>): NatsAccess['tls'] & object {
  return {
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
  };
}

/** Which kind each key is for. `kind` and `cluster` go with all of them. */
const KIND_OF_KEY: Readonly<Record<Exclude<keyof JournalTable, 'kind' | 'cluster'>, JournalTable['kind']>> = {
  path: 'embedded',
  servers: 'jetstream',
  replicas: 'jetstream',
  credentials: 'jetstream',
  nkeySeed: 'jetstream',
  tls: 'jetstream',
  inboxPrefix: 'jetstream',
  makeStream: 'jetstream',
  streamBytesMax: 'jetstream',
  retentionHours: 'jetstream',
  duplicateWindowMs: 'jetstream',
  localSnapshotPath: 'jetstream',
};

function foreignKeys(table: JournalTable): Fault[] {
  return Object.entries(KIND_OF_KEY).flatMap(([key, kind]) => {
    if (table[key as keyof JournalTable] === undefined || kind === table.kind) return [];
    const what = `a journal of kind "${table.kind}" has no ${key}`;
    return [{ path: ['journal', key], what, fix: `remove it, or use kind = "${kind}"` }];
  });
}

function accessFaults(table: JournalTable): Fault[] {
  const { servers = [], credentials, nkeySeed, tls } = table;
  const faults: Fault[] = servers.flatMap((server, index) => {
    const wrong = serverFault(server);
    const what = `journal.servers[${index + 1}] ${wrong}`;
    return wrong === null
      ? []
      : [{ path: ['journal', 'servers', index], what, fix: 'give nats://HOST:PORT or tls://HOST:PORT' }];
  });
  if (servers.length === 0) {
    const what = 'a journal of kind "jetstream" needs servers';
    faults.push({ path: ['journal', 'servers'], what, fix: 'add servers = ["nats://127.0.0.1:4222"]' });
  }
  if (credentials !== undefined && nkeySeed !== undefined) {
    const what = 'journal has both credentials and nkeySeed';
    faults.push({ path: ['journal', 'nkeySeed'], what, fix: 'keep the one that the server knows' });
  }
  if ((tls?.certFile === undefined) !== (tls?.keyFile === undefined)) {
    const [given, absent] = tls?.certFile === undefined ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
    const what = `journal.tls has a ${given} and no ${absent}`;
    faults.push({ path: ['journal', 'tls', given], what, fix: `add ${absent}: a certificate and its key go together` });
  }
  return [...faults, ...fileFaults(table)];
}

/** What is wrong with a server, without a character of it; null for nothing. */
function serverFault(server: string): string | null {
  if (!server.includes('://')) return 'has no scheme';
  const url = URL.parse(server);
  if (url === null) return 'is not a URL';
  if (url.protocol !== 'nats:' && url.protocol !== 'tls:') return 'has a scheme that is neither nats nor tls';
  if (url.hostname === '') return 'names no host';
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '') return 'goes on after the port';
  return null;
}

/** An nkey's seed, or a `.creds` file's text, where its file's name should stand. */
const SECRET_ITSELF = /^\s*S[A-Z2-7]{40,}\s*$|-----BEGIN /;

function fileFaults({ credentials, nkeySeed, tls }: JournalTable): Fault[] {
  const files: readonly (readonly [path: Fault['path'], file: string | undefined])[] = [
    [['journal', 'credentials'], credentials],
    [['journal', 'nkeySeed'], nkeySeed],
    [['journal', 'tls', 'caFile'], tls?.caFile],
    [['journal', 'tls', 'certFile'], tls?.certFile],
    [['journal', 'tls', 'keyFile'], tls?.keyFile],
  ];
  return files.flatMap(([path, file]) => {
    const isSecret = !['caFile', 'certFile'].includes(String(path.at(-1)));
    const wrong = file === undefined ? null : fileFault(file, isSecret);
    return wrong === null ? [] : [{ path, what: `${path.join('.')} ${wrong.what}`, fix: wrong.fix }];
  });
}

function fileFault(file: string, isSecret: boolean): Pick<Fault, 'what' | 'fix'> | null {
  if (SECRET_ITSELF.test(file)) {
    return { what: 'is the secret itself', fix: 'put it into a file that only this user can read, and name the file' };
  }
  try {
    accessSync(file, constants.R_OK);
    const judged = isSecret ? judgeSecretFile(file) : null;
    return judged?.outcome === 'refused' ? { what: `names a file that ${judged.what}`, fix: judged.fix } : null;
  } catch (error) {
    const what = `names a file that cannot be read: ${JSON.stringify(file.slice(0, 80))} (${(error as NodeJS.ErrnoException).code})`;
    return { what, fix: 'check the path, which is relative to the working directory, and its permissions' };
  }
}
