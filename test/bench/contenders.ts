/**
 * The proxies that are measured, each one process pinned to one CPU, and the backend behind all of them. What is not
 * installed is left out with a line that says how to get it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PROXY_CPU = '0';
export const CLIENT_CPU = '1';
/** Pins what it starts to the CPU after `-c`. */
export const PIN = 'taskset';
const START_TIMEOUT_MS = 10_000;
const MIB = 1_048_576;

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

const script = (name: string) => new URL(name, import.meta.url).pathname;

const nodeRecipe = (name: string): Recipe => ({
  command: process.execPath,
  package: 'node',
  arguments: (_directory, port, backendPort) => Promise.resolve([script(name), String(port), String(backendPort)]),
});

const recipes: Record<string, Recipe> = {
  haproxy: {
    command: 'haproxy',
    package: 'haproxy',
    async arguments(directory, port, backendPort) {
      const file = join(directory, 'haproxy.cfg');
      await writeFile(file, haproxyConfig(port, backendPort));
      return ['-db', '-q', '-f', file];
    },
  },
  nginx: {
    command: 'nginx',
    package: 'nginx libnginx-mod-stream',
    async arguments(directory, port, backendPort) {
      const file = join(directory, 'nginx-stream.conf');
      await writeFile(file, await nginxStreamConfig(directory, port, backendPort));
      return ['-c', file, '-e', join(directory, 'nginx-stream.log')];
    },
  },
  pipe: nodeRecipe('pipe-process.ts'),
  muster: nodeRecipe('muster-worker-process.ts'),
};

export interface OpenedContenders extends AsyncDisposable {
  readonly contenders: readonly Contender[];
}

export async function openContenders(names: readonly string[]): Promise<OpenedContenders> {
  const children: ChildProcess[] = [];
  const directory = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  const start = async (cpu: string, [command, ...options]: readonly [string, ...string[]], port: number) => {
    const child = spawn(PIN, ['-c', cpu, command, ...options], { stdio: ['ignore', 'ignore', 'inherit'] });
    children.push(child);
    await answering(port, command);
    return child.pid!; // taskset replaces itself by the command
  };
  const contenders: Contender[] = [];
  try {
    await requireTools();
    const backendPort = await freePort();
    await start(CLIENT_CPU, ['nginx', ...(await backendArguments(directory, backendPort))], backendPort);
    for (const name of names) {
      const recipe = recipes[name];
      if (recipe === undefined) {
        if (name === 'direct') contenders.push({ name, port: backendPort, pid: null });
        else console.log(`There is no contender "${name}"; there are ${Object.keys(recipes).join(', ')} and direct.`);
      } else if (await isInstalled(recipe.command)) {
        const port = await freePort();
        const options = await recipe.arguments(directory, port, backendPort);
        const pid = await start(PROXY_CPU, [recipe.command, ...options], port);
        contenders.push({ name, port, pid });
      } else {
        console.log(`${name} is not installed and left out: apt-get install ${recipe.package}`);
      }
    }
  } catch (error) {
    await stop(children, directory);
    throw error;
  }
  return { contenders, [Symbol.asyncDispose]: () => stop(children, directory) };
}

async function stop(children: readonly ChildProcess[], directory: string): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill();
    await once(child, 'exit');
  }
  await rm(directory, { recursive: true });
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

async function freePort(): Promise<number> {
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

async function backendArguments(directory: string, port: number): Promise<string[]> {
  await writeFile(join(directory, 'mib'), Buffer.alloc(MIB, 'muster '));
  const file = join(directory, 'backend.conf');
  await writeFile(
    file,
    `master_process off; daemon off; pid ${directory}/backend.pid;
     events { worker_connections 4096; }
     http {
       access_log off; keepalive_requests 1000000000; sendfile on;
       server {
         listen 127.0.0.1:${port} backlog=4096;
         root ${directory};
         location = / { return 200 "A short answer, as long as the ones in the published comparisons: 70.\\n"; }
       }
     }`,
  );
  return ['-c', file, '-e', join(directory, 'backend.log')];
}

async function nginxStreamConfig(directory: string, port: number, backendPort: number): Promise<string> {
  const module = '/usr/lib/nginx/modules/ngx_stream_module.so';
  const load = (await exists(module)) ? `load_module ${module};` : '';
  return `${load} master_process off; daemon off; pid ${directory}/stream.pid;
    events { worker_connections 8192; }
    stream {
      upstream backend { server 127.0.0.1:${backendPort}; }
      server { listen 127.0.0.1:${port} backlog=4096; proxy_pass backend; }
    }`;
}

function haproxyConfig(port: number, backendPort: number): string {
  return `global
  nbthread 1
  maxconn 8192
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend web
  bind 127.0.0.1:${port} backlog 4096
  default_backend spells
backend spells
  balance roundrobin
  server spells-1 127.0.0.1:${backendPort}
`;
}
