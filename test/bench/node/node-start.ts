/**
 * One start of a node as its users start it, timed from the spawn of `muster up` to the first answered connection. It is
 * ended by kill -9, so that the next start finds what this one found.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../contenders/contenders.ts';
import { childrenCpuSeconds, cpuSeconds } from '../figures/process-cpu.ts';

const MUSTER = fileURLToPath(new URL('../../../services/muster/bin/muster.mjs', import.meta.url));
const START_TIMEOUT_MS = 120_000;
const POLL_INTERVAL_MS = 2;

export interface StartedNode {
  /** Where the node's files are, its config among them. */
  readonly directory: string;
  readonly cluster: string;
  /** Of the listener that the history defines; a backend answers behind it. */
  readonly port: number;
  /** What stands in the `[journal]` table. */
  readonly journalLines: string;
  /** Options for the node's own Node, for example `--cpu-prof`; then it is ended by SIGTERM. Default: none. */
  readonly nodeOptions?: readonly string[];
}

export interface MeasuredStart {
  /** From the spawn to the first answered connection. */
  readonly answeredMs: number;
  /** CPU time until then, user and system: what remains the same on a busy machine. */
  readonly controlCpuMs: number;
  readonly workerCpuMs: number;
}

/** Throws where the node ends or does not answer within two minutes. */
export async function measureStart(options: StartedNode): Promise<MeasuredStart> {
  const { directory, cluster, port, journalLines, nodeOptions = [] } = options;
  const config = join(directory, 'muster.toml');
  const admin = `127.0.0.1:${await freePort()}`;
  const nodeLines = `id = "lb-1"\nworkers = 1\nadmin = "${admin}"\ncluster = "${cluster}"`;
  await writeFile(config, `[node]\n${nodeLines}\n[journal]\n${journalLines}\n`);
  const startedMs = performance.now();
  const node = spawn(process.execPath, [...nodeOptions, MUSTER, 'up', '-c', config], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    while (!(await isAnswered(port))) {
      if (performance.now() - startedMs > START_TIMEOUT_MS)
        throw new Error('The node did not answer within two minutes');
      if (node.exitCode !== null) throw new Error(`The node ended with exit code ${node.exitCode}`);
      await sleep(POLL_INTERVAL_MS);
    }
    const answeredMs = performance.now() - startedMs;
    const sum = (all: readonly { user: number; system: number }[]) =>
      all.reduce((total, { user, system }) => total + (user + system) * 1_000, 0);
    const controlCpuMs = sum([await cpuSeconds(node.pid!)]);
    return { answeredMs, controlCpuMs, workerCpuMs: sum(await childrenCpuSeconds(node.pid!)) };
  } finally {
    await end(node, nodeOptions.length > 0 ? 'SIGTERM' : 'SIGKILL');
    // Its worker stops listening when it notices; the next start must not be answered by this one.
    while (await isAnswered(port)) await sleep(10);
  }
}

async function end(node: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (node.exitCode !== null) return;
  node.kill(signal);
  await once(node, 'exit');
}

function isAnswered(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('data', () => resolve(true)).on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
