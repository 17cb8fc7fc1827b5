/** Leases of members and nodes, in a cluster in virtual time: who is taken out, by whom, and who is not. */
import { createMemoryJournal } from '@muster/journal';
import { LEASE_EXPIRED } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { SimulatedCluster } from '../../testing/simulated-cluster.ts';
import { SimulatedWorld } from '../../testing/simulated-world.ts';

const MEMBER = { backend: 'b-1', target: '10.0.0.1:80' } as const;
const NODES = ['lb-1', 'lb-2', 'lb-3'] as const;

describe("a member's lease", () => {
  test('nothing is appended while it lives', async () => {
    await using cluster = await SimulatedCluster.of(...NODES);
    await cluster.join(MEMBER);
    const { revision } = await cluster.journal.head();
    await cluster.clock.advance(120_000);
    expect((await cluster.journal.head()).revision).toBe(revision);
    expect(cluster.node('lb-1').handle.status().leases).toEqual({ count: 1, expiredCount: 0 });
  });

  test('of three nodes exactly one records that it has run out', async () => {
    await using cluster = await SimulatedCluster.of(...NODES);
    const member = await cluster.join(MEMBER);
    member.fallSilent();
    await cluster.clock.advance(9_000);
    expect(cluster.backends('lb-1')).toEqual(['b-1']);
    await cluster.clock.advance(3_000);
    for (const name of NODES) expect(cluster.backends(name)).toEqual([]);
    const [ended, ...more] = await cluster.events('BackendDeregistered');
    expect(more).toEqual([]);
    expect(JSON.parse(ended!.payload)).toEqual({ type: 'BackendDeregistered', reason: LEASE_EXPIRED });
    expect(ended!.id).toMatch(/^lease-expired\.p\.b-1\.\d+$/);
    expect(ended!.origin).toMatch(/^node:lb-\d$/);
    const counts = NODES.map((name) => cluster.node(name).handle.status().leases.expiredCount);
    expect(counts.reduce((sum, count) => sum + count)).toBe(1);
  });

  test('fault: a network that is away for less than the lease changes nothing', async () => {
    await using cluster = await SimulatedCluster.of(...NODES);
    const member = await cluster.join(MEMBER);
    for (const name of NODES) cluster.node(name).end.cut();
    await cluster.clock.advance(8_000);
    for (const name of NODES) cluster.node(name).end.mend();
    await cluster.clock.advance(5_000);
    member.end.cut();
    await cluster.clock.advance(6_000);
    member.end.mend();
    await cluster.clock.advance(60_000);
    expect(await cluster.events('BackendDeregistered')).toEqual([]);
  });

  test.each(['cut', 'swallow'] as const)('fault: a deaf node declares nobody dead (wire: %s)', async (fault) => {
    await using cluster = await SimulatedCluster.of(...NODES);
    await cluster.join(MEMBER);
    cluster.node('lb-2').end[fault]();
    await cluster.clock.advance(60_000);
    cluster.node('lb-2').end.mend();
    await cluster.clock.advance(60_000);
    expect(await cluster.events('BackendDeregistered')).toEqual([]);
    expect(cluster.backends('lb-2')).toEqual(['b-1']);
    const warnings = cluster.node('lb-2').world.logged('warn');
    expect(warnings).toEqual([expect.stringContaining('no lease ends on this node until it hears again')]);
  });

  test('fault: a network that swallows everything for longer than the lease, everywhere, ends no lease', async () => {
    await using cluster = await SimulatedCluster.of(...NODES);
    await cluster.join(MEMBER);
    for (const end of cluster.wire.ends) end.swallow();
    await cluster.clock.advance(30_000);
    for (const end of cluster.wire.ends) end.mend();
    await cluster.clock.advance(30_000);
    expect(await cluster.events('BackendDeregistered')).toEqual([]);
    expect(await cluster.events('NodeStopped')).toEqual([]);
  });

  test('after deafness everybody has a full lease, and then it ends', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    cluster.node('lb-1').end.swallow();
    member.fallSilent();
    await cluster.clock.advance(30_000);
    cluster.node('lb-1').end.mend();
    await cluster.clock.advance(9_000);
    expect(cluster.backends('lb-1')).toEqual(['b-1']);
    await cluster.clock.advance(4_000);
    expect(cluster.backends('lb-1')).toEqual([]);
  });

  test('fault: a cut that is over before anybody looks gives everybody a full lease, too', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    const { end } = cluster.node('lb-1');
    member.fallSilent();
    await cluster.clock.advance(9_000);
    end.cut();
    end.mend();
    await cluster.clock.advance(9_000);
    expect(cluster.backends('lb-1')).toEqual(['b-1']);
    await cluster.clock.advance(4_000);
    expect(cluster.backends('lb-1')).toEqual([]);
  });

  // The shorter one does not silence its own voice for long enough to be noticed by that.
  test.each([2_000, 60_000])(
    'fault: a node that stood still for %d ms gives everybody a full lease',
    async (stoodMs) => {
      await using cluster = await SimulatedCluster.of('lb-1');
      const member = await cluster.join(MEMBER);
      member.fallSilent();
      await cluster.clock.advance(8_500);
      cluster.clock.standStill(stoodMs);
      await cluster.clock.advance(9_000);
      expect(cluster.backends('lb-1')).toEqual(['b-1']);
      await cluster.clock.advance(4_000);
      expect(cluster.backends('lb-1')).toEqual([]);
    },
  );

  test("fault: steps of the system's clock change nothing", async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    const member = await cluster.join(MEMBER);
    for (const stepMs of [3_600_000, -7_200_000, 3_600_000]) {
      cluster.clock.step(stepMs);
      await cluster.clock.advance(30_000);
    }
    expect(cluster.backends('lb-1')).toEqual(['b-1']);
    member.fallSilent();
    cluster.clock.step(-3_600_000);
    await cluster.clock.advance(12_000);
    expect(cluster.backends('lb-1')).toEqual([]);
  });

  test('a change of its mode is no sign of life, and does not end the wrong standing', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    member.fallSilent();
    await cluster.clock.advance(9_000);
    await cluster.publish('backend.p.b-1', { type: 'BackendModeSet', mode: 'drain' });
    await cluster.clock.advance(3_000);
    expect(cluster.backends('lb-1')).toEqual([]);
  });

  test('registering again is a sign of life', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    member.fallSilent();
    await cluster.clock.advance(9_000);
    await member.register();
    await cluster.clock.advance(9_000);
    expect(cluster.backends('lb-1')).toEqual(['b-1']);
  });

  test('an event on its subject that the fold rejected does not save it', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    await cluster.publish('backend.p.b-1', { type: 'Nonsense' });
    member.fallSilent();
    await cluster.clock.advance(14_000);
    expect(cluster.backends('lb-1')).toEqual([]);
    expect(await cluster.events('BackendDeregistered')).toHaveLength(1);
  });

  test('an end that the journal did not take is tried again, but not once it is heard again', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const [first, second] = [await cluster.join(MEMBER), await cluster.join({ backend: 'b-2', target: '10.0.0.2:80' })];
    const { journal } = cluster.node('lb-1').world;
    journal.appendAnswer = 'unavailable';
    first.fallSilent();
    second.fallSilent();
    await cluster.clock.advance(14_000);
    expect(cluster.backends('lb-1')).toEqual(['b-1', 'b-2']);
    second.speak();
    await cluster.clock.advance(500);
    journal.appendAnswer = 'true';
    await cluster.clock.advance(14_000);
    expect(cluster.backends('lb-1')).toEqual(['b-2']);
  });

  test('while the journal is away nothing ends', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    const { journal } = cluster.node('lb-1').world;
    journal.goAway();
    member.fallSilent();
    await cluster.clock.advance(60_000);
    const tries = journal.appends.filter(({ id }) => id.startsWith(LEASE_EXPIRED));
    expect(tries).toEqual([]);
    journal.comeBack();
    await cluster.clock.advance(8_000);
    expect(cluster.backends('lb-1')).toEqual(['b-1']);
    await cluster.clock.advance(12_000);
    expect(cluster.backends('lb-1')).toEqual([]);
  });

  test('another history that is adopted brings its own members; who is in both lives on, and each end is recorded there', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    await cluster.join(MEMBER);
    const gone = await cluster.join({ backend: 'b-2', target: '10.0.0.2:80' });
    const { world, handle } = cluster.node('lb-1');
    const next = new SimulatedWorld(createMemoryJournal({ epoch: 'epoch-2', now: () => cluster.clock.now() }));
    await next.publish('pool.p', { type: 'PoolDefined' });
    await next.publish('backend.p.b-1', { type: 'BackendRegistered', target: MEMBER.target, leaseMs: 10_000 });
    await next.publish('backend.p.b-3', { type: 'BackendRegistered', target: '10.0.0.3:80', leaseMs: 10_000 });
    await cluster.clock.advance(5_000);
    world.journal.replaceWith(next.journal.inner);
    const adopting = handle.adoptEpoch();
    await cluster.clock.advance(1_000);
    expect(await adopting).toMatchObject({ outcome: 'adopted' });
    expect(handle.status()).toMatchObject({ epoch: 'epoch-2', leases: { count: 2, expiredCount: 0 } });
    expect(gone.answers).toEqual([]);
    await cluster.clock.advance(14_000);
    expect(cluster.backends('lb-1')).toEqual(['b-1']);
    expect(handle.status()).toMatchObject({ leases: { count: 1, expiredCount: 1 } });
    expect(gone.answers.at(-1)).toEqual({ standing: 'unknown' });
    expect(await cluster.events('BackendDeregistered')).toEqual([]);
  });

  test('a heartbeat may be written in another way', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    member.fallSilent();
    for (let round = 0; round < 10; round++) {
      member.end.say('muster-live.demo.lease.p.b-1', `{ "target" : "${MEMBER.target}" }`);
      await cluster.clock.advance(5_000);
    }
    expect(cluster.backends('lb-1')).toEqual(['b-1']);
    expect(cluster.node('lb-1').handle.status().leases.count).toBe(1);
  });

  test('a heartbeat for another target keeps nobody alive', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    await cluster.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.9:80', leaseMs: 10_000 });
    await cluster.clock.advance(14_000);
    expect(cluster.backends('lb-1')).toEqual([]);
    expect(member.answers.length).toBeGreaterThan(0);
  });
});

