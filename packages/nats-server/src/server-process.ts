/**
 * One nats-server as a child process: started, signalled, started again on its store.
 *
 * The process has a group of its own, so that a terminal's Ctrl-C reaches only its parent, who ends it in order. When the parent is
 * gone, however it went, the server is killed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from './free-ports.ts';
import type { NatsServer, NatsServerOptions, NatsServerProgram } from './nats-server.ts';
import { endWithThisProcess } from './process-guard.ts';
import { configText, type ServerConfig } from './server-config.ts';
import { greets, until } from './server-readiness.ts';

/** A large store is read before the first client is greeted. */
const START_TIMEOUT_MS = 60_000;
/** The signal reaches a process's threads one by one. */
const STOP_TIMEOUT_MS = 10_000;
const LOG_LINES_TOLD = 5;

/** Starts it and waits until it takes connections. Rejects with the end of its log where it does not. */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const { program, folder, name = 'nats-1', host = '127.0.0.1', configLines = '' } = options;
  const [freePort, monitorPort] = (await freePorts(2, host)) as [number, number];
  const port = options.port ?? freePort;
  return startServer(program, { name, host, port, monitorPort, folder, cluster: null, configLines });
}

/** The same for a config that is complete, a cluster member's among them. */
export async function startServer(program: NatsServerProgram, config: ServerConfig): Promise<NatsServer> {
  mkdirSync(config.folder, { recursive: true });
  writeFileSync(join(config.folder, 'nats.conf'), configText(config));
  const server = new ServerProcess(program, config);
  await server.restart();
  return server;
}

class ServerProcess implements NatsServer {
  readonly host: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly url: string;
  readonly #program: NatsServerProgram;
  readonly #folder: string;
  #child: ChildProcess | null = null;

  constructor(program: NatsServerProgram, { host, port, monitorPort, folder }: ServerConfig) {
    this.#program = program;
    this.#folder = folder;
    this.host = host;
    this.port = port;
    this.monitorPort = monitorPort;
    this.url = `nats://${host}:${port}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async restart(): Promise<void> {
    if (this.#child !== null && isRunning(this.#child)) throw new Error(`nats-server ${this.url} runs already`);
    const child = this.#spawn();
    this.#child = child;
    const ended = new AbortController();
    child.once('exit', (code, signal) => ended.abort(this.#failure(`ended with ${signal ?? `status ${code}`}`)));
    child.once('error', (error) => ended.abort(error));
    const what = `nats-server to listen on ${this.host}:${this.port}`;
    try {
      await until(async () => greets(this.host, this.port), {
        signal: ended.signal,
        timeoutMs: START_TIMEOUT_MS,
        what,
      });
      // Somebody else may have answered on this port while this one found it taken.
      ended.signal.throwIfAborted();
    } catch (error) {
      await this.end('SIGKILL');
      throw error;
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === null || !isRunning(child)) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    child.kill('SIGCONT');
    await exited;
  }

  async pause(): Promise<void> {
    const child = this.#child;
    if (child === null || !isRunning(child)) throw new Error(`nats-server ${this.url} does not run`);
    child.kill('SIGSTOP');
    const { signal } = new AbortController();
    const isStopped = async () => threadStates(this.pid).every((state) => state === 'T');
    await until(isStopped, { signal, timeoutMs: STOP_TIMEOUT_MS, what: `nats-server ${this.url} to stand still` });
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  log(): string {
    return readFileSync(join(this.#folder, 'nats.log'), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL');
  }

  #spawn(): ChildProcess {
    const log = openSync(join(this.#folder, 'nats.log'), 'a');
    try {
      const args = ['--config', join(this.#folder, 'nats.conf')];
      const child = spawn(this.#program.path, args, { detached: true, stdio: ['ignore', log, log] });
      endWithThisProcess(child, 'SIGKILL');
      return child;
    } finally {
      closeSync(log);
    }
  }

  #failure(what: string): Error {
    const tail = this.log().trimEnd().split('\n').slice(-LOG_LINES_TOLD).join('\n');
    return new Error(
      `nats-server ${this.#program.version} on ${this.host}:${this.port} ${what}; its log ends with\n${tail}`,
    );
  }
}

/** One letter for each thread, as proc_pid_stat(5) has them: T is stopped. Empty where there is no such file system. */
function threadStates(pid: number): string[] {
  const tasks = `/proc/${pid}/task`;
  if (!existsSync(tasks)) return [];
  return readdirSync(tasks).map((id) => {
    try {
      return / (\w) [^)]*$/.exec(readFileSync(`${tasks}/${id}/stat`, 'utf8'))![1]!;
    } catch {
      return 'X'; // This thread ended after the list was read.
    }
  });
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
