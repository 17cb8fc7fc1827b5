/**
 * How one node runs: what of the config is not about the roster, with its defaults filled in.
 *
 * The admin token is read from the environment or from a file, never from the config itself, which people copy around.
 */
import { readFileSync } from 'node:fs';
import { isIP, isIPv6 } from 'node:net';
import { availableParallelism, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { isLoopbackHost, parseBind } from '@muster/membership';
import { judgeSecretFile } from '@muster/nats/secret-file';
import { parseTargetRule, type ResolverSettings, TARGET_RULE_FORM, type TargetPolicy } from '@muster/transport';
import type { ConfigFile, LOG_LEVELS } from './config-schema.ts';
import type { Fault } from './config-problem.ts';
import { journalConfig, type JournalConfig } from './journal-config.ts';
import { nodeSettings, type NodeSettings } from './node-settings.ts';

export interface NodeConfig {
  /** Default: the host's name, made to fit `[a-z0-9-]{1,64}`. */
  readonly id: string;
  /** From `[node]` or `[journal]`. Default: `default`. */
  readonly cluster: string;
  /** Proxy processes. Default: one per core. */
  readonly workers: number;
  /** HOST:PORT of the admin API, default 127.0.0.1:9900; null: there is none. */
  readonly admin: string | null;
  /** What the admin API asks for; null on a loopback address without one. */
  readonly adminToken: string | null;
  /** Whether the admin API answers requests that came through a proxy; only with a token. Default false. */
  readonly isAdminBehindProxy: boolean;
  /** Which targets it dials. With a journal of its own: all; with a shared one: none that is near the node, unless allowed. */
  readonly targets: TargetPolicy;
  /** Open connections per worker; further ones are refused. Default 32,768. */
  readonly maxConnections: number;
  /** How long open connections may finish at shutdown, in ms. Default 30,000. */
  readonly drainTimeoutMs: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly journal: JournalConfig;
  /** Null: none are kept. */
  readonly observations: ObservationsConfig | null;
  /** How host names are looked up, by this process and by its workers. */
  readonly resolver: Partial<ResolverSettings>;
  /** Absolute: the folder of the config file, to which the filters of listeners are relative. */
  readonly configFolder: string;
  /** For people: what is allowed, and should be looked at. */
  readonly warnings: readonly string[];
  /** What it was told, as the file has it; the status shows it. */
  readonly settings: NodeSettings;
}

const DEFAULT_CLUSTER = 'default';
const PROXY_WITHOUT_TOKEN: Fault = {
  path: ['node', 'adminBehindProxy'],
  what: 'adminBehindProxy is true and there is no token, so whoever reaches the proxy would be administrator',
  fix: 'add adminTokenFile, or set MUSTER_ADMIN_TOKEN',
};

export interface NodeEnvironment {
  readonly MUSTER_ADMIN_TOKEN?: string | undefined;
}

/** A node's config, and what is wrong with it. The config is meaningful only where `faults` is empty. */
export function nodeConfig(
  { node, journal, observations, resolver }: Pick<ConfigFile, 'node' | 'journal' | 'observations' | 'resolver'>,
  { environment, configFolder }: { readonly environment: NodeEnvironment; readonly configFolder: string },
): { readonly config: NodeConfig; readonly faults: readonly Fault[] } {
  const id = node.id ?? hostNodeId(hostname());
  const faults: Fault[] = [];
  const warnings: string[] = [];
  const adminToken = readToken(node.adminTokenFile, environment, { faults, warnings });
  const admin = node.admin === false ? null : node.admin;
  faults.push(...adminFaults(admin, adminToken));
  if (node.adminBehindProxy === true && adminToken === null) faults.push(PROXY_WITHOUT_TOKEN);
  const { config: ownJournal, faults: journalFaults } = journalConfig(journal, id);
  const { config: kept, faults: keptFaults } = observationsConfig(observations, { id, journal: ownJournal });
  const { config: ownResolver, faults: resolverFaults } = resolverConfig(resolver);
  faults.push(...resolverFaults, ...journalFaults, ...clusterFaults(node.cluster, journal.cluster), ...keptFaults);
  const isShared = ownJournal.kind === 'jetstream';
  const { config: targets, faults: targetFaults } = targetPolicyConfig(node.targets ?? {}, { isShared });
  faults.push(...targetFaults);
  const config: NodeConfig = {
    id,
    cluster: node.cluster ?? journal.cluster ?? DEFAULT_CLUSTER,
    workers: node.workers ?? availableParallelism(),
    admin,
    adminToken,
    isAdminBehindProxy: node.adminBehindProxy === true,
    targets,
    maxConnections: node.maxConnections,
    drainTimeoutMs: node.drainTimeoutMs,
    logLevel: node.logLevel,
    journal: ownJournal,
    observations: kept,
    resolver: ownResolver,
    configFolder,
    warnings,
    settings: nodeSettings({ node, journal, observations, resolver }),
  };
  return { config, faults };
}

/** `lb-1.example.com` becomes `lb-1-example-com`; `node` where nothing is left. */
export function hostNodeId(host: string): string {
  const id = host
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64);
  return id === '' ? 'node' : id;
}

