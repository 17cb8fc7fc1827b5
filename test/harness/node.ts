/**
 * A Muster node as its users run it: `muster up -c FILE` in a process of its own, spoken to over the admin API and the
 * command line, with all ports chosen by the kernel.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandOutcome, NodeStatus } from '@muster/actors';
import type { CommandInput } from '@muster/membership';
import { freePorts } from '@muster/nats-server';
import {
  eventually,
  runProcess,
  startProcess,
  type Finished,
  type StartOptions,
  type TestProcess,
} from './processes/process.ts';

const MUSTER = fileURLToPath(new URL('../../services/muster/bin/muster.mjs', import.meta.url));

export interface NodeOptions {
  /** What follows `[node]` and `[journal]` in the config: pools and listeners. */
  readonly config?: string;
  /** Default 1. */
  readonly workers?: number;
  /** A folder from an earlier `TestFolder`, to start again on the same journal. */
  readonly folder: TestFolder;
  /** Lines for the `[node]` table. */
  readonly nodeLines?: string;
  /** Several nodes may live in one folder. Default `lb-1`. */
  readonly id?: string;
  /** A journal on NATS. Default: an embedded one in the folder. */
  readonly journal?: JetStreamOptions;
  /** Whether it is told that its cluster is new, which saves it the time to listen for others. Default false. */
  readonly newCluster?: boolean;
  /** Further variables of its environment; what `muster` runs has them too. */
  readonly env?: Record<string, string>;
  /** Where its log goes, as for `startProcess`. */
  readonly stdout?: StartOptions['stdout'];
  /** A network of its own to run in. Default: this one. */
  readonly place?: NodePlace;
}

/** Where a node runs, if not in this network. */
export interface NodePlace {
  /** Put in front of the command. */
  readonly prefix: readonly string[];
  /** A port of this network's loopback that leads to one of that network's. */
  reach(port: number): Promise<number>;
}

export interface JetStreamOptions {
  readonly servers: readonly string[];
  readonly cluster: string;
  /** Default 1. */
  readonly replicas?: number;
  /** Further lines of the `[journal]` table. */
  readonly lines?: string;
}

/**
 * A config of one pool "p" with backends b-1, b-2, … at these targets, and a listener "front" on a port of the kernel's
 * choice. `poolLines` and `listenerLines` are further lines of their tables.
 */
export function onePool(targets: readonly string[], { poolLines = '', listenerLines = '', port = 0 } = {}): string {
  const backends = targets.map((target, index) => `{ id = "b-${index + 1}", target = "${target}" }`);
  return `
[[pools]]
id = "p"
${poolLines}
backends = [${backends.join(', ')}]
[[listeners]]
id = "front"
bind = "127.0.0.1:${port}"
pool = "p"
${listenerLines}`;
}

/** The same with a listener that speaks HTTP. */
export function oneHttpPool(
  targets: readonly string[],
  { listenerLines = '', ...options }: Parameters<typeof onePool>[1] = {},
): string {
  return onePool(targets, { ...options, listenerLines: `protocol = "http"\n${listenerLines}` });
}

export interface TestNode extends AsyncDisposable {
  readonly process: TestProcess;
  readonly admin: string;
  status(): Promise<NodeStatus>;
  command(command: CommandInput): Promise<CommandOutcome>;
  /** Where a listener is bound, once it listens. */
  address(listener: string): Promise<{ host: string; port: number }>;
  /** Runs the command line against this node. */
  muster(...args: string[]): Promise<Finished>;
  /** Process ids of the workers that serve. */
  workerPids(): Promise<number[]>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
}

export interface TestFolder extends AsyncDisposable {
  readonly path: string;
}

export async function testFolder(): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), 'muster-test-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** A port that was free a moment ago, and that the kernel hands to no outgoing connection in the meantime. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1, '127.0.0.1');
  return port!;
}

