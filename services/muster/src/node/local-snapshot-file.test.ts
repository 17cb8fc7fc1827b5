/** The local snapshot's file: whole or not at all, readable by its owner alone, and null where it cannot be trusted. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { StoredSnapshot } from '@muster/journal';
import { expect, test } from 'vitest';
import { localSnapshotFile } from './local-snapshot-file.ts';

const SNAPSHOT: StoredSnapshot = { epoch: 'e-1', revision: 12, hash: '0123456789abcdef', data: '{"pools":["ü"]}' };

async function snapshotFile() {
  const folder = await mkdtemp(join(tmpdir(), 'muster-snapshot-'));
  const path = join(folder, 'data', 'lb-1.snapshot');
  const lines: string[] = [];
  const log = {
    info: (_fields: object, text: string) => void lines.push(`info ${text}`),
    warn: (_fields: object, text: string) => void lines.push(`warn ${text}`),
  };
  const file = localSnapshotFile(path, log);
  return { path, file, lines, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

test('what was saved is loaded, the newest of several', async () => {
  await using at = await snapshotFile();
  await Promise.all([3, 4, 5].map((revision) => at.file.save({ ...SNAPSHOT, revision })));
  expect(await at.file.load()).toEqual({ ...SNAPSHOT, revision: 5 });
  expect(at.lines).toEqual([]);
});

test('only its owner may read it, and nothing is left beside it', async () => {
  await using at = await snapshotFile();
  await at.file.save(SNAPSHOT);
  await writeFile(`${at.path}.new`, 'left by a process that was killed', { mode: 0o666 });
  await at.file.save(SNAPSHOT);
  expect((await stat(at.path)).mode & 0o777).toBe(0o600);
  expect(await readdir(dirname(at.path))).toEqual(['lb-1.snapshot']);
});

test('none is null, with a line', async () => {
  await using at = await snapshotFile();
  expect(await at.file.load()).toBeNull();
  expect(at.lines).toEqual([`info there is no local snapshot ${at.path}`]);
});

test.each([
  ['cut off in its text', (text: string) => text.slice(0, -3), 'it is damaged'],
  ['cut off in its head', (text: string) => text.slice(0, 20), 'it is no snapshot'],
  ['empty', () => '', 'it is no snapshot'],
  ['changed by a character', (text: string) => text.replace('pools', 'pooks'), 'it is damaged'],
  ['of a later version', (text: string) => text.replace('"format":1', '"format":2'), 'one of another version'],
  ['something else', () => '[]\nx', 'it is no snapshot'],
])('a file that is %s is null, with a line', async (_name, change, reason) => {
  await using at = await snapshotFile();
  await at.file.save(SNAPSHOT);
  await writeFile(at.path, change(await readFile(at.path, 'utf8')));
  expect(await at.file.load()).toBeNull();
  expect(at.lines).toEqual([expect.stringContaining(reason)]);
});

test('a save that fails leaves the one before', async () => {
  await using at = await snapshotFile();
  await at.file.save(SNAPSHOT);
  const blocked = localSnapshotFile(join(at.path, 'not-a-folder'), { info: () => {}, warn: () => {} });
  await expect(blocked.save(SNAPSHOT)).rejects.toThrow(/EEXIST|ENOTDIR/);
  expect(await at.file.load()).toEqual(SNAPSHOT);
});
