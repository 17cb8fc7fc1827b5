/** The journal becomes another history: noticed, read beside the one that is served, and adopted when nothing is lost by it, or by a person's word. */
import { createMemoryJournal, type Journal } from '@muster/journal';
import { isEligible, rosterHash, viewpointOf, withPendingFacts, type Roster } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { SimulatedDisk } from '../../testing/simulated-disk.ts';
import type { SimulatedWorker } from '../../testing/simulated-worker.ts';
import { REFUSE, SimulatedWorld } from '../../testing/simulated-world.ts';

const TARGET = '10.0.0.1:80';
const OTHER_TARGET = '10.0.0.2:80';
const HEALTH = { health: { tcp: true, intervalMs: 5_000, rise: 1, fall: 1 } } as const;

async function publishPool(world: SimulatedWorld, targets = [TARGET]): Promise<void> {
  await world.publish('pool.p', { type: 'PoolDefined', ...HEALTH });
  for (const [index, target] of targets.entries())
    await world.publish(`backend.p.b-${index + 1}`, { type: 'BackendRegistered', target });
}

/** Serves `b-1` and `b-2` of history `epoch-1`, with one worker. */
async function servingWorld(): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  world.journal.saysAway = true;
  await publishPool(world, [TARGET, OTHER_TARGET]);
  await world.start({ workers: 1 });
  await world.node.ready();
  return world;
}

function history(epoch: string): Journal {
  return createMemoryJournal({ epoch });
}

/** What a worker would send traffic to. */
function eligible(worker: SimulatedWorker): string[] {
  const pool = worker.roster.pools.get('p');
  if (pool === undefined) return [];
  const pending = new Map([...worker.pendingById.values()].map((fact) => [`p/${fact.backend}`, { health: fact }]));
  return [...pool.backends.values()]
    .map((backend) => withPendingFacts(backend, 'lb-1', pending))
    .filter((backend) => isEligible(backend, pool.spec, viewpointOf(worker.roster, 'lb-1')))
    .map(({ id }) => id);
}

