/** Several nodes on one journal and one wire, in virtual time: that they agree, notice when they do not, and mend it. */
import { announcementSubject, rosterHash, type Announcement } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { SimulatedCluster } from '../../testing/simulated-cluster.ts';

/** Hands one node another event than the others at the next revision, and publishes it. */
async function alterNextFor(cluster: SimulatedCluster, name: string): Promise<number> {
  const revision = (await cluster.journal.head()).revision + 1;
  const altered = JSON.stringify({ type: 'BackendRegistered', target: '10.6.6.6:80' });
  cluster.node(name).world.journal.alteredByRevision.set(revision, altered);
  await cluster.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
  return revision;
}

const rebuildsOf = (cluster: SimulatedCluster, name: string) => cluster.node(name).handle.status().rebuilds.count;
const errorsOf = (cluster: SimulatedCluster, name: string) => cluster.node(name).world.logged('error');

/** A process that only talks: it announces whatever it is told to. */
function fakePeer(cluster: SimulatedCluster, words: Partial<Announcement>) {
  const end = cluster.wire.end();
  return async (seconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed++) {
      const { revision } = await cluster.journal.head();
      const announcement = {
        node: 'lb-9',
        instance: 'fake',
        version: '1',
        epoch: 'epoch-1',
        revision,
        hash: 'bad0bad0bad0bad0',
        lag: 0,
        snapshotRevision: 0,
        ...words,
      };
      end.say(announcementSubject('demo', announcement.node), JSON.stringify(announcement));
      await cluster.clock.advance(1_000);
    }
  };
}

describe('agreement', () => {
  test('nodes hear each other and find that they agree, also through a slow wire', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2', 'lb-3');
    cluster.wire.delayMs = 300;
    await cluster.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
    await cluster.clock.advance(3_000);
    const { revision } = await cluster.journal.head();
    const hash = rosterHash(cluster.node('lb-1').handle.roster());
    expect(cluster.hashes()).toEqual([hash]);
    const { peers } = cluster.node('lb-1').handle.status();
    const equal = { version: '0', epoch: 'epoch-1', revision, hash, lag: 0, isHeard: true, agreement: 'equal' };
    expect(peers).toMatchObject(['lb-2', 'lb-3'].map((node) => ({ node, ...equal, comparedRevision: revision })));
  });

  test('of two nodes that differ both build their roster anew, and agree', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    const revision = await alterNextFor(cluster, 'lb-2');
    expect(cluster.hashes()).toHaveLength(2);
    await cluster.clock.advance(10_000);
    expect(cluster.hashes()).toHaveLength(1);
    expect([rebuildsOf(cluster, 'lb-1'), rebuildsOf(cluster, 'lb-2')]).toEqual([1, 1]);
    for (const name of ['lb-1', 'lb-2']) {
      expect(errorsOf(cluster, name).join('\n')).toContain(`the nodes disagree: at revision ${revision} this node has`);
      expect(cluster.node(name).handle.status().peers[0]!.agreement).toBe('equal');
    }
    await cluster.clock.advance(120_000);
    expect([rebuildsOf(cluster, 'lb-1'), rebuildsOf(cluster, 'lb-2')]).toEqual([1, 1]);
  });

  test('of three nodes only the odd one builds its roster anew', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2', 'lb-3');
    await alterNextFor(cluster, 'lb-2');
    await cluster.clock.advance(10_000);
    expect(cluster.hashes()).toHaveLength(1);
    expect(['lb-1', 'lb-2', 'lb-3'].map((name) => rebuildsOf(cluster, name))).toEqual([0, 1, 0]);
    expect(cluster.node('lb-2').handle.status().rebuilds.lastReason).toBe('it disagrees with 2 other nodes');
    expect(errorsOf(cluster, 'lb-1')).toContain('most nodes agree with this one; it goes on as it is');
  });

  test('a node that may be wrong saves no snapshot for the others, until it agrees again', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    await alterNextFor(cluster, 'lb-2');
    await cluster.clock.advance(1_100);
    expect(cluster.node('lb-2').handle.status().peers[0]!.agreement).toBe('differs');
    cluster.node('lb-1').end.swallow();
    await cluster.stop('lb-2');
    expect(await cluster.journal.loadSnapshot()).toBeNull();
  });

  test('a voice that is wrong makes a node build anew once; it then says who is wrong', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const speak = fakePeer(cluster, {});
    await speak(150);
    expect(rebuildsOf(cluster, 'lb-1')).toBe(1);
    const said = errorsOf(cluster, 'lb-1').filter((line) => line.includes('it is the others that are wrong'));
    expect(said).toHaveLength(1);
    await cluster.stop('lb-1');
    expect(await cluster.journal.loadSnapshot()).not.toBeNull();
  });

  test('two nodes that agree do not believe a third voice', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    await fakePeer(cluster, {})(30);
    expect([rebuildsOf(cluster, 'lb-1'), rebuildsOf(cluster, 'lb-2')]).toEqual([0, 0]);
  });

  test('a node of another history is shown as such', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    await fakePeer(cluster, { epoch: 'epoch-2' })(5);
    expect(cluster.node('lb-1').handle.status().peers).toMatchObject([{ node: 'lb-9', agreement: 'other-epoch' }]);
    expect(rebuildsOf(cluster, 'lb-1')).toBe(0);
  });

  test('what is no announcement, or comes on the wrong subject, is passed over', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const end = cluster.wire.end();
    for (const text of ['', '{', '[]', '{"node":"lb-9"}', 'x'.repeat(10_000)])
      end.say('muster-live.demo.node.lb-9', text);
    await cluster.clock.advance(1_000);
    expect(cluster.node('lb-1').handle.status().peers).toEqual([]);
  });
});

describe('names', () => {
  test('two processes under one name notice it, loudly and once, and that it is over', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    await fakePeer(cluster, { node: 'lb-1' })(5);
    const { isNameTaken, peers } = cluster.node('lb-1').handle.status();
    expect({ isNameTaken, peers }).toEqual({ isNameTaken: true, peers: [] });
    const said = errorsOf(cluster, 'lb-1').filter((line) =>
      line.includes('another process announces itself as node lb-1'),
    );
    expect(said).toHaveLength(1);
    await cluster.clock.advance(5_000);
    expect(cluster.node('lb-1').handle.status().isNameTaken).toBe(false);
  });
});
