/** Processes that are called after one node: who gives way, what it leaves undone, and how the name passes on. Virtual time. */
import { announcementSubject } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { SimulatedCluster, type SimulatedNode } from '../../testing/simulated-cluster.ts';
import { REFUSE } from '../../testing/simulated-world.ts';

const TARGET = '10.0.0.1:80';
const drain = { type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' } as const;
const PROBED = { type: 'PoolDefined', health: { tcp: true, intervalMs: 5_000, rise: 1, fall: 1 } } as const;

/** Another process that is called after lb-1, in a world of its own. */
const twinIn = (cluster: SimulatedCluster, key = 'twin') => cluster.start('lb-1', {}, key);
const nameOf = (cluster: SimulatedCluster, key = 'lb-1') => cluster.node(key).handle.status().name;
const startsOf = async (cluster: SimulatedCluster) =>
  (await cluster.events('NodeStarted')).filter(({ subject }) => subject.endsWith('.lb-1')).length;
/** What a process asked the journal to append. */
const appendsOf = ({ world }: SimulatedNode) =>
  world.journal.appends.map(({ subject, payload }) => `${subject} ${(JSON.parse(payload) as { type: string }).type}`);

describe('a newcomer', () => {
  test('stands back where the node is heard: it appends nothing, says why, and serves', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    await cluster.publish('pool.p', PROBED);
    await cluster.publish('backend.p.b-1', { type: 'BackendRegistered', target: TARGET });
    const twin = await twinIn(cluster);
    twin.world.targets.answerByTarget.set(TARGET, REFUSE);
    await cluster.clock.advance(30_000);
    expect(nameOf(cluster, 'twin')).toMatchObject({ state: 'standing-back', hasStoodBack: true });
    expect(nameOf(cluster, 'twin').reason).toMatch(/^another process is node lb-1 .* give it an id of its own/);
    expect(twin.world.logged('error').filter((line) => line.startsWith('another process is node lb-1'))).toHaveLength(
      1,
    );
    expect(twin.handle.status().state).toBe('serving');
    expect(twin.world.healthOf('b-1')).toEqual({ recorded: 'healthy', pending: 'BackendTurnedUnhealthy' });
    expect(await twin.world.execute(drain)).toMatchObject({
      outcome: 'unavailable',
      message: nameOf(cluster, 'twin').reason,
    });
    await cluster.stop('twin');
    expect(appendsOf(twin)).toEqual([]);
    expect(nameOf(cluster).state).toBe('held');
    expect(cluster.node('lb-1').handle.roster().nodes.get('lb-1')?.state.value).toBe('started');
  });

  test('ends no lease, and keeps none alive that the node itself would have let go', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const twin = await twinIn(cluster);
    await cluster.clock.advance(5_000);
    const member = await cluster.join({ backend: 'm-1', target: '10.1.0.1:80' });
    member.fallSilent();
    await cluster.clock.advance(15_000);
    expect(cluster.backends('lb-1')).toEqual([]);
    expect(appendsOf(twin)).toEqual([]);
  });

  test('takes the name once the node is gone, and records what it has found meanwhile', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    const twin = await twinIn(cluster);
    await cluster.clock.advance(5_000);
    await cluster.stop('lb-1');
    await cluster.clock.advance(5_000);
    expect(nameOf(cluster, 'twin')).toMatchObject({ state: 'held', reason: null, hasStoodBack: true });
    expect(appendsOf(twin)).toEqual(['muster.demo.node.lb-1 NodeStarted']);
    expect(await twin.world.execute({ type: 'RemovePool', pool: 'p' })).toMatchObject({ outcome: 'appended' });
  });

  test('waits for a node that is stopping, and does not count as one that has found a stranger', async () => {
    await using cluster = await SimulatedCluster.of('lb-2');
    const end = cluster.wire.end();
    const twin = await twinIn(cluster);
    const words = { node: 'lb-1', instance: 'former', version: '1', epoch: 'epoch-1', revision: 1, lag: 0 } as const;
    const leaving = { ...words, hash: '0123456789abcdef', snapshotRevision: 0, name: 'leaving', startedRevision: 1 };
    for (let second = 0; second < 10; second++) {
      end.say(announcementSubject('demo', 'lb-1'), JSON.stringify(leaving));
      await cluster.clock.advance(150);
    }
    expect([nameOf(cluster, 'twin').state, appendsOf(twin)]).toEqual(['listening', []]);
    await cluster.clock.advance(1_000);
    expect(nameOf(cluster, 'twin')).toMatchObject({ state: 'held', hasStoodBack: false });
  });
});

