/** What a node concludes from silence: nothing without the leader's word, and little where most fall silent together. */
import { describe, expect, test } from 'vitest';
import { SimulatedCluster, type SimulatedMember } from '../../testing/simulated-cluster.ts';

const LEASE_MS = 10_000;

async function joined(cluster: SimulatedCluster, count: number): Promise<SimulatedMember[]> {
  const members: SimulatedMember[] = [];
  for (let index = 1; index <= count; index++)
    members.push(await cluster.join({ backend: `b-${index}`, target: `10.0.0.${index}:80`, leaseMs: LEASE_MS }));
  return members;
}

async function endsIn(cluster: SimulatedCluster): Promise<number> {
  return (await cluster.events('BackendDeregistered')).length + (await cluster.events('NodeStopped')).length;
}

describe('a node whose server is cut off from the others', () => {
  test('says so, leaves it ever more slowly, refuses commands at once, and ends nobody, also right after the cut', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    const [silent] = await joined(cluster, 3);
    const { world, handle, end } = cluster.node('lb-1');
    const other = cluster.node('lb-2').world.journal;
    world.journal.hasLeader = false;
    // Nobody else may end it either, so that what is seen is this node's doing.
    other.hasLeader = false;
    silent!.fallSilent();
    await cluster.clock.advance(5_000);
    expect(handle.status().confirmation).toMatchObject({
      isFresh: false,
      failure: 'the journal has no leader just now',
    });
    const outcome = await handle.execute({ type: 'RemovePool', pool: 'p' }, 'test');
    expect(outcome).toMatchObject({ outcome: 'unavailable', isStored: 'no' });
    expect(outcome).toHaveProperty('message', expect.stringContaining('leader has not been heard since'));
    await cluster.clock.advance(55_000);
    expect(end.left).toHaveLength(4);
    expect(end.left[0]).toBe("the journal's leader is not heard there (the journal has no leader just now)");

    world.journal.hasLeader = true;
    await cluster.clock.advance(LEASE_MS - 2_000);
    expect(handle.status().confirmation).toMatchObject({ isFresh: true, failure: null });
    expect(await endsIn(cluster)).toBe(0);
    await cluster.clock.advance(6_000);
    expect(cluster.backends('lb-1')).toEqual(['b-2', 'b-3']);
  });

  test('a question that goes unanswered once changes nothing', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const { world, handle, end } = cluster.node('lb-1');
    world.journal.hasLeader = false;
    await cluster.clock.advance(1_200);
    expect(handle.status().confirmation).toMatchObject({ isFresh: true });
    world.journal.hasLeader = true;
    await cluster.clock.advance(1_000);
    expect(handle.status().confirmation).toMatchObject({ isFresh: true, failure: null });
    expect(end.left).toEqual([]);
    expect(world.logged('warn')).toEqual([]);
  });
});

describe('most fall silent together', () => {
  const scene = async () => {
    const cluster = await SimulatedCluster.of('lb-1', 'lb-2', 'lb-3');
    const members = await joined(cluster, 6);
    await cluster.clock.advance(2_000);
    const alone = cluster.node('lb-1');
    const others = [cluster.node('lb-2').end, cluster.node('lb-3').end, ...members.map(({ end }) => end)];
    return { cluster, members, alone, others };
  };

  test('the node says that it may be alone, tries another server, and ends nobody who is heard again within a second lease', async () => {
    const { cluster, alone, others } = await scene();
    await using _cluster = cluster;
    for (const end of others) end.swallow();
    await cluster.clock.advance(14_000);
    expect(alone.handle.status().massSilence).toMatchObject({ silentCount: 8, watchedCount: 8 });
    expect(alone.end.left).toEqual(['8 of 8 members and nodes fell silent together']);
    for (const end of others) end.mend();
    await cluster.clock.advance(30_000);
    expect(await endsIn(cluster)).toBe(0);
    expect(alone.handle.status()).toMatchObject({ massSilence: null, bulkEnd: null });
  });

  test('a machine room that is lost is ended after two leases, and that stays to be seen', async () => {
    const { cluster, alone, others } = await scene();
    await using _cluster = cluster;
    for (const end of others) end.swallow();
    await cluster.clock.advance(18_000);
    expect(await endsIn(cluster)).toBe(0);
    await cluster.clock.advance(8_000);
    expect(cluster.backends('lb-1')).toEqual([]);
    expect(await endsIn(cluster)).toBe(8);
    expect(alone.handle.status()).toMatchObject({ massSilence: null, bulkEnd: { count: 8 } });
    expect(alone.end.left).toHaveLength(1);
  });

  test('a minority that falls silent ends after one lease', async () => {
    const { cluster, members } = await scene();
    await using _cluster = cluster;
    for (const member of members.slice(0, 3)) member.fallSilent();
    await cluster.clock.advance(14_000);
    expect(cluster.backends('lb-1')).toEqual(['b-4', 'b-5', 'b-6']);
    expect(cluster.node('lb-1').end.left).toEqual([]);
  });

  test('of two nodes one that is gone is declared stopped after one lease', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    await joined(cluster, 3);
    cluster.node('lb-2').end.swallow();
    await cluster.clock.advance(13_000);
    expect(cluster.node('lb-1').handle.roster().nodes.get('lb-2')!.state.value).toBe('stopped');
    expect(cluster.node('lb-1').handle.status().massSilence).toBeNull();
  });
});

describe('a journal that did not take an append', () => {
  test('does not stay away for a node that has nothing more to append', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const { world, handle } = cluster.node('lb-1');
    world.journal.appendAnswer = 'unavailable';
    await handle.execute({ type: 'RemovePool', pool: 'p' }, 'test');
    expect(handle.status().journalAwaySinceMs).not.toBeNull();
    world.journal.appendAnswer = 'true';
    await cluster.clock.advance(5_500);
    expect(handle.status()).toMatchObject({ journalAwaySinceMs: null, journalAwayReason: null });
  });
});
