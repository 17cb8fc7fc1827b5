/**
 * Nodes whose journal's file was damaged while they were down, as their users see them: what `muster up`, the log, `status` and
 * `muster journal` say, what traffic finds, and the way back.
 */
import { copyFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { openClient } from '../harness/client.ts';
import { onePool, spawnTestNode, startTestNode, testFolder, type TestFolder, type TestNode } from '../harness/node.ts';
import { eventually, runProcess } from '../harness/processes/process.ts';

const MUSTER = fileURLToPath(new URL('../../services/muster/bin/muster.mjs', import.meta.url));

function journalOf(folder: TestFolder): string {
  return join(folder.path, 'lb-1.journal');
}

async function greeting(node: TestNode): Promise<string> {
  await using client = await openClient(await node.address('front'));
  return await client.greeting();
}

/** A node that was told of backend b-2 and is killed when its local snapshot knows; its newest events are in the write-ahead log. */
async function killedNode(folder: TestFolder, target: string): Promise<void> {
  await using node = await startTestNode({ folder, config: onePool([]) });
  expect(await node.muster('backend', 'add', 'p', 'b-2', '--target', target)).toMatchObject({ code: 0 });
  await eventually('the local snapshot has it', async () => {
    const text = await readFile(`${journalOf(folder)}.snapshot`, 'utf8').catch(() => '');
    return text.includes(target);
  });
  await node.process.end('SIGKILL');
}

const damages: readonly [what: string, said: RegExp, damage: (path: string) => Promise<void>][] = [
  [
    'a write-ahead log that is deleted',
    /its events? .* missing|it is empty|it does not say/,
    (path) => rm(`${path}-wal`),
  ],
  [
    'a main file that is emptied',
    /it is empty, and held \d+ events of history/,
    async (path) => {
      await rm(`${path}-wal`, { force: true });
      await truncate(path);
    },
  ],
  ['a file that is no journal', /is not a journal|is damaged/, (path) => writeFile(path, 'text\n'.repeat(5_000))],
];

test.for(damages)('%s: what was served last is served, in words, and a person mends it', async ([, said, damage]) => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('kept');
  const path = journalOf(folder);
  await killedNode(folder, backend.target);
  await damage(path);

  const config = onePool([]);
  {
    await using node = await startTestNode({ folder, config });
    expect(await greeting(node)).toBe('kept');
    const { output } = await node.muster('status');
    expect(output).toMatch(/THE JOURNAL IS DAMAGED: /);
    expect(output).toMatch(said);
    expect(output).not.toContain('up to date');
    expect(await node.status()).toMatchObject({ journalDamage: expect.stringMatching(said) as string });
    expect(node.process.output()).toMatch(said);
    const refused = await node.muster('backend', 'drain', 'p', 'b-2');
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(/nothing was appended/);
    const listing = await node.muster('--json', 'backend', 'list');
    await writeFile(join(folder.path, 'listing.json'), listing.output);
    const checked = await node.muster('journal', 'check', path);
    expect(checked.code).toBe(1);
    expect(checked.output).toMatch(said);
    const mended = await node.muster('journal', 'mend', path);
    expect([mended.code, mended.output]).toEqual([0, expect.stringContaining('.damaged-1')]);
    expect(await node.stop()).toBe(0);
  }
  await using node = await startTestNode({ folder, config });
  expect(await node.status()).toMatchObject({ journalDamage: null, journalAwaySinceMs: null });
  const imported = await node.muster('import', join(folder.path, 'listing.json'));
  expect(imported.code).toBe(0);
  expect(await greeting(node)).toBe('kept');
});

test('an old row that is changed: the state is right, it is said, and only questions about it are refused', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('kept');
  const path = journalOf(folder);
  await killedNode(folder, backend.target);
  {
    await using node = await startTestNode({ folder, config: onePool([]) });
    expect(await node.stop()).toBe(0);
  }
  {
    using database = new DatabaseSync(path);
    database.exec(`UPDATE events SET payload = replace(payload, '"', ' "') WHERE revision = 1`);
  }
  await using node = await startTestNode({ folder, config: onePool([]) });
  expect(await greeting(node)).toBe('kept');
  await eventually('it is found', async () => (await node.muster('status')).output.includes('THE JOURNAL IS DAMAGED'));
  expect(node.process.output()).toContain('event 1 is not the one that was recorded');
  const drained = await node.muster('backend', 'drain', 'p', 'b-2');
  expect(drained.code).toBe(0);
  const asked = await node.muster('events', '--from', '1');
  expect([asked.code, asked.output]).toEqual([1, expect.stringContaining('event 1 is not the one that was recorded')]);
});

test('without a local snapshot there is no start, and one line says why', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('kept');
  const path = journalOf(folder);
  await killedNode(folder, backend.target);
  await copyFile(path, `${path}.copy`);
  await rm(`${path}.snapshot`);
  await truncate(path);
  await using node = await spawnTestNode({ folder, config: onePool([]) });
  expect(await node.process.exited()).toBe(1);
  expect(node.process.output()).toMatch(/muster: the journal \S+ is damaged: it is empty, and held \d+ events/);
  const checked = await runProcess(MUSTER, ['journal', 'check', path, '--json'], {});
  expect(checked.code).toBe(1);
  expect(JSON.parse(checked.output)).toMatchObject({ outcome: 'damaged', provenRevision: 0 });
  expect((await readdir(folder.path)).filter((name) => name.includes('damaged'))).toEqual([]);
  const absent = await runProcess(MUSTER, ['journal', 'mend', join(folder.path, 'nothing.journal')], {});
  expect([absent.code, absent.output]).toEqual([1, expect.stringContaining('there is no journal')]);
});
