/**
 * The proxies that are measured, each one process pinned to one CPU, and the backend behind all of them. What is not
 * installed is left out with a line that says how to get it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startMusterWorker, type MusterWorkerOptions } from './muster-worker.ts';
import { backendArguments, haproxyArguments, nginxStreamArguments } from './proxy-configs.ts';

export const PROXY_CPU = '0';
export const CLIENT_CPU = '1';
/** Pins what it starts to the CPU after `-c`. */
export const PIN = 'taskset';
const START_TIMEOUT_MS = 10_000;

export interface Contender {
  readonly name: string;
  readonly port: number;
  /** Null for the direct way to the backend. */
  readonly pid: number | null;
}

interface Recipe {
  readonly command: string;
  readonly package: string;
  /** Arguments for a proxy that listens on `port`; may write files into `directory` first. */
  readonly arguments: (directory: string, port: number, backendPort: number) => Promise<string[]>;
}

const PIPE_PROCESS = fileURLToPath(new URL('pipe-process.ts', import.meta.url));

const recipes: Readonly<Record<string, Recipe>> = {
  haproxy: { command: 'haproxy', package: 'haproxy', arguments: haproxyArguments },
  nginx: { command: 'nginx', package: 'nginx libnginx-mod-stream', arguments: nginxStreamArguments },
  pipe: {
    command: process.execPath,
    package: 'node',
    arguments: (_directory, port, backendPort) => Promise.resolve([PIPE_PROCESS, `${port}`, `${backendPort}`]),
  },
};

/** Muster's own rows: by name, what differs from the worker that ships. */
export type MusterVariants = Readonly<Record<string, Pick<MusterWorkerOptions, 'checkout' | 'nodeOptions'>>>;

export interface OpenedContenders extends AsyncDisposable {
  readonly contenders: readonly Contender[];
}

/** Starts what `names` lists: a recipe, a key of `variants`, or `direct`. Throws for another name. */
export async function openContenders(names: readonly string[], variants: MusterVariants): Promise<OpenedContenders> {
  const known = [...Object.keys(recipes), ...Object.keys(variants), 'direct'];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`There is no contender "${unknown}"; there are ${known.join(', ')}.`);
  await requireTools();
  const group = new ContenderGroup(await mkdtemp(join(tmpdir(), 'muster-bench-')), variants);
  try {
    await group.startBackend();
    for (const name of names) await group.start(name);
  } catch (error) {
    await group[Symbol.asyncDispose]();
    throw error;
  }
  return group;
}

class ContenderGroup implements OpenedContenders {
  readonly contenders: Contender[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #directory: string;
  readonly #variants: MusterVariants;
  #backendPort = 0;

  constructor(directory: string, variants: MusterVariants) {
    this.#directory = directory;
    this.#variants = variants;
  }

  async startBackend(): Promise<void> {
    this.#backendPort = await freePort();
    const options = await backendArguments(this.#directory, this.#backendPort);
    await this.#spawn([PIN, '-c', CLIENT_CPU, 'nginx', ...options], this.#backendPort);
  }

  async start(name: string): Promise<void> {
    const port = name === 'direct' ? this.#backendPort : await freePort();
    const variant = this.#variants[name];
    const recipe = recipes[name];
    if (variant !== undefined) this.contenders.push({ name, port, pid: await this.#startWorker(port, variant) });
    else if (recipe === undefined) this.contenders.push({ name, port, pid: null });
    else if (await isInstalled(recipe.command)) {
      const options = await recipe.arguments(this.#directory, port, this.#backendPort);
      this.contenders.push({ name, port, pid: await this.#spawn(pinned(recipe.command, options), port) });
    } else console.log(`${name} is not installed and left out: apt-get install ${recipe.package}`);
  }

  async #startWorker(port: number, variant: MusterVariants[string]): Promise<number> {
    const runner = [PIN, '-c', PROXY_CPU] as const;
    const child = await startMusterWorker({ runner, port, backendPort: this.#backendPort, ...variant });
    this.#children.push(child);
    return child.pid!;
  }

  /** `taskset` replaces itself by the command, so the process id is the command's. */
  async #spawn([command, ...options]: readonly [string, ...string[]], port: number): Promise<number> {
    const child = spawn(command, options, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#children.push(child);
    await answering(port, command);
    return child.pid!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await rm(this.#directory, { recursive: true });
  }
}

function pinned(command: string, options: readonly string[]): [string, ...string[]] {
  return [PIN, '-c', PROXY_CPU, command, ...options];
}

async function requireTools(): Promise<void> {
  for (const [command, source] of [
    [PIN, 'util-linux'],
    ['wrk', 'wrk'],
    ['nginx', 'nginx'],
  ] as const) {
    if (!(await isInstalled(command))) {
      throw new Error(`${command} makes the load or answers it and is not installed: apt-get install ${source}`);
    }
  }
}

async function isInstalled(command: string): Promise<boolean> {
  if (command.startsWith('/')) return true;
  const directories = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin'];
  const found = await Promise.all(directories.map((directory) => exists(join(directory, command))));
  return found.includes(true);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function answering(port: number, command: string): Promise<void> {
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadlineMs) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen === true) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${command} did not listen on port ${port} within ${START_TIMEOUT_MS / 1_000} s`);
}