describe('many that end at once', () => {
  test('I9: at most 64 ends wait for the journal, and the others follow', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    for (let index = 0; index < 200; index++) {
      const target = `10.0.1.${index}:80`;
      await cluster.publish(`backend.p.b-${index}`, { type: 'BackendRegistered', target, leaseMs: 5_000 });
    }
    const { journal } = cluster.node('lb-1').world;
    let [inFlightCount, inFlightPeak] = [0, 0];
    const append = journal.append.bind(journal);
    journal.append = async (...args) => {
      inFlightCount += 1;
      inFlightPeak = Math.max(inFlightPeak, inFlightCount);
      await new Promise<void>((resolve) => cluster.clock.setTimeout(resolve, 100));
      inFlightCount -= 1;
      return append(...args);
    };
    // As many that are silent together end after a second lease.
    await cluster.clock.advance(15_000);
    expect(cluster.backends('lb-1')).toEqual([]);
    expect(inFlightPeak).toBe(64);
    expect(cluster.node('lb-1').handle.status().leases).toEqual({ count: 0, expiredCount: 200 });
  });
});

describe('what a heartbeat is answered', () => {
  test('nothing where the member is known', async () => {
    await using cluster = await SimulatedCluster.of(...NODES);
    const member = await cluster.join(MEMBER);
    await cluster.clock.advance(60_000);
    expect(member.answers).toEqual([]);
  });

  test('unknown, by every node, once its lease has run out', async () => {
    await using cluster = await SimulatedCluster.of(...NODES);
    const member = await cluster.join(MEMBER);
    member.fallSilent();
    await cluster.clock.advance(20_000);
    member.speak();
    await cluster.clock.advance(0);
    expect(member.answers).toEqual([]);
    await cluster.clock.advance(4_000);
    expect(member.answers).toEqual(NODES.map(() => ({ standing: 'unknown' })));
  });

  test('removed, with who did it and why, and no longer when it has registered again', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    await cluster.publish('backend.p.b-1', { type: 'BackendDeregistered', reason: 'too old' });
    const { revision } = await cluster.journal.head();
    await cluster.clock.advance(7_000);
    expect(member.answers).toEqual([{ standing: 'removed', revision, origin: 'test', reason: 'too old' }]);
    await member.register();
    await cluster.clock.advance(20_000);
    expect(member.answers).toHaveLength(1);
  });

  test('removed where its name has another target, or its pool is gone', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const member = await cluster.join(MEMBER);
    await cluster.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.9:80' });
    const { revision } = await cluster.journal.head();
    await cluster.clock.advance(7_000);
    expect(member.answers).toEqual([{ standing: 'removed', revision, origin: 'test', reason: null }]);
    await cluster.publish('pool.p', { type: 'PoolRemoved' });
    await cluster.clock.advance(4_000);
    expect(member.answers.at(-1)).toEqual({ standing: 'removed', revision, origin: 'test', reason: null });
  });

  test('nothing by a node that has not folded what there is', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    const { journal } = cluster.node('lb-1').world;
    journal.goAway();
    const member = await cluster.join(MEMBER);
    await cluster.clock.advance(30_000);
    expect(member.answers).toEqual([]);
    journal.comeBack();
    await cluster.clock.advance(30_000);
    expect(member.answers).toEqual([]);
    expect(cluster.backends('lb-1')).toEqual(['b-1']);
  });
});

