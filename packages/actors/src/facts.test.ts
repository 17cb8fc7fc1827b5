/** Facts and the journal: what a node saw acts at once, and is appended when the journal takes it. */
import { describe, expect, test } from 'vitest';
import { PASS, REFUSE, SimulatedWorld } from './simulated-world.ts';

const TARGET = '10.0.0.1:80';

async function servingWorld({ workers = 0 } = {}): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined', health: { tcp: true, intervalMs: 5_000, rise: 1, fall: 1 } });
  await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: TARGET });
  await world.start({ workers });
  return world;
}

describe('I6: the journal is away', () => {
  test('the fact acts at once, here and in the workers, and is appended when the journal is back', async () => {
    await using world = await servingWorld({ workers: 1 });
    world.journal.goAway();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(5_000);
    expect(world.healthOf('b-1')).toEqual({ recorded: 'healthy', pending: 'BackendTurnedUnhealthy' });
    expect([...world.workers[0]!.pendingById.values()].map(({ event }) => event.reason)).toEqual(['connect refused']);
    expect(world.node.status()).toMatchObject({ state: 'serving', pendingFactsCount: 1 });
    expect(world.node.status().journalAwaySinceMs).not.toBeNull();
    world.journal.comeBack();
    await world.clock.advance(6_000);
    expect(world.healthOf('b-1')).toEqual({ recorded: 'unhealthy', pending: null });
    expect(world.workers[0]!.pendingById.size).toBe(0);
    expect(world.node.status().journalAwaySinceMs).toBeNull();
    expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  });

  test('probes go on, and only the newest fact of a backend is kept', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    for (const answer of [REFUSE, PASS, REFUSE, PASS, REFUSE]) {
      world.targets.answerByTarget.set(TARGET, answer);
      await world.clock.advance(5_000);
      expect(world.node.status().pendingFactsCount).toBe(1);
    }
    world.journal.comeBack();
    await world.clock.advance(6_000);
    expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  });

  test('a fact that says what is recorded already is not appended', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.clock.advance(5_000);
    world.targets.answerByTarget.set(TARGET, PASS);
    await world.clock.advance(5_000);
    world.journal.comeBack();
    await world.clock.advance(6_000);
    expect(world.healthOf('b-1')).toEqual({ recorded: 'healthy', pending: null });
    expect(await world.facts()).toEqual(['healthy b-1']);
  });

  test('nothing is appended until it has been read again, and then at once', async () => {
    await using world = await servingWorld();
    world.journal.saysAway = true;
    world.journal.goAway();
    world.targets.answerByTarget.set(TARGET, REFUSE);
    const before = world.journal.appends.length;
    await world.clock.advance(60_000);
    expect(world.healthOf('b-1').pending).toBe('BackendTurnedUnhealthy');
    expect(world.journal.appends.length).toBe(before);
    world.journal.comeBack();
    await world.clock.settle();
    expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  });
});

test('a journal that can be read and takes nothing is tried every 100 ms to 5 s', async () => {
  await using world = await servingWorld();
  world.journal.appendAnswer = 'unavailable';
  world.targets.answerByTarget.set(TARGET, REFUSE);
  await world.clock.advance(5_000);
  const before = world.journal.appends.length;
  await world.clock.advance(60_000);
  const tries = world.journal.appends.length - before;
  expect(tries).toBeGreaterThan(12);
  expect(tries).toBeLessThan(30);
});

test('an answer that was lost is asked for again with the same id', async () => {
  await using world = await servingWorld();
  world.journal.appendAnswer = 'lost';
  world.targets.answerByTarget.set(TARGET, REFUSE);
  await world.clock.advance(5_000);
  world.journal.appendAnswer = 'true';
  await world.clock.advance(1_000);
  expect(await world.facts()).toEqual(['healthy b-1', 'unhealthy b-1']);
  expect(world.healthOf('b-1')).toEqual({ recorded: 'unhealthy', pending: null });
});

test('a refused fact is not tried again, is logged, and still acts on this node', async () => {
  await using world = await servingWorld();
  world.journal.appendAnswer = 'refused';
  world.targets.answerByTarget.set(TARGET, REFUSE);
  await world.clock.advance(30_000);
  expect(world.journal.appends.filter(({ subject }) => subject.includes('.health.'))).toHaveLength(2);
  expect(world.logged('error')).toEqual(['the journal refused a fact about p/b-1: not permitted']);
  expect(world.healthOf('b-1').pending).toBe('BackendTurnedUnhealthy');
  world.journal.appendAnswer = 'true';
  await world.publish('backend.p.b-1', { type: 'BackendDeregistered' });
  await world.clock.settle();
  expect(world.node.status().pendingFactsCount).toBe(0);
});

test('a fact about a target that has left is dropped', async () => {
  await using world = await servingWorld();
  world.journal.appendAnswer = 'unavailable';
  world.targets.answerByTarget.set(TARGET, REFUSE);
  world.targets.answerByTarget.set('10.0.0.2:80', 'silent');
  await world.clock.advance(5_000);
  await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.2:80' });
  await world.clock.settle();
  expect(world.node.status().pendingFactsCount).toBe(0);
  world.journal.appendAnswer = 'true';
  await world.clock.advance(1_000);
  expect(await world.facts()).toEqual(['healthy b-1']);
});

test('no reader sees a gap: a fact is settled in the turn in which its event is folded', async () => {
  await using world = await servingWorld();
  const seen: string[] = [];
  world.node.onRosterChanged(() => {
    const { recorded, pending } = world.healthOf('b-1');
    seen.push(`${recorded} ${pending}`);
  });
  world.targets.answerByTarget.set(TARGET, REFUSE);
  await world.clock.advance(5_000);
  expect(seen).toEqual(['unhealthy null']);
});