describe('a start', () => {
  test('of a node that nobody knows of takes a quarter of a second', async () => {
    await using cluster = await SimulatedCluster.of('lb-2');
    const { handle } = await cluster.start('lb-1');
    expect(handle.status()).toMatchObject({ state: 'serving', name: { state: 'listening' } });
    expect(handle.appendRefusal()).toContain('listens whether another one is node lb-1');
    // A command that comes meanwhile is not refused for that quarter of a second.
    const command = handle.execute({ type: 'RemovePool', pool: 'p' }, 'test');
    await cluster.clock.advance(500);
    expect(nameOf(cluster).state).toBe('held');
    expect(handle.appendRefusal()).toBeNull();
    expect(await command).toMatchObject({ outcome: 'appended' });
  });

  test('after kill -9 serves at once, and has its name again after two announcements of silence', async () => {
    await using cluster = await SimulatedCluster.of('lb-2');
    await cluster.publish('node.lb-1', { type: 'NodeStarted', leaseMs: 60_000 });
    const { handle } = await cluster.start('lb-1');
    expect(handle.status().state).toBe('serving');
    await cluster.clock.advance(2_000);
    expect(nameOf(cluster).state).toBe('listening');
    await cluster.clock.advance(500);
    expect(nameOf(cluster)).toMatchObject({ state: 'held', hasStoodBack: false });
  });

  test('of two processes at the same moment: one has the name, whatever the record said before', async () => {
    for (const wasStarted of [false, true]) {
      await using cluster = await SimulatedCluster.of('lb-2');
      if (wasStarted) await cluster.publish('node.lb-1', { type: 'NodeStarted' });
      const before = await startsOf(cluster);
      await twinIn(cluster, 'one');
      await twinIn(cluster, 'two');
      await cluster.clock.advance(20_000);
      expect([nameOf(cluster, 'one').state, nameOf(cluster, 'two').state].toSorted()).toEqual([
        'held',
        'standing-back',
      ]);
      expect((await startsOf(cluster)) - before).toBe(1);
    }
  });

  test('where it cannot hear, appends nothing until it can', async () => {
    await using cluster = await SimulatedCluster.of('lb-2');
    const twin = await twinIn(cluster);
    twin.end.swallow();
    await cluster.clock.advance(20_000);
    expect([nameOf(cluster, 'twin').state, appendsOf(twin)]).toEqual(['listening', []]);
    expect(nameOf(cluster, 'twin').reason).toMatch(/^this process cannot hear whether another one is node lb-1/);
    expect(twin.world.logged('error').filter((line) => line.startsWith('this process cannot hear'))).toHaveLength(1);
    twin.end.mend();
    await cluster.clock.advance(4_000);
    expect(nameOf(cluster, 'twin').state).toBe('held');
  });
});

describe('the record decides', () => {
  test('between two that did not hear each other: the older one gives way, and they do not take turns', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    const first = cluster.node('lb-1');
    first.world.journal.saysAway = true;
    first.world.journal.goAway();
    first.end.cut();
    await cluster.clock.advance(15_000);
    await twinIn(cluster);
    await cluster.clock.advance(10_000);
    expect(nameOf(cluster, 'twin').state).toBe('held');
    const appendsCount = first.world.journal.appends.length;
    first.end.mend();
    first.world.journal.comeBack();
    await cluster.clock.advance(1_000);
    expect([nameOf(cluster).state, nameOf(cluster, 'twin').state]).toEqual(['standing-back', 'held']);
    await cluster.clock.advance(60_000);
    expect([nameOf(cluster).state, nameOf(cluster, 'twin').state]).toEqual(['standing-back', 'held']);
    expect(first.world.journal.appends).toHaveLength(appendsCount);
  });

  test('a process that stood still for longer than others wait listens again before it appends', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const starts = await startsOf(cluster);
    cluster.clock.standStill(3_000);
    await cluster.clock.advance(250);
    expect(nameOf(cluster).state).toBe('listening');
    await cluster.clock.advance(4_000);
    expect(nameOf(cluster).state).toBe('held');
    expect(await startsOf(cluster)).toBe(starts);
  });

  test('a NodeStarted that nobody stands behind costs its node three announcements of silence', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    await cluster.publish('node.lb-1', { type: 'NodeStarted' });
    expect(nameOf(cluster).state).toBe('standing-back');
    await cluster.clock.advance(4_000);
    expect(nameOf(cluster).state).toBe('held');
  });

  test('an event on its subject that every fold passes over does not keep a node from its name', async () => {
    await using cluster = await SimulatedCluster.of('lb-2');
    await cluster.publish('node.lb-1', { type: 'NodeTeleported' });
    await cluster.start('lb-1');
    await cluster.clock.advance(1_000);
    expect(nameOf(cluster).state).toBe('held');
  });
});