describe('I2: another history', () => {
  test('without a pool is not adopted: the node serves what it has, appends nothing, and says so every minute', async () => {
    await using world = await servingWorld();
    const sinceMs = world.clock.now();
    const { hash } = world.node.status();
    const appendsCount = world.journal.appends.length;
    world.journal.replaceWith(history('epoch-2'));
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({
      state: 'serving',
      epoch: 'epoch-1',
      hash,
      epochChange: { from: 'epoch-1', to: 'epoch-2', sinceMs, revision: 0, poolsCount: 0 },
    });
    expect(world.logged('error')).toHaveLength(1);
    expect(world.logged('error')[0]).toContain('this node serves history epoch-1, the journal is epoch-2 now');
    await world.publish('node.lb-9', { type: 'NodeStarted' });
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(125_000);
    expect(world.node.status().epochChange).toMatchObject({ revision: 1, poolsCount: 0 });
    expect(world.logged('error')).toHaveLength(3);
    expect(world.healthOf('b-1').pending).toBe('BackendTurnedUnhealthy');
    expect(eligible(world.workers[0]!)).toEqual(['b-2']);
    const outcome = await world.execute({ type: 'RemovePool', pool: 'p' });
    expect(outcome).toMatchObject({ outcome: 'unavailable', isStored: 'no' });
    expect(world.journal.appends).toHaveLength(appendsCount);
  });

  test('with everything that is served is adopted by itself, and it is kept when and why', async () => {
    await using world = await servingWorld();
    const next = new SimulatedWorld(history('epoch-2'));
    await publishPool(next, [TARGET, OTHER_TARGET, '10.0.0.3:80']);
    world.journal.replaceWith(next.journal.inner);
    await world.clock.settle();
    const { epoch, epochChange, adoption, backendsCount } = world.node.status();
    expect({ epoch, epochChange, backendsCount }).toEqual({ epoch: 'epoch-2', epochChange: null, backendsCount: 3 });
    expect(adoption).toMatchObject({ from: 'epoch-1', to: 'epoch-2', revision: 4, by: null });
    expect(world.logged('warn').join()).toContain('since it holds all that was served');
  });

  test.each([
    ['a backend less', [TARGET]],
    ['a backend elsewhere', [TARGET, '10.0.0.3:80']],
  ])('with %s is not adopted by itself, however long it takes', async (_, targets) => {
    await using world = await servingWorld();
    const next = new SimulatedWorld(history('epoch-2'));
    await publishPool(next, targets);
    world.journal.replaceWith(next.journal.inner);
    await world.clock.advance(120_000);
    expect(world.node.status()).toMatchObject({
      epoch: 'epoch-1',
      backendsCount: 2,
      epochChange: { poolsCount: 1, missingCount: 1 },
      adoption: null,
    });
    expect(eligible(world.workers[0]!)).toEqual(['b-1', 'b-2']);
  });

  test('what was in it once may be changed there: everything was, one after the other', async () => {
    await using world = await servingWorld();
    world.journal.replaceWith(history('epoch-2'));
    await publishPool(world, [TARGET]);
    await world.clock.settle();
    await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: TARGET, weight: 7 });
    await world.clock.settle();
    expect(world.node.status().epochChange).toMatchObject({ to: 'epoch-2', missingCount: 1 });
    await world.publish('backend.p.b-2', { type: 'BackendRegistered', target: OTHER_TARGET });
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-2', epochChange: null });
  });

  test('with less is adopted by a person, without a gap for a target that is in both', async () => {
    await using world = await servingWorld();
    const changes: [Roster, Roster, number][] = [];
    let adoptionsCount = 0;
    world.node.onRosterChanged((before, after, { events }) => changes.push([before, after, events.length]));
    world.node.onEpochAdopted(() => (adoptionsCount += 1));
    const [worker] = world.workers;
    const seen = new Set<string>();
    worker!.onActed = () => seen.add(eligible(worker!).join());
    const before = world.node.roster();
    const next = new SimulatedWorld(history('epoch-2'));
    await publishPool(next, [TARGET, '10.0.0.3:80']);
    world.targets.answerByTarget.set('10.0.0.3:80', 'silent');
    world.journal.replaceWith(next.journal.inner);
    await world.clock.settle();
    expect(await world.node.adoptEpoch('cli:alice')).toMatchObject({ outcome: 'adopted' });
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-2', epochChange: null, state: 'serving', revision: 5 });
    expect(world.node.status().adoption).toMatchObject({ to: 'epoch-2', by: 'cli:alice' });
    expect(changes[0]).toMatchObject([before, { revision: 3 }, 0]);
    expect(adoptionsCount).toBe(1);
    expect([...seen]).toEqual(['b-1']);
    expect(world.targets.of(TARGET)).toHaveLength(1);
    expect(world.targets.of('10.0.0.3:80')).toHaveLength(1);
    await world.clock.settle();
    expect(await world.facts()).toEqual(['healthy b-1']);
    expect(world.healthOf('b-1')).toEqual({ recorded: 'healthy', pending: null });
    expect(world.node.roster().nodes.get('lb-1')!.state.value).toBe('started');
    expect(rosterHash(worker!.roster)).toBe(world.node.status().hash);
    expect(world.node.status().workers[0]).toMatchObject({ revision: world.node.status().revision });
    expect(world.logged('warn').join()).toContain('history epoch-2 is adopted at revision 3, with 1 pool(s)');
    await world.clock.advance(60_000);
    expect(world.logged('error')).toHaveLength(1);
  });

  test('is adopted at its end, and not before', async () => {
    await using world = await servingWorld();
    const next = new SimulatedWorld(history('epoch-2'));
    await next.publish('pool.p', { type: 'PoolDefined', ...HEALTH });
    for (let index = 0; index < 2_500; index++) await next.publish('node.lb-9', { type: 'NodeStarted' });
    await next.publish('backend.p.b-1', { type: 'BackendRegistered', target: TARGET });
    await next.publish('backend.p.b-2', { type: 'BackendRegistered', target: OTHER_TARGET });
    world.journal.replaceWith(next.journal.inner);
    await world.clock.settle();
    expect(world.logged('warn').join()).toContain('history epoch-2 is adopted at revision 2503');
  });

  test('what this node saw of a target while nothing could be appended is appended to the new one', async () => {
    await using world = await servingWorld();
    const empty = history('epoch-2');
    world.journal.replaceWith(empty);
    await world.clock.settle();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(5_000);
    await publishPool(world, [TARGET, OTHER_TARGET]);
    await world.clock.settle();
    expect((await world.facts()).sort()).toEqual(['healthy b-2', 'unhealthy b-1']);
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-2', pendingFactsCount: 0 });
    expect(eligible(world.workers[0]!)).toEqual(['b-2']);
  });

  test('it has lost what this node folded, whatever it is called', async () => {
    await using world = await servingWorld();
    const lost = new SimulatedWorld(history('epoch-1'));
    world.journal.replaceWith(lost.journal.inner);
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ backendsCount: 2, epochChange: { from: 'epoch-1', to: 'epoch-1' } });
    expect(world.logged('error').join()).toContain('has lost events of it');
    await publishPool(world, [TARGET, OTHER_TARGET, '10.0.0.3:80']);
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ backendsCount: 3, epochChange: null });
    expect(rosterHash(world.workers[0]!.roster)).toBe(world.node.status().hash);
  });

  test('a snapshot of what it has lost is not where the new roster begins', async () => {
    await using world = await servingWorld();
    const { epoch, revision, hash } = world.node.status();
    const lost = history('epoch-1');
    await lost.saveSnapshot({ epoch: epoch!, revision, hash, data: 'of the lost end' });
    world.journal.replaceWith(lost);
    await publishPool(world, [TARGET, OTHER_TARGET, '10.0.0.3:80']);
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ backendsCount: 3, epochChange: null });
  });

  test('gone again before it was adopted: the node follows the one that it serves, as if nothing had been', async () => {
    await using world = await servingWorld();
    const first = world.journal.inner;
    world.journal.replaceWith(history('epoch-2'));
    await world.clock.settle();
    world.journal.replaceWith(first);
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-1', epochChange: null });
    expect(world.logged('warn').join()).toContain('the journal is epoch-1 again');
    expect(await world.execute({ type: 'RemovePool', pool: 'p' })).toMatchObject({ outcome: 'appended' });
  });

  test('gone again before it was adopted: what the node found meanwhile is appended to the one that it serves', async () => {
    await using world = await servingWorld();
    const first = world.journal.inner;
    world.journal.replaceWith(history('epoch-2'));
    await world.clock.settle();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(6_000);
    expect(world.healthOf('b-1')).toEqual({ recorded: 'healthy', pending: 'BackendTurnedUnhealthy' });
    world.journal.replaceWith(first);
    await world.clock.settle();
    expect(world.healthOf('b-1')).toEqual({ recorded: 'unhealthy', pending: null });
    expect(world.node.status().pendingFactsCount).toBe(0);
  });

  test('a fact that went into it before anybody noticed goes on acting, and is what the new roster says', async () => {
    await using world = await servingWorld();
    for (let index = 0; index < 20; index++) await world.publish('node.lb-9', { type: 'NodeStarted' });
    await world.clock.settle();
    const next = new SimulatedWorld(history('epoch-2'));
    await publishPool(next, [TARGET, OTHER_TARGET]);
    world.journal.inner = next.journal.inner;
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(6_000);
    expect(await world.facts()).toEqual(['unhealthy b-1']);
    expect(world.healthOf('b-1')).toEqual({ recorded: 'healthy', pending: 'BackendTurnedUnhealthy' });
    expect(eligible(world.workers[0]!)).toEqual(['b-2']);
    world.journal.replaceWith(next.journal.inner);
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-2', pendingFactsCount: 0 });
    expect(world.healthOf('b-1')).toEqual({ recorded: 'unhealthy', pending: null });
    expect(await world.facts()).toEqual(['unhealthy b-1', 'healthy b-2']);
  });

  test('a fact that went into it before anybody noticed is appended to the one that is served, when that is back', async () => {
    await using world = await servingWorld();
    const first = world.journal.inner;
    const next = history('epoch-2');
    for (let index = 0; index < 50; index++) {
      const event = {
        id: `other-${index}`,
        subject: 'muster.demo.node.lb-9',
        origin: null,
        payload: '{"type":"NodeStarted"}',
      };
      await next.append(event);
    }
    world.journal.inner = next;
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(6_000);
    world.journal.replaceWith(next);
    await world.clock.settle();
    world.journal.replaceWith(first);
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-1', epochChange: null, pendingFactsCount: 0 });
    expect(world.healthOf('b-1')).toEqual({ recorded: 'unhealthy', pending: null });
  });

  test('twice in a row, and back to the first: each is adopted, and no reader holds two of them', async () => {
    await using world = await servingWorld();
    const first = world.journal.inner;
    const second = new SimulatedWorld(history('epoch-2'));
    for (let index = 0; index < 50; index++) await second.publish('node.lb-9', { type: 'NodeStarted' });
    await publishPool(second);
    const third = new SimulatedWorld(history('epoch-3'));
    await publishPool(third);
    for (const [journal, epoch] of [
      [second.journal.inner, 'epoch-2'],
      [third.journal.inner, 'epoch-3'],
      [first, 'epoch-1'],
    ] as const) {
      world.journal.replaceWith(journal);
      await world.clock.settle();
      await world.node.adoptEpoch();
      await world.clock.settle();
      await world.clock.settle();
      expect(world.node.status()).toMatchObject({ epoch, epochChange: null, pendingFactsCount: 0 });
      expect(rosterHash(world.workers[0]!.roster)).toBe(world.node.status().hash);
      expect(world.node.roster().nodes.get('lb-1')!.state.value).toBe('started');
      expect(eligible(world.workers[0]!)).toContain('b-1');
    }
    await second.clock.settle();
  });

  test('two that follow before one was read', async () => {
    await using world = await servingWorld();
    world.journal.replaceWith(history('epoch-2'));
    world.journal.replaceWith(history('epoch-3'));
    await world.clock.settle();
    expect(world.node.status().epochChange).toMatchObject({ from: 'epoch-1', to: 'epoch-3' });
    await publishPool(world, [TARGET, OTHER_TARGET]);
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-3', epochChange: null });
  });

  test.each(['unavailable', 'held'] as const)(
    'a fact whose append was %s in the old one is sent to the new one',
    async (answer) => {
      await using world = await servingWorld();
      world.journal.appendAnswer = answer;
      world.targets.answerByTarget.set(TARGET, REFUSE);
      await world.clock.advance(5_000);
      const next = new SimulatedWorld(history('epoch-2'));
      await publishPool(next, [TARGET, OTHER_TARGET]);
      world.journal.replaceWith(next.journal.inner);
      world.journal.appendAnswer = 'true';
      await world.clock.settle();
      for (const release of world.journal.heldAnswers) release();
      await world.clock.advance(5_000);
      expect((await world.facts()).sort()).toEqual(['healthy b-2', 'unhealthy b-1']);
      expect(world.node.status().pendingFactsCount).toBe(0);
    },
  );

  test('a worker that was behind in the old one is not taken for one that is ahead in the new one', async () => {
    await using world = await servingWorld();
    const [worker] = world.workers;
    worker!.isStalled = true;
    for (let index = 0; index < 20; index++) {
      await world.publish('backend.p.b-1', { type: 'BackendModeSet', mode: index % 2 === 0 ? 'drain' : 'ready' });
    }
    await world.clock.settle();
    const next = new SimulatedWorld(history('epoch-2'));
    await publishPool(next, [TARGET, OTHER_TARGET]);
    world.journal.replaceWith(next.journal.inner);
    await world.clock.settle();
    expect(world.node.status().epoch).toBe('epoch-2');
    expect(worker!.ofKind('roster')).toHaveLength(1);
    worker!.resume();
    await world.clock.settle();
    expect(worker!.ofKind('roster')).toHaveLength(2);
    expect(rosterHash(worker!.roster)).toBe(world.node.status().hash);
    expect(world.logged('error')).toHaveLength(1);
  });

  test('is waited for at a restart: the local snapshot is served until it holds all of that', async () => {
    const disk = new SimulatedDisk();
    await using former = new SimulatedWorld();
    await publishPool(former);
    await former.start({ localSnapshot: disk });
    await former.stop();
    await using world = new SimulatedWorld(history('epoch-2'));
    await world.start({ localSnapshot: disk, workers: 1 });
    expect(world.node.status()).toMatchObject({
      state: 'serving',
      isFromLocalSnapshot: true,
      epoch: 'epoch-1',
      epochChange: { from: 'epoch-1', to: 'epoch-2' },
    });
    expect(world.journal.appends).toEqual([]);
    expect(eligible(world.workers[0]!)).toEqual(['b-1']);
    await publishPool(world, [TARGET, OTHER_TARGET]);
    await world.clock.settle();
    await world.node.caughtUp();
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-2', isFromLocalSnapshot: false, backendsCount: 2 });
    await world.stop();
    expect(disk.stored).toMatchObject({ epoch: 'epoch-2' });
    expect(await world.journal.inner.loadSnapshot()).toMatchObject({ epoch: 'epoch-2' });
  });
});
