/**
 * The proxies that are measured, each one process pinned to one CPU, and the backend behind all of them. What is not
 * installed, or does not start as it is installed, is left out with a line that says how to get it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backendArguments } from './backend-config.ts';
import { startMusterWorker, type MusterWorkerOptions } from './muster-worker.ts';

const PROXY_CPU = '0';
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

/** Where a proxy is started: it listens on `port`, and may have files in `directory`. */
export interface RecipePlace {
  readonly directory: string;
  readonly port: number;
  readonly backendPort: number;
}

/** How to start one of the other proxies. */
export interface Recipe {
  readonly command: string;
  readonly package: string;
  /** Its arguments; may write files first. */
  readonly arguments: (place: RecipePlace) => Promise<string[]>;
}

/** A proxy in a file of this folder, which is told its port and the backend's. */
export function nodeRecipe(file: string): Recipe {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const toArguments = ({ port, backendPort }: RecipePlace) => Promise.resolve([path, `${port}`, `${backendPort}`]);
  return { command: process.execPath, package: 'node', arguments: toArguments };
}

/** Muster's own rows: by name, what differs from the worker that ships. */
export type MusterVariants = Readonly<
  Record<string, Pick<MusterWorkerOptions, 'checkout' | 'nodeOptions' | 'isRecording'>>
>;

/** Who may be measured side by side. */
export interface ContenderField {
  readonly protocol: MusterWorkerOptions['protocol'];
  readonly recipes: Readonly<Record<string, Recipe>>;
  readonly variants: MusterVariants;
}

/** The worker that ships as `muster`, and what the command line adds to it. */
export function musterVariants(values: {
  readonly checkout?: string | undefined;
  readonly 'node-options'?: string | undefined;
  readonly record?: boolean | undefined;
}): MusterVariants {
  const { checkout, 'node-options': nodeOptions } = values;
  return {
    muster: {},
    ...(checkout !== undefined && { before: { checkout } }),
    ...(values.record === true && { recorded: { isRecording: true } }),
    ...(nodeOptions !== undefined && { options: { nodeOptions: nodeOptions.split(' ') } }),
  };
}

export interface OpenedContenders extends AsyncDisposable {
  readonly contenders: readonly Contender[];
}

/** Starts what `names` lists: a recipe, a variant, or `direct`. Throws for another name. */
export async function openContenders(names: readonly string[], field: ContenderField): Promise<OpenedContenders> {
  const known = [...Object.keys(field.recipes), ...Object.keys(field.variants), 'direct'];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`There is no contender "${unknown}"; there are ${known.join(', ')}.`);
  await requireTools();
  const group = new ContenderGroup(await mkdtemp(join(tmpdir(), 'muster-bench-')), field);
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
  readonly #field: ContenderField;
  #backendPort = 0;

  constructor(directory: string, field: ContenderField) {
    this.#directory = directory;
    this.#field = field;
  }

  async startBackend(): Promise<void> {
    this.#backendPort = await freePort();
    const options = await backendArguments(this.#directory, this.#backendPort);
    await this.#spawn([PIN, '-c', CLIENT_CPU, 'nginx', ...options], this.#backendPort);
  }

  async start(name: string): Promise<void> {
    const port = name === 'direct' ? this.#backendPort : await freePort();
    const variant = this.#field.variants[name];
    const recipe = this.#field.recipes[name];
    if (variant !== undefined) this.contenders.push({ name, port, pid: await this.#startWorker(port, variant) });
    else if (recipe === undefined) this.contenders.push({ name, port, pid: null });
    else if (await isInstalled(recipe.command)) {
      const place = { directory: this.#directory, port, backendPort: this.#backendPort };
      const options = await recipe.arguments(place);
      try {
        this.contenders.push({ name, port, pid: await this.#spawn(pinned(recipe.command, options), port) });
      } catch (error) {
        // It has said why on stderr: a module that is missing, such as nginx's stream module, or an older version.
        console.log(`${name} is left out: ${(error as Error).message}; apt-get install ${recipe.package}`);
      }
    } else console.log(`${name} is not installed and left out: apt-get install ${recipe.package}`);
  }

  async #startWorker(port: number, variant: MusterVariants[string]): Promise<number> {
    const runner = [PIN, '-c', PROXY_CPU] as const;
    const { protocol } = this.#field;
    const child = await startMusterWorker({ runner, protocol, port, backendPort: this.#backendPort, ...variant });
    this.#children.push(child);
    return child.pid!;
  }

  async #spawn(command: readonly [string, ...string[]], port: number): Promise<number> {
    const child = await startedRecipe(command, port);
    this.#children.push(child);
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

/**
 * `taskset` replaces itself by the command, so the process id is the command's. Rejects where it ends before it listens on `port`, or does
 * not listen in time.
 */
export async function startedRecipe(
  [command, ...options]: readonly [string, ...string[]],
  port: number,
): Promise<ChildProcess> {
  const env = { ...process.env, NODE_ENV: 'production' };
  const child = spawn(command, options, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const started = [command, ...options].join(' ');
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${started} ended with ${code} before it listened`);
  });
  // Once it listens, its end is the bench's own doing.
  ended.catch(() => undefined);
  try {
    await Promise.race([answering(port, started), ended]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return child;
}

function pinned(command: string, options: readonly string[]): [string, ...string[]] {
  return [PIN, '-c', PROXY_CPU, command, ...options];
}

/** What a comparison needs is not there: it is skipped, and that is no failure. */
export class MissingTools extends Error {
  override readonly name = 'MissingTools';
}

/** What makes the load, answers it, and keeps both on a core of their own; and the packages that have it. */
const TOOLS = [
  [PIN, 'util-linux'],
  ['wrk', 'wrk'],
  ['nginx', 'nginx'],
] as const;

/** Where commands are looked for: nginx is mostly in the last one, which not everybody has in PATH. */
const commandFolders = (): string[] => [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin'];

/** Throws `MissingTools`, which names all that are missing. */
export async function requireTools(folders = commandFolders()): Promise<void> {
  const found = await Promise.all(TOOLS.map(([command]) => isInstalled(command, folders)));
  const missing = TOOLS.filter((_tool, index) => !found[index]);
  if (missing.length === 0) return;
  const names = missing.map(([command]) => command).join(' and ');
  const packages = missing.map(([, source]) => source).join(' ');
  throw new MissingTools(`${names} not installed: apt-get install ${packages}`);
}

async function isInstalled(command: string, folders = commandFolders()): Promise<boolean> {
  if (command.startsWith('/')) return true;
  const found = await Promise.all(folders.map((folder) => exists(join(folder, command))));
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