describe("a node's lease", () => {
  test('a node that is gone is recorded as stopped once, and counts as alive again when it comes back', async () => {
    await using cluster = await SimulatedCluster.of(...NODES);
    cluster.node('lb-3').end.swallow();
    await cluster.clock.advance(9_000);
    const stateOf = (name: string) => cluster.node('lb-1').handle.roster().nodes.get(name)!.state;
    expect(stateOf('lb-3').value).toBe('started');
    await cluster.clock.advance(5_000);
    expect(stateOf('lb-3')).toMatchObject({ value: 'stopped', reason: LEASE_EXPIRED });
    expect(await cluster.events('NodeStopped')).toHaveLength(1);
    expect(
      cluster
        .node('lb-1')
        .handle.status()
        .peers.map(({ node, isHeard }) => [node, isHeard]),
    ).toEqual([
      ['lb-2', true],
      ['lb-3', false],
    ]);
    await cluster.clock.advance(60_000);
    expect(await cluster.events('NodeStopped')).toHaveLength(1);
    cluster.node('lb-3').end.mend();
    await cluster.clock.advance(3_000);
    expect(stateOf('lb-3').value).toBe('started');
    await cluster.clock.advance(60_000);
    expect(await cluster.events('NodeStopped')).toHaveLength(1);
    expect(cluster.hashes()).toHaveLength(1);
  });

  test('a node that stops on purpose is stopped at once, and leaves the peers', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    await cluster.stop('lb-2');
    await cluster.clock.advance(60_000);
    expect(cluster.node('lb-1').handle.status().peers).toEqual([]);
    const stops = await cluster.events('NodeStopped');
    expect(stops.map(({ payload }) => payload)).toEqual(['{"type":"NodeStopped"}']);
  });

  test('a node without a wire has no lease', async () => {
    await using cluster = await SimulatedCluster.of('lb-1');
    await cluster.start('lb-2', { live: null });
    await cluster.clock.advance(60_000);
    expect(cluster.node('lb-1').handle.roster().nodes.get('lb-2')).toMatchObject({
      leaseMs: null,
      state: { value: 'started' },
    });
  });
});
