/** A proxy that cannot be started costs its own row and no more, and a missing tool is named. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, MissingTools, requireTools, startedRecipe } from './contenders.ts';

test('one that ends before it listens says so at once', async () => {
  const port = await freePort();
  await expect(startedRecipe([process.execPath, '-e', 'process.exit(3)'], port)).rejects.toThrow(/ended with 3 before/);
});

test('all tools that are missing are named in one line, with what to install', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'));
  try {
    await expect(requireTools([folder])).rejects.toThrow(
      new MissingTools('taskset and wrk and nginx not installed: apt-get install util-linux wrk nginx'),
    );
    for (const command of ['taskset', 'nginx']) {
      await writeFile(join(folder, command), '');
      await chmod(join(folder, command), 0o755);
    }
    await expect(requireTools([folder])).rejects.toThrow('wrk not installed: apt-get install wrk');
  } finally {
    await rm(folder, { recursive: true });
  }
});
