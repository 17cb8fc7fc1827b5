/** `muster import`: a restore gives the same roster, owned by the same. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startAdmin, type AdminHarness } from '@muster/admin/testing';
import { muster, temporaryFolder } from '../testing/index.ts';

/** Two origins, a drain of a third one, a member with a lease. */
async function populated(): Promise<AdminHarness> {
  const admin = await startAdmin();
  const { node } = admin;
  const commands = [
    ['config:lb-1', { type: 'DefinePool', pool: 'api', slowStartMs: 500, health: { http: '/healthz' } }],
    ['config:lb-1', { type: 'RegisterBackend', pool: 'api', backend: 'a', target: 'h:1', weight: 3 }],
    ['sdk:api', { type: 'RegisterBackend', pool: 'api', backend: 'b', target: 'h:2', leaseMs: 9_000 }],
    ['cli:bob@host', { type: 'SetBackendMode', pool: 'api', backend: 'a', mode: 'drain', reason: 'deploy' }],
    ['cli:bob@host', { type: 'DefineListener', listener: 'web', bind: 'h:80', pool: 'api' }],
  ] as const;
  const { commandSchema } = await import('@muster/membership');
  for (const [origin, command] of commands) await node.execute(commandSchema.parse(command), origin);
  return admin;
}

/** What was published, by whom, without what differs between two journals. */
function published({ node }: AdminHarness) {
  const { pools, listeners } = node.roster();
  return {
    pools: [...pools.values()].map(({ id, spec, origin }) => ({ id, spec, origin })),
    backends: [...pools.values()].flatMap((pool) =>
      [...pool.backends.values()].map(({ id, target, weight, leaseMs, origin, mode }) => {
        const { value, reason, origin: by } = mode;
        return {
          id,
          target: target.value,
          weight: weight.value,
          leaseMs,
          origin,
          mode: value,
          reason,
          by: value === 'ready' || by,
        };
      }),
    ),
    listeners: [...listeners.values()].map(({ id, spec, origin }) => ({ id, spec, origin })),
  };
}

test.each<readonly [string, ...string[]]>([
  ['status', '--json'],
  ['replay', '--json'],
])('what muster %s %s printed is restored with its owners, and says who imported it', async (...listing) => {
  await using source = await populated();
  await using admin = await startAdmin();
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'roster.json');
  await writeFile(file, (await muster(listing, { admin: source })).stdout);
  const dry = await muster(['import', file, '--dry-run'], { admin });
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('+ pool api') as string });
  const done = await muster(['import', file], { admin });
  expect(done.stderr).toBe('');
  expect(done).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('appended 5 events for cli:bob@host, config:lb-1') as string,
  });
  expect(published(admin)).toEqual(published(source));
  expect((await muster(['events'], { admin })).stdout).toMatch(/pool api .*\(config:lb-1, by cli:.+@.+\)/);
  expect((await muster(['import', file], { admin })).stdout).toContain('appended 0 events');
});

test('an incident file is imported as the roster at its end', async () => {
  await using source = await populated();
  await using admin = await startAdmin();
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'x.muster');
  expect((await muster(['export', '--from', '1', '-o', file], { admin: source })).code).toBe(0);
  expect(await muster(['import', file], { admin })).toMatchObject({ code: 0, stderr: '' });
  expect(published(admin)).toEqual(published(source));
});

test('what is there and differs is left alone, and replaced where that is asked for', async () => {
  await using source = await populated();
  await using admin = await populated();
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'pools.json');
  await writeFile(file, (await muster(['pool', 'list', '--json'], { admin: source })).stdout);
  expect((await muster(['pool', 'set', 'api', '--policy', 'random'], { admin })).code).toBe(0);
  const left = await muster(['import', file], { admin });
  expect(left).toMatchObject({ code: 1, stdout: expect.stringContaining('! pool api   left alone') as string });
  expect((await muster(['import', file, '--replace'], { admin })).code).toBe(0);
  expect(published(admin)).toEqual(published(source));
});

test.each([
  ['{', 'it is not JSON'],
  ['[]', 'it holds no pools, backends or listeners'],
  ['{"error": {"code": "x"}}', 'it holds no pools, backends or listeners'],
  ['{"pools": [{"id": "A", "spec": {}, "origin": null}], "listeners": []}', 'pools[1].id is "A"; a name is'],
])('%s is refused', async (text, why) => {
  await using admin = await startAdmin();
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'wrong.json');
  await writeFile(file, text);
  const refused = await muster(['import', file], { admin });
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(why) as string });
});
