/** The filters of listeners: files beside the config, or a refusal that says where one was looked for. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatProblem } from './config-problem.ts';
import { loadConfig } from './load-config.ts';

const listener = (...filters: string[]) => `
[[pools]]
id = "p"
[[listeners]]
id = "front"
bind = "127.0.0.1:8080"
protocol = "http"
pool = "p"
filters = ${JSON.stringify(filters)}
`;

test('filters are looked for beside the config, wherever the process runs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'muster-config-'));
  try {
    await mkdir(join(folder, 'filters'));
    await mkdir(join(folder, 'folder.ts'));
    await writeFile(join(folder, 'filters', 'canary.ts'), '');
    const file = join(folder, 'm.toml');
    await writeFile(file, listener('./filters/canary.ts'));
    expect(await loadConfig(file)).toMatchObject({ outcome: 'loaded', node: { configFolder: folder } });
    await writeFile(file, listener('./filters/canary.ts', './nope.ts', './folder.ts'));
    const loaded = await loadConfig(file, { isRosterOnly: true });
    const remedy = "give its path from the config file's folder, or create it";
    expect(loaded.outcome === 'broken' ? loaded.problems.map(formatProblem) : []).toEqual([
      `${file}:9: listener "front" names the filter ./nope.ts, and ${folder}/nope.ts does not exist; ${remedy}`,
      `${file}:9: listener "front" names the filter ./folder.ts, and ${folder}/folder.ts is not a file; ${remedy}`,
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
