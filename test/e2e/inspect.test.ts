/**
 * Live machines of a running node: a backend is killed, and whoever looks sees its prober doubt and flip and the backend report it.
 * The recording of it, replayed, ends in the same states.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startBackend } from '../harness/backend.ts';
import { onePool, startTestNode, testFolder } from '../harness/node.ts';
import { eventually, startProcess } from '../harness/processes/process.ts';

const MUSTER = join(import.meta.dirname, '../../services/muster/bin/muster.mjs');
const POOL_LINES = 'health = { tcp = true, intervalMs = 200, timeoutMs = 1000, fall = 3 }';

const PROBED = 'probing.probed, ejection.admitted';

test('a backend that dies is seen to be doubted, flipped and reported, and the recording replays', async () => {
  await using folder = await testFolder();
  const backend = await startBackend((socket) => socket.end());
  await using node = await startTestNode({ folder, config: onePool([backend.target], { poolLines: POOL_LINES }) });
  await eventually('b-1 is healthy', async () => (await node.muster('backend', 'list')).output.includes('healthy'));

  const file = join(folder.path, 'b-1.inspection');
  const args = ['--admin', node.admin, '--json', 'inspect', '--follow', '--record', file];
  await using look = startProcess(MUSTER, args, { cwd: folder.path });
  await eventually('it follows', () => Promise.resolve(look.output().includes('"following"')));
  await backend[Symbol.asyncDispose]();
  await eventually('the backend reports', () => Promise.resolve(/"kind":"backend".*"report"/.test(look.output())));
  await look.end('SIGINT');

  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  const story = lines
    .map((line) => JSON.parse(line) as { type: string; kind?: string; before?: string; state?: string })
    .filter(({ type, kind }) => type === 'event' && (kind === 'prober' || kind === 'backend'))
    .map(({ kind, before, state }) => `${kind} ${before} → ${state}`);
  expect(story).toEqual([
    'prober settled → doubting',
    'prober doubting → doubting',
    'prober doubting → settled',
    `backend ${PROBED} → ${PROBED}`,
  ]);
  const replayed = await node.muster('inspect', '--replay', file);
  expect(replayed).toMatchObject({ code: 0 });
  expect(replayed.output).toMatch(/^prober p\/b-1: equal after 3 events, ends settled$/m);
  expect(replayed.output).toMatch(/^backend p\/b-1: equal after 1 events, ends probing\.probed, ejection\.admitted$/m);

  // A recording that is there is not replaced unasked.
  const again = ['inspect', 'prober', '--record', file];
  expect(await node.muster(...again)).toMatchObject({
    code: 1,
    output: expect.stringContaining('give --force to replace it') as string,
  });
  expect((await readFile(file, 'utf8')).trimEnd().split('\n')).toEqual(lines);
  expect(await node.muster(...again, '--force')).toMatchObject({ code: 0 });
  expect(await readFile(file, 'utf8')).not.toContain('doubting');

  const now = await node.muster('inspect', 'prober', 'p/b-1');
  expect(now.output).toMatch(/prober p\/b-1 +is settled/);
  expect(await node.muster('inspect', 'prober', 'p/b-9')).toMatchObject({
    code: 1,
    output: expect.stringContaining('no prober p/b-9 lives on this node') as string,
  });
});
