/** A node in a simulated world: its start, what its probes find, what operators do, and what crashes. */
import { createMemoryJournal } from '@muster/journal';
import { encodeSnapshot, rosterHash } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { PASS, REFUSE, SimulatedWorld } from '../testing/simulated-world.ts';

const HEALTH = { tcp: true, intervalMs: 5_000, rise: 2, fall: 3 } as const;

async function worldWithPool(targets: readonly string[] = ['10.0.0.1:80']): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined', health: HEALTH });
  for (const [index, target] of targets.entries()) {
    await world.publish(`backend.p.b-${index + 1}`, { type: 'BackendRegistered', target });
  }
  return world;
}

describe('the start', () => {
  test('I3: nothing is served before the node has caught up', async () => {
    await using world = await worldWithPool();
    await world.publish('listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:8080', pool: 'p' });
    world.journal.goAway();
    await world.start({ workers: 1 });
    expect(world.node.status().state).toBe('starting');
    expect(world.targets.probes).toEqual([]);
    expect(world.sockets.openByBind.size).toBe(0);
    expect(world.workers[0]!.received).toEqual([]);
    world.journal.comeBack();
    await world.clock.advance(200);
    await world.node.ready();
    expect(world.node.status().state).toBe('serving');
    expect(world.targets.probes).toHaveLength(1);
    expect(world.workers[0]!.ofKind('listen').map(({ listener }) => listener.id)).toEqual(['web']);
  });

  test('the newest snapshot is the start, and the tail is folded on top of it', async () => {
    const journal = createMemoryJournal({ epoch: 'epoch-1' });
    const first = new SimulatedWorld(journal);
    await first.publish('pool.p', { type: 'PoolDefined' });
    await first.start();
    await first.stop();
    const { revision, hash } = (await journal.loadSnapshot())!;
    expect(revision).toBe(3);
    expect(hash).toBe(rosterHash(first.node.roster()));
    await using second = new SimulatedWorld(journal);
    await second.start();
    expect(second.node.roster().pools.has('p')).toBe(true);
    expect(second.node.roster().nodes.get('lb-1')!.state.value).toBe('started');
  });

  test('a damaged snapshot is passed over, and the node folds from the start', async () => {
    await using world = await worldWithPool();
    await world.journal.inner.saveSnapshot({ epoch: 'epoch-1', revision: 2, hash: 'x', data: '{"format":1,"cl' });
    await world.start();
    expect(world.node.roster().pools.get('p')!.backends.size).toBe(1);
    expect(world.logged('warn').join()).toContain('snapshot at revision 2 is passed over');
  });

  test('the node says that it started and that it stopped, and why', async () => {
    await using world = new SimulatedWorld();
    await world.start({ workers: 2 });
    expect(world.node.roster().nodes.get('lb-1')!.state.value).toBe('started');
    await world.stop({ reason: 'maintenance' });
    expect(world.node.roster().nodes.get('lb-1')!.state).toMatchObject({ value: 'stopped', reason: 'maintenance' });
  });

  test('ready and caughtUp reject when the node stops before', async () => {
    await using world = new SimulatedWorld();
    world.journal.goAway();
    await world.start();
    await world.stop();
    await expect(world.node.ready()).rejects.toThrow('stopped before it was ready');
    await expect(world.node.caughtUp()).rejects.toThrow('stopped before it had caught up');
  });
});

