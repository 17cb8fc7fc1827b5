/** `muster apply` as a person runs it: what it plans, what it refuses, and whether it tells the truth about the outcome. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startAdmin, type AdminHarness } from '@muster/admin/testing';
import { muster, temporaryFolder } from '../testing/index.ts';

const config = (target: string): string => `
[[pools]]
id = "spells"
backends = [{ id = "spells-1", target = "${target}" }]
[[listeners]]
id = "web"
bind = "127.0.0.1:8080"
pool = "spells"
`;

/** Writes the text to a file and applies it. */
async function apply(admin: AdminHarness | undefined, text: string, ...options: string[]) {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'm.toml');
  await writeFile(file, text);
  return { file, ...(await muster(['apply', '-f', file, ...options], admin === undefined ? {} : { admin })) };
}

test('shows the plan, applies it once, and then finds nothing to do', async () => {
  await using admin = await startAdmin();
  const dry = await apply(admin, config('127.0.0.1:8001'), '--dry-run');
  expect(dry.stdout).toContain('+ backend spells/spells-1   target 127.0.0.1:8001, weight 1\n');
  expect(dry.stdout).toContain('dry run: nothing was appended\n');
  expect(admin.node.roster().revision).toBe(0);
  const done = await apply(admin, config('127.0.0.1:8001'));
  expect(done.stdout).toContain('appended 3 events as config:lb-1\nin force on lb-1 at revision 3\n');
  expect((await apply(admin, config('127.0.0.1:8001'))).stdout).toBe(
    '= 3 unchanged\nappended 0 events as config:lb-1\nin force on lb-1 at revision 3\n',
  );
  const changed = await apply(admin, config('127.0.0.1:8009'), '--json');
  expect(JSON.parse(changed.stdout)).toMatchObject({
    origin: 'config:lb-1',
    revisions: [4],
    steps: [{}, { action: 'change', name: 'spells/spells-1' }, {}],
    notInForce: [],
  });
});

test('a file that was emptied or cut off is refused unless that is asked for', async () => {
  await using admin = await startAdmin();
  await apply(admin, config('127.0.0.1:8001'));
  for (const text of ['', config('127.0.0.1:8001').split('[[listeners]]')[0]!]) {
    const refused = await apply(admin, text);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(
      /would remove .*1 of 1 listeners.* that config:lb-1 owns \(listener web.*--allow-removals/,
    );
  }
  expect(admin.node.roster().revision).toBe(3);
  const renamed = config('127.0.0.1:8001').replaceAll('"spells"', '"magic"');
  expect((await apply(admin, renamed)).code).toBe(0);
  const emptied = await apply(admin, '', '--allow-removals');
  expect(emptied.stdout).toMatch(/- listener web\n[^]*- pool magic\n/);
  expect(emptied.code).toBe(0);
  expect(admin.node.roster().pools.size).toBe(0);
});

test("another node's or cluster's file is refused", async () => {
  await using admin = await startAdmin();
  const other = `[node]\nid = "lb-2"\n${config('h:1')}`;
  const refused = await apply(admin, other);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('is the config of node "lb-2", and the node that answers is "lb-1"');
  expect((await apply(admin, `[node]\ncluster = "prod"\n${config('h:1')}`)).stderr).toContain('is for cluster "prod"');
  expect(admin.node.roster().revision).toBe(0);
  expect((await apply(admin, other, '--other-node')).stdout).toContain('appended 3 events as config:lb-2');
});

test('what needs a restart is told, and only of a file that speaks of the node', async () => {
  await using admin = await startAdmin({ settings: { 'node.workers': 1, 'node.maxConnections': 32_768 } });
  expect((await apply(admin, config('h:1'))).code).toBe(0);
  const changed = await apply(admin, `[node]\nworkers = 2\n${config('h:1')}`);
  expect(changed.code).toBe(1);
  expect(changed.stdout).toContain('! node.workers   needs a restart: 1 → 2\n');
  expect(changed.stdout).not.toContain('maxConnections');
});

test('what an operator changed is left alone with exit code 1, and taken over where that is asked for', async () => {
  await using admin = await startAdmin();
  await apply(admin, config('h:1'));
  const set = await muster(['pool', 'set', 'spells', '--policy', 'random'], { admin });
  expect(set.stdout).toContain('it is yours now, no longer of config:lb-1: muster apply -f FILE --take-over');
  const left = await apply(admin, config('h:1'));
  expect(left.code).toBe(1);
  expect(left.stdout).toContain('! pool spells   left alone: it differs from the file since event 4, by cli:');
  expect(left.stdout).toContain('policy is random, the file says round_robin');
  expect(left.stderr).toContain('--take-over');
  const dry = await apply(admin, config('h:1'), '--take-over', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('taken over from cli:') as string });
  expect((await apply(admin, config('h:1'), '--take-over')).code).toBe(0);
  expect(admin.node.roster().pools.get('spells')).toMatchObject({
    origin: 'config:lb-1',
    spec: { policy: 'round_robin' },
  });
});

test('a listener that could not be bound, or is still opening when the time is over, is told with exit code 1', async () => {
  await using admin = await startAdmin();
  const listener = { id: 'web', boundAddress: null, revision: 4, appliedRevision: null };
  admin.node.overrides = { listeners: [{ ...listener, state: 'failed', reason: '127.0.0.1:8080 is taken' }] };
  const failed = await apply(admin, config('h:1'));
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('not in force on lb-1:\n! listener web   127.0.0.1:8080 is taken\n');
  admin.node.overrides = { listeners: [{ ...listener, state: 'opening', reason: null }] };
  const slow = await apply(admin, config('h:1'), '--timeout', '150ms', '--json');
  expect(slow.code).toBe(1);
  expect(JSON.parse(slow.stdout)).toMatchObject({
    notInForce: [{ kind: 'listener', why: 'it is opening' }, { why: 'after 150 ms, listener web is opening' }],
  });
  expect((await apply(admin, config('h:1'), '--no-wait')).code).toBe(0);
});

test('two applies at once, of files that agree, leave what both say', async () => {
  await using admin = await startAdmin();
  const runs = await Promise.all([1, 2, 3].map(() => apply(admin, config('h:1'))));
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(admin.node.roster().listeners.get('web')!.origin).toBe('config:lb-1');
});

test('with the journal away nothing is appended, and that is told', async () => {
  await using admin = await startAdmin();
  await admin.node.journal.close();
  const refused = await apply(admin, config('h:1'));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('nothing was appended');
});

test('a broken file is refused as a whole, with the line of each problem', async () => {
  await using admin = await startAdmin();
  const wrongTarget = await apply(admin, config('nowhere').replace('pool = "spells"', 'pool = "spels"'));
  expect(wrongTarget.code).toBe(1);
  expect(wrongTarget.stderr).toContain(
    `${wrongTarget.file}:4: pools[1].backends[1].target is "nowhere"; an address is HOST:PORT`,
  );
  const wrongPool = await apply(admin, config('h:1').replace('pool = "spells"', 'pool = "spels"'));
  expect(wrongPool.stderr).toContain(`${wrongPool.file}:8: listener "web" names pool "spels"`);
  expect(admin.node.roster().revision).toBe(0);
});
