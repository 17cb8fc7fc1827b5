/** A config that is read while a node serves: the same as otherwise, and nobody waits for it. */
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { longestTurnMs, TURN_MS_MAX } from '@muster/questions/testing';
import { loadConfig, type LoadedConfig } from './load-config.ts';
import { loadConfigAside } from './load-config-aside.ts';

const MANY = 100_000;
const UNKNOWN_KEYS = Array.from({ length: MANY }, (_, index) => `k${index}=1`).join('\n');
const BACKENDS = Array.from({ length: 15_000 }, (_, index) => `{id="b-${index}",target="10.0.0.1:${index + 1}"}`);
const TEXTS = {
  'a usual one': '[node]\nid = "lb-1"\n[[pools]]\nid = "p"\nbackends = [{ id = "b", target = "127.0.0.1:80" }]\n',
  'many backends': `[node]\nid = "lb-1"\n[[pools]]\nid = "p"\nbackends = [${BACKENDS.join(',\n')}]\n`,
  'many unknown keys': UNKNOWN_KEYS,
  'many unknown keys of a table': `[node]\n${UNKNOWN_KEYS}`,
  'no TOML': '['.repeat(MANY),
};

test.each(Object.entries(TEXTS))('%s', async (_name, text) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-config-'));
  const path = join(folder.path, 'muster.toml');
  await writeFile(path, text);
  const environment = { MUSTER_ADMIN_TOKEN: 'a-token' };
  let loaded: LoadedConfig | null = null;
  const turnMs = await longestTurnMs(async () => (loaded = await loadConfigAside(path, { environment })));
  expect(loaded).toEqual(await loadConfig(path, { environment }));
  expect(turnMs).toBeLessThan(TURN_MS_MAX);
});