describe('health', () => {
  test('the first probe is made at once and decides alone', async () => {
    await using world = await worldWithPool(['10.0.0.1:80', '10.0.0.2:80']);
    world.targets.answerByTarget.set('10.0.0.2:80', REFUSE);
    await world.start();
    expect((await world.facts()).sort()).toEqual(['healthy b-1', 'unhealthy b-2']);
    const { observations } = world.node.roster().pools.get('p')!.backends.get('b-2')!;
    expect(observations[0]!.health).toMatchObject({ value: 'unhealthy', reason: 'connection refused' });
  });

  test('fall failures in a row turn it unhealthy, faster than the interval', async () => {
    await using world = await worldWithPool();
    await world.start();
    const startMs = world.clock.now();
    world.targets.answerByTarget.set('10.0.0.1:80', REFUSE);
    await world.clock.advance(10_000);
    const atMs = world.targets.of('10.0.0.1:80').map((probe) => probe.atMs - startMs);
    expect(atMs).toEqual([0, 5_000, 6_000, 7_000]);
    expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  });

  test('a single failure changes nothing', async () => {
    await using world = await worldWithPool();
    await world.start();
    world.targets.answerByTarget.set('10.0.0.1:80', REFUSE);
    await world.clock.advance(5_000);
    world.targets.answerByTarget.set('10.0.0.1:80', PASS);
    await world.clock.advance(20_000);
    expect(await world.facts()).toEqual(['healthy b-1']);
  });

  test('rise passed probes in a row turn it healthy again, and say so', async () => {
    await using world = await worldWithPool();
    world.targets.answerByTarget.set('10.0.0.1:80', REFUSE);
    await world.start();
    world.targets.answerByTarget.set('10.0.0.1:80', PASS);
    await world.clock.advance(6_000);
    expect(await world.facts()).toEqual(['unhealthy b-1', 'healthy b-1']);
    const { observations } = world.node.roster().pools.get('p')!.backends.get('b-1')!;
    expect(observations[0]!.health.reason).toBe('2 probes passed');
  });

  test('the interval varies by the jitter and never leaves its bounds', async () => {
    await using world = await worldWithPool();
    const chances = [0, 0.999_999, 0.25, 0.75];
    let index = 0;
    await world.start({ random: () => chances[index++ % chances.length]! });
    await world.clock.advance(60_000);
    const atMs = world.targets.probes.map((probe) => probe.atMs);
    const gapsMs = atMs.slice(1).map((at, gap) => at - atMs[gap]!);
    expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(4_500);
    expect(Math.max(...gapsMs)).toBeLessThanOrEqual(5_500);
    expect(new Set(gapsMs).size).toBeGreaterThan(1);
  });

  test('a fault of this machine is no finding, and is logged once', async () => {
    await using world = await worldWithPool();
    const fault = { passed: false, code: 'local_fault', reason: 'no file handle left', durationMs: 0 } as const;
    world.targets.answerByTarget.set('10.0.0.1:80', fault);
    await world.start();
    await world.clock.advance(9_000);
    expect(await world.facts()).toEqual([]);
    expect(world.logged('error')).toEqual(['1 probes could not be made here: no file handle left']);
    expect(world.node.status().probes).toEqual({ passedCount: 0, failedCount: 0 });
  });

  test('what is recorded is where a restarted node goes on: no flip, no fact', async () => {
    const journal = createMemoryJournal({ epoch: 'epoch-1' });
    const first = new SimulatedWorld(journal);
    await first.publish('pool.p', { type: 'PoolDefined', health: HEALTH });
    await first.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
    await first.start();
    await first.stop();
    await using second = new SimulatedWorld(journal);
    second.targets.answerByTarget.set('10.0.0.1:80', REFUSE);
    await second.start();
    expect(second.healthOf('b-1')).toEqual({ recorded: 'healthy', pending: null });
    expect(await second.facts()).toEqual(['healthy b-1']);
  });

  test('I9: at most 256 probes are under way, the others wait in line', async () => {
    const targets = Array.from({ length: 300 }, (_, index) => `10.0.${index >> 8}.${index & 255}:80`);
    await using world = await worldWithPool(targets);
    for (const target of targets) world.targets.answerByTarget.set(target, 'silent');
    await world.start();
    expect(world.targets.probes).toHaveLength(256);
    for (const probe of world.targets.probes.slice(0, 100)) probe.answer(PASS);
    await world.clock.settle();
    expect(world.targets.probes).toHaveLength(300);
    expect(world.targets.inFlightPeak).toBe(256);
  });
});