/** Starts a node and waits until it is ready to serve. */
export async function startTestNode(options: NodeOptions): Promise<TestNode> {
  const node = await spawnTestNode(options);
  const isReady = eventually('the node serves', async () => {
    // Its NodeStarted is recorded, so that a hash read from now on changes only by what the test does.
    return (await fetch(`${node.admin}/readyz`)).ok && (await node.status()).revision > 0;
  });
  const hasEnded = node.process.exited().then((code) => Promise.reject(new Error(`it exited with ${code}`)));
  await Promise.race([isReady, hasEnded]).catch(async (error: unknown) => {
    const output = node.process.output();
    await node[Symbol.asyncDispose]();
    throw new Error(`the node did not become ready:\n${output}`, { cause: error });
  });
  isReady.catch(() => undefined);
  hasEnded.catch(() => undefined);
  return node;
}

/** Starts a node and does not wait for it. */
export async function spawnTestNode(options: NodeOptions): Promise<TestNode> {
  const adminPort = await freePort();
  const { env = {}, place = HERE, stdout, newCluster = false } = options;
  const admin = `http://127.0.0.1:${await place.reach(adminPort)}`;
  const file = join(options.folder.path, `${options.id ?? 'lb-1'}.toml`);
  await writeFile(file, configText(options, adminPort));
  const started = startProcess(MUSTER, ['up', ...(newCluster ? ['--new-cluster'] : []), '-c', file], {
    cwd: options.folder.path,
    prefix: place.prefix,
    env,
    ...(stdout !== undefined && { stdout }),
  });
  return testNode(started, admin, { env, place });
}

const HERE: NodePlace = { prefix: [], reach: (port) => Promise.resolve(port) };

function configText(options: NodeOptions, adminPort: number): string {
  const { config = '', workers = 1, nodeLines = '', id = 'lb-1', journal } = options;
  return `
[node]
id = "${id}"
workers = ${workers}
admin = "127.0.0.1:${adminPort}"
${nodeLines}
${journal === undefined ? '' : NEAR_TARGETS}
[journal]
${journalLines(options.journal, id)}
${config}`;
}

/** The backends of tests are on this machine, which publishers of a shared journal may not name by default. */
const NEAR_TARGETS = 'targets = { allow = ["127.0.0.0/8", "::1", "unix:/"] }';

function journalLines(journal: JetStreamOptions | undefined, id: string): string {
  if (journal === undefined) return `kind = "embedded"\npath = "${id}.journal"`;
  const { servers, cluster, replicas = 1, lines = '' } = journal;
  return `kind = "jetstream"
servers = ${JSON.stringify(servers)}
cluster = "${cluster}"
replicas = ${replicas}
localSnapshotPath = "${id}.snapshot"
${lines}`;
}

function testNode(
  started: TestProcess,
  admin: string,
  { env, place }: Required<Pick<NodeOptions, 'env' | 'place'>>,
): TestNode {
  const status = async () => (await fetchJson(`${admin}/v1/status`)) as NodeStatus;
  return {
    process: started,
    admin,
    status,
    command: async (command) => {
      const answer = await fetch(`${admin}/v1/commands`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'muster-origin': 'test' },
        body: JSON.stringify(command),
      });
      return (await answer.json()) as CommandOutcome;
    },
    address: async (listener) => {
      const [host, port] = await eventually(`listener ${listener} listens`, async () => {
        const found = (await status()).listeners.find(({ id, state }) => id === listener && state === 'listening');
        return found?.boundAddress?.split(':');
      });
      return { host: host!, port: await place.reach(Number(port)) };
    },
    muster: (...args) => runProcess(MUSTER, ['--admin', admin, ...args], { env }),
    workerPids: async () => {
      const { workers } = await status();
      return workers.flatMap(({ state, pid }) => (state === 'serving' && pid !== null ? [pid] : []));
    },
    stop: () => started.end('SIGTERM'),
    [Symbol.asyncDispose]: () => started[Symbol.asyncDispose](),
  };
}

async function fetchJson(url: string): Promise<unknown> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
