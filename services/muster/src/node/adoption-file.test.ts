/** What is kept of an adoption outlives the process, and the newest counts. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adoptionFile } from './adoption-file.ts';

test('none, one, a newer one, and one that cannot be read', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-adopted-'));
  const path = join(folder.path, 'data', 'lb-1.snapshot.adopted');
  const first = { from: 'a', to: 'b', revision: 3, atMs: 5, by: null };
  expect(await adoptionFile(path).load()).toBeNull();
  await adoptionFile(path).save(first);
  expect(await adoptionFile(path).load()).toEqual(first);
  await adoptionFile(path).save({ ...first, to: 'c', by: 'cli:alice' });
  expect(await adoptionFile(path).load()).toMatchObject({ to: 'c', by: 'cli:alice' });
  await writeFile(path, '{"from":');
  await expect(adoptionFile(path).load()).rejects.toThrow('JSON');
});
