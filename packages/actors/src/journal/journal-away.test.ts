/** The journal is away: what a running node does, and one that starts meanwhile. */
import { createMemoryJournal, type Journal } from '@muster/journal';
import { decodeSnapshot, emptyRoster, encodeSnapshot, rosterHash } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { SimulatedDisk } from '../../testing/simulated-disk.ts';
import { REFUSE, SimulatedWorld } from '../../testing/simulated-world.ts';

const TARGET = '10.0.0.1:80';
const drain = { type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' } as const;

async function publishPool(world: SimulatedWorld): Promise<void> {
  await world.publish('pool.p', { type: 'PoolDefined', health: { tcp: true, intervalMs: 5_000, rise: 1, fall: 1 } });
  await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: TARGET });
}

async function servingWorld(): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  world.journal.saysAway = true;
  await publishPool(world);
  await world.start();
  return world;
}

describe('I6: a running node', () => {
  test('knows at once, and knows at once when it is back, though nobody appends anything', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ state: 'serving', journalAwaySinceMs: world.clock.now() });
    await world.clock.advance(90_000);
    world.journal.comeBack();
    await world.clock.settle();
    expect(world.node.status().journalAwaySinceMs).toBeNull();
    expect(world.logged('info').join()).toContain('the journal is back after 90 s');
  });

  test('fails commands at once while it is away, and takes them as soon as it is back', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    await world.clock.settle();
    const appendsCount = world.journal.appends.length;
    const outcome = await world.execute(drain);
    expect(outcome).toMatchObject({ outcome: 'unavailable', isStored: 'no' });
    expect('message' in outcome && outcome.message).toMatch(
      /^the journal has been away since 2023-.*Z \(the journal is away\): nothing was appended; try again when it is back$/,
    );
    expect(world.journal.appends).toHaveLength(appendsCount);
    world.journal.comeBack();
    await world.clock.settle();
    expect(await world.execute(drain)).toMatchObject({ outcome: 'appended' });
  });

  test('judges what it saw by all that happened meanwhile, before it appends any of it', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(5_000);
    expect(world.healthOf('b-1').pending).toBe('BackendTurnedUnhealthy');
    for (let index = 0; index < 2_500; index++) await world.publish('node.lb-9', { type: 'NodeStarted' });
    await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.2:80' });
    world.journal.comeBack();
    const lags: number[] = [];
    const outcomes: object[] = [];
    while (world.node.status().pendingFactsCount > 0 || world.node.status().revision < 2_500) {
      const { revision, headRevision, journalAwaySinceMs } = world.node.status();
      if (journalAwaySinceMs === null) lags.push(headRevision - revision);
      if (revision > 1_000 && revision < 2_500) outcomes.push(await world.execute(drain));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await world.clock.settle();
    expect(Math.max(...lags)).toBeGreaterThan(1_000);
    expect(outcomes[0]).toMatchObject({ outcome: 'unavailable', isStored: 'no' });
    expect(await world.facts()).toEqual(['healthy b-1', 'healthy b-1']);
    expect(world.node.roster().rejectedCount).toBe(0);
  });

  test('measures how long by a clock that does not step', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    await world.clock.advance(10_000);
    world.clock.step(-3_600_000);
    await world.clock.advance(10_000);
    world.journal.comeBack();
    await world.clock.settle();
    expect(world.logged('info').join()).toContain('the journal is back after 20 s');
  });
});

