/** `set` changes what it names and nothing else, `add` and `remove` are about what is not there and what is. */
import { expect, test } from 'vitest';
import { muster, withSpells } from '../../testing/index.ts';

test('pool, backend and listener keep what is not named', async () => {
  await using admin = await withSpells();
  const before = admin.node.roster();
  const changes = [
    ['pool', 'set', 'spells', '--policy', 'random', '--interval-ms', '900', '--unset', 'connect-timeout-ms'],
    ['backend', 'set', 'spells', 'spells-1', '--weight', '7'],
    ['listener', 'set', 'web', '--idle-timeout-ms', '5000'],
  ];
  for (const args of changes) expect(await muster(args, { admin })).toMatchObject({ code: 0, stderr: '' });
  const { pools, listeners } = admin.node.roster();
  const pool = before.pools.get('spells')!;
  expect(pools.get('spells')!.spec).toEqual({
    ...pool.spec,
    policy: 'random',
    connectTimeoutMs: 5_000,
    health: { ...pool.spec.health, intervalMs: 900 },
  });
  const backend = pools.get('spells')!.backends.get('spells-1')!;
  expect([backend.target.value, backend.weight.value]).toEqual(['127.0.0.1:8001', 7]);
  expect(listeners.get('web')!.spec).toEqual({ ...before.listeners.get('web')!.spec, idleTimeoutMs: 5_000 });
});

test('times have units, under the name of their field and as they were once spelled', async () => {
  await using admin = await withSpells();
  const spellings = [
    [
      '--connect-timeout',
      '400ms',
      '--drain-timeout',
      '1m',
      '--interval',
      '2s',
      '--timeout',
      '1s',
      '--slow-start',
      '1h',
    ],
    ['--connect-timeout-ms', '401', '--drain-timeout-ms', '60001', '--interval-ms', '2001', '--timeout-ms', '1001'],
    ['--unset', 'slow-start'],
  ];
  for (const args of spellings) {
    expect(await muster(['pool', 'set', 'spells', ...args], { admin })).toMatchObject({ code: 0, stderr: '' });
  }
  const { spec } = admin.node.roster().pools.get('spells')!;
  expect(spec).toMatchObject({ connectTimeoutMs: 401, drainTimeoutMs: 60_001 });
  expect(spec.health).toMatchObject({ intervalMs: 2_001, timeoutMs: 1_001 });
  expect(spec).not.toHaveProperty('slowStartMs');
  const { stdout } = await muster(['pool', 'set', '--help']);
  expect(stdout).toContain('--slow-start <time>');
  expect(stdout).not.toMatch(/-ms\b/);
});

test('another kind of check takes the place of the one that is there, and routes that of a pool', async () => {
  await using admin = await withSpells();
  expect((await muster(['pool', 'set', 'spells', '--health-tcp'], { admin })).code).toBe(0);
  expect(admin.node.roster().pools.get('spells')!.spec.health).toMatchObject({ tcp: true, rise: 1 });
  const routed = ['listener', 'set', 'web', '--protocol', 'http', '--route', '/v1=spells'];
  expect((await muster(routed, { admin })).code).toBe(0);
  expect(admin.node.roster().listeners.get('web')!.spec).not.toHaveProperty('pool');
});

test.each<[string[], number, string]>([
  [['pool', 'add', 'spells'], 1, 'to change it: muster pool set spells'],
  [['backend', 'add', 'spells', 'spells-1', '--target', 'h:1'], 1, 'to change it: muster backend set spells spells-1'],
  [['listener', 'add', 'web', '--bind', 'h:1', '--pool', 'spells'], 1, 'to change it: muster listener set web'],
  [['pool', 'set', 'spels', '--policy', 'random'], 1, 'did you mean "spells"?'],
  [['backend', 'set', 'spells', 'spells-2', '--weight', '2'], 1, 'did you mean "spells-1"?'],
  [['listener', 'set', 'wab', '--bind', 'h:1'], 1, 'did you mean "web"?'],
  [['pool', 'set', 'spells'], 2, 'nothing is to be changed'],
  [['pool', 'set', 'spells', '--unset', 'policy', '--policy', 'random'], 2, 'given a value and taken away'],
  [['pool', 'set', 'spells', '--unset', 'polcy'], 1, 'did you mean "policy"?'],
  [['pool', 'set', 'spells', '--panic-threshold', '3'], 1, 'muster: panicThreshold is 3; it must be at most 1'],
  [['pool', 'set', 'spells', '--connect-timeout', '5'], 2, 'a time such as 500ms, 2s or 1m'],
  [['backend', 'set', 'spells', 'spells-1', '--target', 'x'], 1, 'muster: target is "x"; an address is HOST:PORT'],
  [['listener', 'set', 'web', '--bind', 'x'], 1, 'muster: bind is "x"'],
  [['listener', 'set', 'web', '--unset', 'bind'], 1, 'bind cannot be taken away'],
  [['pool', 'remove', 'spels'], 1, 'did you mean "spells"?'],
])('%j is refused with a hint', async (args, code, hint) => {
  await using admin = await withSpells();
  const refused = await muster(args, { admin });
  expect(refused).toMatchObject({ code, stderr: expect.stringContaining(hint) as string });
  expect(admin.node.roster().revision).toBe(3);
});

test('two people who change different fields at once both have their way', async () => {
  await using admin = await withSpells();
  const changes = [
    ['--policy', 'random'],
    ['--connect-attempts', '5'],
    ['--slow-start-ms', '900'],
    ['--fall', '9'],
  ];
  const runs = await Promise.all(changes.map((fields) => muster(['pool', 'set', 'spells', ...fields], { admin })));
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(admin.node.roster().pools.get('spells')!.spec).toMatchObject({
    policy: 'random',
    connectAttempts: 5,
    slowStartMs: 900,
    health: { fall: 9 },
  });
});
