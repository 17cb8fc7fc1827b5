/**
 * The members of docs/events.md that are written in other languages, run as they stand there, against a real server and a real node.
 * Only the server's address, the cluster and the target are put in. What a machine has not is skipped with a line.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newestNatsServer } from '@muster/nats-server';
import { describe, expect, test } from 'vitest';
import { CLUSTER, TestCluster } from '../harness/cluster.ts';
import { freePort, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

const program = await newestNatsServer();

/** Why a part of this cannot run here; '' where it can. */
function lacking(command: string, ...args: readonly string[]): string {
  if ('unavailable' in program) return program.unavailable;
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return '';
  } catch {
    return `${[command, ...args].join(' ')} fails here`;
  }
}

const pythonLacks = lacking('python3', '-c', 'import nats');
const bashLacks = lacking('bash', '-c', 'command -v timeout');
for (const why of new Set([pythonLacks, bashLacks])) if (why !== '') process.stderr.write(`skipped: ${why}\n`);

/** The first example of a language. */
async function example(language: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, '../../docs/events.md'), 'utf8');
  const [, code] = new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'ms').exec(text) ?? [];
  expect(code).toBeTypeOf('string');
  return code!.replaceAll('muster.default.', `muster.${CLUSTER}.`).replaceAll('-live.default.', `-live.${CLUSTER}.`);
}

interface Member {
  readonly id: string;
  readonly target: string;
  readonly mode: { readonly value: string };
  readonly leaseMs: number | null;
}

async function member(node: TestNode): Promise<Member | undefined> {
  const answer = await fetch(`${node.admin}/v1/pools/spells`);
  return ((await answer.json()) as { backends: Member[] }).backends.find(({ id }) => id === 'spells-3');
}

async function oneNode(): Promise<{ cluster: TestCluster; node: TestNode; port: string }> {
  const cluster = await TestCluster.start({ servers: 1, backends: 1, poolLines: '' });
  const node = await cluster.startNode('lb-1');
  expect(await node.command({ type: 'DefinePool', pool: 'spells' })).toMatchObject({ outcome: 'appended' });
  return { cluster, node, port: new URL(cluster.nats.urls[0]!).port };
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return once(child, 'exit').then(([code]) => code as number | null);
}

describe.skipIf(pythonLacks !== '')('the member in Python', () => {
  async function run(folder: string, port: number | string): Promise<ChildProcess & AsyncDisposable> {
    const file = join(folder, 'member.py');
    await writeFile(file, (await example('python')).replace('127.0.0.1:4222', `127.0.0.1:${port}`));
    const child = spawn('python3', [file], { stdio: 'ignore' });
    return Object.assign(child, {
      [Symbol.asyncDispose]: async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = exitOf(child);
        child.kill('SIGKILL');
        await ended;
      },
    });
  }

  test('registers with a lease, is accepted, and leaves at SIGTERM', async () => {
    const { cluster, node, port } = await oneNode();
    await using _cluster = cluster;
    await using python = await run(cluster.folder.path, port);
    const registered = await eventually('it is a member', () => member(node));
    expect(registered).toMatchObject({ target: '10.0.0.5:8001', leaseMs: 15_000, mode: { value: 'ready' } });
    expect((await node.status()).leases.count).toBe(1);
    const ended = exitOf(python);
    python.kill('SIGTERM');
    expect(await ended).toBe(0);
    await eventually('it is none any more', async () => (await member(node)) === undefined);
    const { output } = await node.muster('events', '--backend', 'spells/spells-3');
    expect(output).toMatch(/registered[^]*drain[^]*SIGTERM/);
  });

  test('ends at SIGTERM also while there is no server', async () => {
    await using folder = await testFolder();
    await using python = await run(folder.path, await freePort());
    // It has begun when it handles the signal, which /proc shows: SIGTERM is bit 14 of those that are caught.
    await eventually('it hears SIGTERM', async () => {
      const status = await readFile(`/proc/${python.pid}/status`, 'utf8');
      return (BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)![1]}`) & 0x4000n) !== 0n;
    });
    const ended = exitOf(python);
    python.kill('SIGTERM');
    expect(await ended).toBe(0);
  });
});

test.skipIf(bashLacks !== '')('the registration in bash is acknowledged, and recorded', async () => {
  const { cluster, node, port } = await oneNode();
  await using _cluster = cluster;
  const script = (await example('bash')).replace('/dev/tcp/127.0.0.1/4222', `/dev/tcp/127.0.0.1/${port}`);
  // It listens for a second, which a busy machine may need for the answer: who publishes asks again.
  const output = await eventually('it is acknowledged', async () => {
    const answer = await outputOf(script);
    return answer.includes('MSG answer 1') && answer;
  });
  expect(output).toMatch(/^INFO \{.*\} *\r\nMSG answer 1 +\d+\r\n\{"stream":"muster-test", ?"seq":\d+\}/);
  expect(await eventually('it is a member', () => member(node))).toMatchObject({ target: '10.0.0.5:8001' });
});

async function outputOf(script: string): Promise<string> {
  const bash = spawn('bash', ['-c', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  bash.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(bash, 'close');
  return output;
}
