/** A node of the cluster demo: the ordinary `muster up`, as a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endWithThisProcess } from '@muster/nats-server';
import { readableLines } from 'muster/log';
import { writeText } from '@muster/questions/text';
import { HOST } from './demo-ports.ts';
import { fail } from './fail.ts';

const MUSTER = fileURLToPath(new URL('../../muster/bin/muster.mjs', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 100;

export interface NodeProcessOptions {
  readonly id: string;
  readonly configFile: string;
  readonly adminPort: number;
}

export interface NodeProcess extends NodeProcessOptions {
  readonly child: ChildProcess;
}

/** Resolves once it serves. Its log lines go to the terminal behind its name. It has a process group of its own, as spells have. */
export async function startNodeProcess(options: NodeProcessOptions): Promise<NodeProcess> {
  const args = [MUSTER, 'up', '-c', options.configFile];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
  endWithThisProcess(child, 'SIGTERM');
  createInterface(child.stdout).on('line', (line) => writeText(`${options.id}  ${shown(line)}`));
  const node = { ...options, child };
  await until(node, async () => (await ask(node, '/readyz')) !== null);
  return node;
}

interface PoolAnswer {
  readonly backends: readonly { readonly eligibility: { readonly isEligible: boolean } }[];
}

/** Resolves once so many backends of a pool take this node's traffic. */
export async function hasBackends(node: NodeProcess, pool: string, count: number): Promise<void> {
  await until(node, async () => {
    const answer = (await ask(node, `/v1/pools/${pool}`)) as PoolAnswer | null;
    const eligible = answer?.backends.filter(({ eligibility }) => eligibility.isEligible) ?? [];
    return eligible.length >= count;
  });
}

/** Ends this process with one line where the node ends, or takes too long. */
async function until({ id, child }: NodeProcess, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!(await isSo())) {
    if (child.exitCode !== null || child.signalCode !== null) fail(`${id} did not start`);
    if (performance.now() > deadlineMs) fail(`${id} does not serve after ${START_TIMEOUT_MS / 1_000} s`);
    await wait(POLL_INTERVAL_MS);
  }
}

/** A node logs JSON where its output is no terminal. A line that is none, of Node itself, stays as it is. */
function shown(line: string): string {
  const lines = line.startsWith('{') ? readableLines(line) : [line];
  return `${lines.join('\n')}\n`;
}

/** The JSON of a good answer of the admin API, else null. */
async function ask({ adminPort }: NodeProcess, path: string): Promise<unknown> {
  try {
    const response = await fetch(`http://${HOST}:${adminPort}${path}`);
    const answer: unknown = await response.json();
    return response.ok ? answer : null;
  } catch (error) {
    // Nobody listens yet.
    if (error instanceof TypeError) return null;
    throw error;
  }
}