const TOKEN_PATTERN = /^[\x21-\x7e]{1,1024}$/;

interface Found {
  readonly faults: Fault[];
  readonly warnings: string[];
}

function readToken(file: string | undefined, environment: NodeEnvironment, { faults, warnings }: Found): string | null {
  const fromEnvironment = environment.MUSTER_ADMIN_TOKEN ?? '';
  if (fromEnvironment !== '') return checkToken(fromEnvironment, { name: 'MUSTER_ADMIN_TOKEN', faults });
  if (file === undefined) return null;
  try {
    const judged = judgeSecretFile(file);
    const what = judged.outcome === 'fine' ? '' : `the token file ${file} ${judged.what}`;
    if (judged.outcome === 'refused') faults.push({ path: ['node', 'adminTokenFile'], what, fix: judged.fix });
    if (judged.outcome === 'warned') warnings.push(`${what}; ${judged.fix}`);
    return checkToken(readFileSync(file, 'utf8').trim(), { name: file, faults });
  } catch (error) {
    const what = `the token file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
    faults.push({ path: ['node', 'adminTokenFile'], what, fix: 'create it, or set MUSTER_ADMIN_TOKEN' });
    return null;
  }
}

function checkToken(token: string, { name, faults }: { name: string; faults: Fault[] }): string | null {
  if (TOKEN_PATTERN.test(token)) return token;
  const what = `the token in ${name} cannot be sent in a header`;
  faults.push({ path: ['node', 'adminTokenFile'], what, fix: 'use 1 to 1,024 printable ASCII characters, no spaces' });
  return null;
}

/** The cluster may stand in either table, since the stream is named after it; in both it must be the same. */
function clusterFaults(ofNode: string | undefined, ofJournal: string | undefined): Fault[] {
  if (ofNode === undefined || ofJournal === undefined || ofNode === ofJournal) return [];
  const what = `journal.cluster is "${ofJournal}", and node.cluster is "${ofNode}"`;
  return [{ path: ['journal', 'cluster'], what, fix: 'a node is of one cluster: give it once' }];
}

function adminFaults(admin: string | null, token: string | null): Fault[] {
  const address = admin === null ? null : parseBind(admin);
  if (address === null) return [];
  const path = ['node', 'admin'];
  if (address.kind === 'unix') return [{ path, what: `admin is ${admin}`, fix: 'give HOST:PORT' }];
  if (token !== null || isLoopbackHost(address.host)) return [];
  const what = `the admin API on ${admin} can be reached from other machines, so it needs a token`;
  return [{ path, what, fix: 'set MUSTER_ADMIN_TOKEN or adminTokenFile, or bind it to 127.0.0.1' }];
}

/**
 * The `[node.targets]` table: which targets this node dials. It is the node's own and no event: whoever may publish a backend must not be
 * able to change it. (`[[targets]]` is something else, the short form of a config.)
 */
function targetPolicyConfig(
  { allow = [], only, deny = [] }: NonNullable<ConfigFile['node']['targets']>,
  { isShared }: { readonly isShared: boolean },
): { readonly config: TargetPolicy; readonly faults: readonly Fault[] } {
  const faults = Object.entries({ allow, only: only ?? [], deny }).flatMap(([list, rules]) =>
    rules.flatMap((rule, index): Fault[] => {
      if (parseTargetRule(rule) !== null) return [];
      const what = `node.targets.${list}[${index + 1}] is ${JSON.stringify(rule)}, which is no rule`;
      return [{ path: ['node', 'targets', list, index], what, fix: TARGET_RULE_FORM }];
    }),
  );
  return { config: { allow, only: only ?? null, deny, isNearGuarded: isShared }, faults };
}

/** The `[resolver]` table: how the node's processes look up host names. What is left out is as `RESOLVER_DEFAULTS` says. */
function resolverConfig(table: ConfigFile['resolver']): {
  readonly config: Partial<ResolverSettings>;
  readonly faults: readonly Fault[];
} {
  const faults: Fault[] = (table.servers ?? []).flatMap((server, index) =>
    isServerAddress(server)
      ? []
      : [
          {
            path: ['resolver', 'servers', index],
            what: `"${server}" is no address of a name server`,
            fix: 'write IP, IP:PORT or [IPV6]:PORT, for example "10.96.0.10"',
          },
        ],
  );
  const { minTtlMs, maxTtlMs } = table;
  if (minTtlMs !== undefined && maxTtlMs !== undefined && minTtlMs > maxTtlMs) {
    const what = `minTtlMs (${minTtlMs}) is more than maxTtlMs (${maxTtlMs})`;
    faults.push({ path: ['resolver', 'minTtlMs'], what, fix: 'an answer cannot be kept for at least the longer time' });
  }
  // What was left out of the table is no key of it, so it overrides no default.
  return { config: table as Partial<ResolverSettings>, faults };
}

function isServerAddress(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):([1-9]\d{0,4})$/.exec(text);
  if (parts === null) return false;
  const [, six, four, port] = parts;
  return Number(port) <= 65_535 && (six === undefined ? isIP(four!) === 4 : isIPv6(six));
}

interface ObservationsConfig {
  /** A folder of their own, relative to the working directory. */
  readonly path: string;
  /** Older ones are removed; 1 to 8,760. */
  readonly hoursMax: number;
  /** The oldest are removed beyond this size; 16 MiB or more. */
  readonly bytesMax: number;
}

const MEBIBYTE = 1_048_576;

/**
 * The `[observations]` table. By default observations lie beside what the node keeps anyway, its journal or its last snapshot. A node
 * with a journal in memory keeps nothing on its disk, and so no observations either, unless it is told where. Null: none are kept.
 */
function observationsConfig(
  { enabled, path, hours, maxMebibytes }: ConfigFile['observations'],
  { id, journal }: { readonly id: string; readonly journal: JournalConfig },
): { readonly config: ObservationsConfig | null; readonly faults: readonly Fault[] } {
  const folder = path ?? defaultFolder(id, journal);
  if (enabled === true && folder === null) {
    const what = 'observations are enabled, and a node with a journal in memory has no place for them';
    return { config: null, faults: [{ path: ['observations', 'enabled'], what, fix: 'add path = "FOLDER"' }] };
  }
  if (enabled === false || folder === null) return { config: null, faults: [] };
  return { config: { path: folder, hoursMax: hours, bytesMax: maxMebibytes * MEBIBYTE }, faults: [] };
}

function defaultFolder(id: string, journal: JournalConfig): string | null {
  switch (journal.kind) {
    case 'memory':
      return null;
    case 'embedded':
      return join(dirname(journal.path), `${id}.observations`);
    case 'jetstream':
      return join(dirname(journal.localSnapshotPath), `${id}.observations`);
  }
}
