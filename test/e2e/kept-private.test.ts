/** What a node knows is for its own user: its files, its token, and the environment of what it starts. */
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startNamedEcho } from '../harness/backend.ts';
import { onePool, spawnTestNode, startTestNode, testFolder, type NodePlace } from '../harness/node.ts';

/** A user who lets everybody read and write what it makes. */
const OPEN_UMASK: NodePlace = {
  prefix: ['sh', '-c', 'umask 0; exec "$@"', 'sh'],
  reach: (port) => Promise.resolve(port),
};

async function openFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true });
  const modes = await Promise.all(
    entries.map(async (name) => `${name} ${((await stat(join(folder, name))).mode & 0o077).toString(8)}`),
  );
  return modes.filter((line) => !line.endsWith(' 0') && !line.startsWith('lb-1.toml')).sort();
}

test('whatever a node makes is its user’s alone, also where the umask is 0, and what lay open is closed', async () => {
  await using folder = await testFolder();
  await using backend = await startNamedEcho('b');
  const config = onePool([backend.target], { poolLines: 'health = { tcp = true, intervalMs = 50 }' });
  const options = { folder, config, place: OPEN_UMASK };
  for (const life of ['new', 'again']) {
    await using node = await startTestNode(options);
    await node.address('front');
    const exported = await node.muster('export', '--from', '1', '-o', join(folder.path, `${life}.muster`));
    expect(exported).toMatchObject({ code: 0 });
    expect(await openFiles(folder.path)).toEqual([]);
    expect(await node.stop()).toBe(0);
    expect(await openFiles(folder.path)).toEqual([]);
    for (const name of await readdir(folder.path)) {
      if (name.startsWith('lb-1.journal')) await chmod(join(folder.path, name), 0o666);
    }
  }
});

test('the admin token reaches no worker, and is asked for', async () => {
  await using folder = await testFolder();
  const env = { MUSTER_ADMIN_TOKEN: 'a-token', NODE_AUTH: 'kept', npm_config_token: 'of-a-registry' };
  await using node = await spawnTestNode({ folder, env });
  const headers = { authorization: 'Bearer a-token' };
  let workers: { pid: number | null }[] = [];
  await expect
    .poll(
      async () => {
        const answer = await fetch(`${node.admin}/v1/status`, { headers }).catch(() => null);
        ({ workers } = answer?.ok ? ((await answer.json()) as { workers: typeof workers }) : { workers });
        return workers.length;
      },
      { timeout: 30_000 },
    )
    .toBe(1);
  const environment = await readFile(`/proc/${workers[0]!.pid}/environ`, 'utf8');
  expect(environment).not.toMatch(/a-token|MUSTER_|of-a-registry/);
  expect(environment).toContain('NODE_AUTH=kept');
  expect((await fetch(`${node.admin}/v1/status`)).status).toBe(401);
  expect(await node.stop()).toBe(0);
});

test('a token file that others may read ends the start with what to do', async () => {
  await using folder = await testFolder();
  await mkdir(join(folder.path, 'secrets'));
  const file = join(folder.path, 'secrets', 'token');
  await writeFile(file, 'a-token\n');
  await chmod(file, 0o644);
  await using node = await spawnTestNode({ folder, nodeLines: `adminTokenFile = "${file}"` });
  expect(await node.process.exited()).toBe(1);
  expect(node.process.output()).toContain(
    `${file} is open to others (mode 644); make it yours alone: chmod 600 ${file}`,
  );
});
