/** What npm starts ends with npm, whatever ends that: a node drains, and an agent leaves its pool and ends its program. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NodeStatus } from '@muster/actors';
import { expect, test } from 'vitest';
import { freePort, testFolder } from '../harness/node.ts';
import { eventually, isAlive } from '../harness/processes/process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** `npx muster …` in a session of its own, as a terminal would start it. */
function startNpx(args: readonly string[]) {
  const child = spawn('npx', ['--no', 'muster', ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_UPDATE_NOTIFIER: '1' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const exited = once(child, 'exit');
  return {
    pid: child.pid!,
    output: () => output,
    exited,
    [Symbol.asyncDispose]: async () => {
      // Everything that it started and that is still of its group.
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // Nothing is left, as it should be.
      }
      await exited;
    },
  };
}

const ENDINGS: readonly (readonly [what: string, end: (npx: number) => void])[] = [
  ['SIGTERM to npx', (npx) => process.kill(npx, 'SIGTERM')],
  ['SIGKILL to npx', (npx) => process.kill(npx, 'SIGKILL')],
  ['SIGHUP to npx', (npx) => process.kill(npx, 'SIGHUP')],
  ['Ctrl-C', (npx) => process.kill(-npx, 'SIGINT')],
];

test.each(ENDINGS)('%s drains and ends the node', async (_what, end) => {
  await using folder = await testFolder();
  const adminPort = await freePort();
  const file = join(folder.path, 'node.toml');
  const journal = join(folder.path, 'node.journal');
  await writeFile(
    file,
    `[node]\nid = "lb-1"\nworkers = 1\nadmin = "127.0.0.1:${adminPort}"\n[journal]\npath = "${journal}"\n`,
  );
  await using npx = startNpx(['up', '-c', file]);
  const status = async () => (await (await fetch(`http://127.0.0.1:${adminPort}/v1/status`)).json()) as NodeStatus;
  const worker = await eventually(
    'the node serves',
    async () => (await status()).workers.find(({ state }) => state === 'serving')?.pid,
    60_000,
  );
  end(npx.pid);
  await eventually('the node drains', () => npx.output().includes('draining'), 30_000);
  await eventually('its worker has ended', () => !isAlive(worker), 30_000);
  expect(await eventually('it says so', () => /"msg":"(stopped)"/.exec(npx.output())?.[1], 30_000)).toBe('stopped');
});

test('the program of an agent ends with the npm that started the agent', async () => {
  const port = await freePort();
  const program = `process.on('SIGTERM', () => { console.log('ended by SIGTERM'); process.exit(0); });
    console.log('program', process.pid); require('node:net').createServer().listen(${port}, '127.0.0.1');`;
  const servers = ['--servers', 'nats://127.0.0.1:2', '--pool', 'p', '--target', `127.0.0.1:${port}`];
  await using npx = startNpx(['agent', ...servers, '--', process.execPath, '-e', program]);
  const [, pid] = await eventually('the program runs', () => /program (\d+)/.exec(npx.output()), 60_000);
  process.kill(npx.pid, 'SIGKILL');
  await eventually('it was told to end', () => npx.output().includes('ended by SIGTERM'), 30_000);
  expect(await eventually('it has ended', () => !isAlive(Number(pid)))).toBe(true);
});