describe('what operators do', () => {
  test('drain goes on probing, maint stops it, and leaving maint probes at once', async () => {
    await using world = await worldWithPool();
    await world.start();
    await world.execute({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' });
    await world.clock.advance(5_000);
    expect(world.targets.probes).toHaveLength(2);
    await world.execute({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'maint' });
    await world.clock.advance(60_000);
    expect(world.targets.probes).toHaveLength(2);
    await world.execute({ type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'ready' });
    await world.clock.settle();
    expect(world.targets.probes).toHaveLength(3);
  });

  test('a retarget takes the running probe back, and its late answer reaches nobody', async () => {
    await using world = await worldWithPool();
    world.targets.answerByTarget.set('10.0.0.1:80', 'silent');
    world.targets.answerByTarget.set('10.0.0.2:80', 'silent');
    await world.start();
    const [old] = world.targets.probes;
    await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.2:80' });
    await world.clock.settle();
    expect(old!.isAborted).toBe(true);
    old!.answer(REFUSE);
    await world.clock.settle();
    expect(await world.facts()).toEqual([]);
    world.targets.of('10.0.0.2:80')[0]!.answer(PASS);
    await world.clock.settle();
    expect(await world.facts()).toEqual(['healthy b-1']);
  });

  test('a changed health policy probes anew; one that says the same does not', async () => {
    await using world = await worldWithPool();
    await world.start();
    await world.publish('pool.p', { type: 'PoolDefined', health: HEALTH, connectAttempts: 3 });
    await world.clock.settle();
    expect(world.targets.probes).toHaveLength(1);
    await world.publish('pool.p', { type: 'PoolDefined', health: { ...HEALTH, intervalMs: 1_000 } });
    await world.clock.settle();
    expect(world.targets.probes).toHaveLength(2);
    await world.publish('pool.p', { type: 'PoolDefined' });
    await world.clock.advance(60_000);
    expect(world.targets.probes).toHaveLength(2);
  });

  test('a backend that was removed and registered again in one batch is unknown, and is probed at once', async () => {
    await using world = await worldWithPool();
    await world.start();
    await world.publish('backend.p.b-1', { type: 'BackendDeregistered' });
    await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
    await world.clock.settle();
    expect(world.targets.probes).toHaveLength(2);
    expect(world.healthOf('b-1').recorded).toBe('healthy');
  });

  test('a removed pool takes its probers with it', async () => {
    await using world = await worldWithPool();
    await world.start();
    await world.execute({ type: 'RemovePool', pool: 'p' });
    await world.clock.advance(60_000);
    expect(world.targets.probes).toHaveLength(1);
    expect(world.clock.armedCount).toBe(0);
  });
});

describe('supervision', () => {
  test('a prober that crashes is started again, its siblings live on, and at last it is given up', async () => {
    await using world = await worldWithPool(['10.0.0.1:80', '10.0.0.2:80']);
    world.targets.answerByTarget.set('10.0.0.1:80', 'crash');
    await world.start();
    expect(world.logged('error')).toEqual(['prober p/b-1 crashed and is started again: the prober has a defect']);
    await world.clock.advance(20_000);
    expect(world.node.status().givenUp).toEqual([{ actor: 'prober p/b-1', reason: 'the prober has a defect' }]);
    expect(world.targets.of('10.0.0.2:80').length).toBeGreaterThan(3);
  });

  test('a prober that recovers goes on', async () => {
    await using world = await worldWithPool();
    world.targets.answerByTarget.set('10.0.0.1:80', 'crash');
    await world.start();
    world.targets.answerByTarget.set('10.0.0.1:80', PASS);
    await world.clock.advance(1_000);
    expect(world.healthOf('b-1').recorded).toBe('healthy');
  });
});

describe('10,000 backends', () => {
  test('start, are all probed, and stop without a trace', async () => {
    await using world = await worldWithPool(
      Array.from({ length: 10_000 }, (_, index) => `10.1.${index >> 8}.${index & 255}:80`),
    );
    await world.start();
    while (world.node.status().pendingFactsCount > 0 || world.targets.probes.length < 10_000)
      await world.clock.settle();
    expect(world.targets.probes).toHaveLength(10_000);
    expect(world.node.status()).toMatchObject({ backendsCount: 10_000, pendingFactsCount: 0 });
    expect(world.clock.armedCount).toBe(10_000);
    expect(encodeSnapshot(world.node.roster())).toContain('healthy');
    await world.stop();
    expect(world.leaks()).toEqual([]);
  });
});
