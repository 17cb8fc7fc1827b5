/** What this node knows of a target passes to whoever has it next. */
import { describe, expect, test } from 'vitest';
import { REFUSE, SimulatedWorld } from '../../testing/simulated-world.ts';

const TARGET = '10.0.0.1:80';
const HEALTH = { http: '/healthz', intervalMs: 5_000 };

async function worldWithKnownBackend(): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined', health: HEALTH });
  await world.publish('backend.p.old', { type: 'BackendRegistered', target: TARGET });
  await world.start({ workers: 1 });
  await world.clock.advance(100);
  return world;
}

describe('a backend whose target another one has', () => {
  test('counts as healthy at once, before its own first probe, and the fact says from where', async () => {
    await using world = await worldWithKnownBackend();
    world.targets.answerByTarget.set(TARGET, 'silent');
    await world.publish('pool.q', { type: 'PoolDefined', health: { ...HEALTH, intervalMs: 9_000 } });
    await world.publish('backend.q.new', { type: 'BackendRegistered', target: TARGET });
    await world.clock.settle();
    expect(world.healthOf('new', 'q').recorded).toBe('healthy');
    const { observations } = world.node.roster().pools.get('q')!.backends.get('new')!;
    expect(observations[0]!.health.reason).toBe('known from p/old, which has the same target');
  });

  test('counts as unhealthy at once where its target is known to be down', async () => {
    const world = new SimulatedWorld();
    await using _ = world;
    world.targets.answerByTarget.set(TARGET, REFUSE);
    await world.publish('pool.p', { type: 'PoolDefined', health: HEALTH });
    await world.publish('backend.p.old', { type: 'BackendRegistered', target: TARGET });
    await world.start();
    await world.clock.advance(100);
    world.targets.answerByTarget.set(TARGET, 'silent');
    await world.publish('backend.p.new', { type: 'BackendRegistered', target: TARGET });
    await world.clock.settle();
    expect(world.healthOf('new').recorded).toBe('unhealthy');
  });

  test('hears of it also when the other one is removed in the same batch', async () => {
    await using world = await worldWithKnownBackend();
    world.targets.answerByTarget.set(TARGET, 'silent');
    await Promise.all([
      world.publish('backend.p.old', { type: 'BackendDeregistered' }),
      world.publish('backend.p.new', { type: 'BackendRegistered', target: TARGET }),
    ]);
    await world.clock.settle();
    expect(world.healthOf('new').recorded).toBe('healthy');
  });

  test('is asked for itself where the check is another one', async () => {
    await using world = await worldWithKnownBackend();
    world.targets.answerByTarget.set(TARGET, 'silent');
    await world.publish('pool.q', { type: 'PoolDefined', health: { ...HEALTH, http: '/ready' } });
    await world.publish('backend.q.new', { type: 'BackendRegistered', target: TARGET });
    await world.clock.settle();
    expect(world.healthOf('new', 'q')).toEqual({ recorded: 'unknown', pending: null });
  });
});