describe('a node that starts meanwhile', () => {
  /** A node that ran with a disk and was stopped. */
  async function formerLife(journal: Journal, disk: SimulatedDisk): Promise<void> {
    await using world = new SimulatedWorld(journal);
    await publishPool(world);
    await world.start({ localSnapshot: disk });
    await world.stop();
  }

  async function restarted(): Promise<{ world: SimulatedWorld; disk: SimulatedDisk; journal: Journal }> {
    const journal = createMemoryJournal({ epoch: 'epoch-1' });
    const disk = new SimulatedDisk();
    await formerLife(journal, disk);
    const world = new SimulatedWorld(journal);
    world.journal.saysAway = true;
    return { world, disk, journal };
  }

  test('serves at once from its local snapshot, says so, and catches up later', async () => {
    const { world: disposable, disk } = await restarted();
    await using world = disposable;
    world.journal.goAway();
    await world.start({ localSnapshot: disk, workers: 1 });
    await world.node.ready();
    const { revision } = disk.stored!;
    expect(world.node.status()).toMatchObject({
      state: 'serving',
      isFromLocalSnapshot: true,
      epoch: 'epoch-1',
      revision,
    });
    expect(world.logged('warn').join()).toMatch(
      new RegExp(`serving from the local snapshot of revision ${revision}, 20.*Z, until the journal has been read`),
    );
    expect(world.targets.probes).toHaveLength(1);
    expect(rosterHash(world.workers[0]!.roster)).toBe(disk.stored!.hash);
    let isCaughtUp = false;
    void world.node.caughtUp().then(() => (isCaughtUp = true));
    await world.clock.advance(60_000);
    expect(isCaughtUp).toBe(false);
    expect(world.journal.appends).toEqual([]);
    await world.publish('backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80' });
    world.journal.comeBack();
    await world.clock.settle();
    expect(isCaughtUp).toBe(true);
    expect(world.node.status()).toMatchObject({
      isFromLocalSnapshot: false,
      backendsCount: 2,
      journalAwaySinceMs: null,
    });
    expect(world.node.roster().nodes.get('lb-1')!.state.value).toBe('started');
    expect(rosterHash(world.workers[0]!.roster)).toBe(world.node.status().hash);
  });

  test('gives a journal that does not answer 2 s', async () => {
    const { world: disposable, disk } = await restarted();
    await using world = disposable;
    world.journal.fallSilent();
    await world.start({ localSnapshot: disk });
    await world.clock.advance(1_999);
    expect(world.node.status().state).toBe('starting');
    await world.clock.advance(1);
    expect(world.node.status()).toMatchObject({ state: 'serving', isFromLocalSnapshot: true });
    world.journal.comeBack();
    await world.clock.settle();
    expect(world.node.status().isFromLocalSnapshot).toBe(false);
  });

  test('does not need the local snapshot where the journal answers', async () => {
    const { world: disposable, disk } = await restarted();
    await using world = disposable;
    await world.start({ localSnapshot: disk });
    expect(world.logged('warn')).toEqual([]);
    expect(world.node.status()).toMatchObject({ state: 'serving', isFromLocalSnapshot: false, backendsCount: 1 });
  });

  test('waits for the journal where its local snapshot is of another cluster, damaged, or cannot be read', async () => {
    const foreign = encodeSnapshot({ ...emptyRoster('other'), revision: 7 });
    const cases: [Partial<SimulatedDisk>, string][] = [
      [{ stored: { epoch: 'epoch-1', revision: 7, hash: 'x', data: foreign } }, 'it is of cluster "other"'],
      [{ stored: { epoch: 'epoch-1', revision: 7, hash: 'x', data: '{"format":1}' } }, 'snapshot format 1'],
      [{ load: () => Promise.reject(new Error('I/O error')) }, 'I/O error'],
    ];
    for (const [contents, words] of cases) {
      await using world = new SimulatedWorld();
      await publishPool(world);
      world.journal.goAway();
      await world.start({ localSnapshot: Object.assign(new SimulatedDisk(), contents) });
      await world.clock.advance(20_000);
      expect(world.node.status().state).toBe('starting');
      expect(world.logged('warn').filter((line) => line.includes(words))).toHaveLength(1);
      world.journal.comeBack();
      await world.clock.advance(5_000);
      expect(world.node.status()).toMatchObject({ state: 'serving', isFromLocalSnapshot: false });
    }
  });

  test('stops as it should, and is not ready before it serves', async () => {
    await using world = new SimulatedWorld();
    world.journal.goAway();
    await world.start({ localSnapshot: new SimulatedDisk() });
    await world.stop();
    await expect(world.node.ready()).rejects.toThrow('stopped before it was ready');
  });
});

describe('the local snapshot', () => {
  test('is saved when the roster has changed, every 5 s at most', async () => {
    await using world = new SimulatedWorld();
    const disk = new SimulatedDisk();
    await publishPool(world);
    await world.start({ localSnapshot: disk });
    await world.clock.advance(5_000);
    expect(disk.savesCount).toBe(1);
    await world.clock.advance(60_000);
    expect(disk.savesCount).toBe(1);
    for (let second = 0; second < 20; second++) {
      await world.publish('backend.p.b-2', { type: 'BackendRegistered', target: `10.0.1.${second}:80` });
      await world.clock.advance(1_000);
    }
    await world.clock.advance(5_000);
    expect(disk.savesCount).toBeLessThanOrEqual(6);
    expect(disk.stored).toMatchObject({ epoch: 'epoch-1', hash: world.node.status().hash });
  });

  test('is saved at the stop, also while the journal is away, and holds no pending fact', async () => {
    await using world = await servingWorld();
    await world.stop();
    const disk = new SimulatedDisk();
    await world.start({ localSnapshot: disk });
    await world.clock.advance(6_000);
    await world.publish('backend.p.b-2', { type: 'BackendRegistered', target: '10.0.0.2:80' });
    await world.clock.settle();
    world.journal.goAway();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    world.targets.answerByTarget.set('10.0.0.2:80', REFUSE);
    await world.clock.advance(5_000);
    expect(world.healthOf('b-1').pending).toBe('BackendTurnedUnhealthy');
    await world.stop();
    expect(disk.stored).toMatchObject({ revision: world.node.status().revision, hash: world.node.status().hash });
    const decoded = decodeSnapshot(disk.stored!.data);
    const roster = decoded.outcome === 'decoded' ? decoded.roster : emptyRoster('demo');
    expect(roster.pools.get('p')!.backends.get('b-1')!.observations[0]!.health.value).toBe('healthy');
  });

  test('that cannot be saved is a line in the log, and the node goes on', async () => {
    await using world = new SimulatedWorld();
    const disk = new SimulatedDisk();
    disk.isFull = true;
    await world.start({ localSnapshot: disk });
    await world.clock.advance(5_000);
    expect(world.logged('warn')).toEqual([
      'the local snapshot at revision 1 could not be saved: no space left on device',
    ]);
    disk.isFull = false;
    await world.stop();
    expect(disk.stored!.revision).toBe(2);
  });
});
