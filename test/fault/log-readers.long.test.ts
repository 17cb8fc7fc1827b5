/**
 * Whoever reads a node's log may leave, or never read at all, and the disk of the log may be full: the node goes on, and holds no more
 * than it should.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startNamedHttp } from '../harness/http/http-backend.ts';
import { oneHttpPool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import type { StartOptions } from '../harness/processes/process.ts';

interface Log {
  readonly stdout: Exclude<StartOptions['stdout'], undefined>;
  /** To be called once the node serves: its reader leaves. */
  readonly leave: (node: TestNode) => void;
}

/** A pipe as shells make them. */
function openPipe(folder: string) {
  const path = join(folder, 'log');
  execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', path]);
  const reading = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reading, writing: openSync(path, constants.O_WRONLY) };
}

const nobodyLeaves = (): void => undefined;

const LOGS: readonly (readonly [what: string, make: (folder: string) => Log])[] = [
  ['a pipe that nobody reads', (folder) => ({ stdout: openPipe(folder).writing, leave: nobodyLeaves })],
  [
    'a pipe whose reader leaves',
    (folder) => {
      const { reading, writing } = openPipe(folder);
      return { stdout: writing, leave: () => [reading, writing].forEach(closeSync) };
    },
  ],
  ['a socket that nobody reads', () => ({ stdout: 'unread', leave: nobodyLeaves })],
  ['a socket whose reader leaves', () => ({ stdout: 'unread', leave: (node) => node.process.child.stdout!.destroy() })],
  ['a full disk', () => ({ stdout: openSync('/dev/full', 'w'), leave: nobodyLeaves })],
];

async function residentKiB(pid: number): Promise<number> {
  return Number(/VmRSS:\s*(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]);
}

/** Long enough for the buffers of a pipe and of a socket to be full many times. */
const REQUESTS = 1_500;
const GROWTH_KIB_MAX = 60_000;

test.each(LOGS)('%s costs the lines, and nothing else', async (_what, make) => {
  await using folder = await testFolder();
  await using backend = await startNamedHttp('b');
  const log = make(folder.path);
  const config = oneHttpPool([backend.target], { listenerLines: 'accessLog = "all"' });
  await using node = await startTestNode({ folder, config, stdout: log.stdout });
  const { host, port } = await node.address('front');
  const [worker] = await node.workerPids();
  log.leave(node);

  const before = await residentKiB(node.process.pid);
  for (let count = 0; count < REQUESTS; count++) {
    const answer = await fetch(`http://${host}:${port}/${'x'.repeat(500)}`);
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
    if (count % 10 > 0) continue;
    const pool = `pool-${count}`;
    expect(await node.command({ type: 'DefinePool', pool })).toMatchObject({ outcome: 'appended' });
  }
  expect((await residentKiB(node.process.pid)) - before).toBeLessThan(GROWTH_KIB_MAX);
  expect(await node.workerPids()).toEqual([worker]);
  expect(await node.stop()).toBe(0);
});
