/** Commands through a node: decided, appended, folded, answered; also when many change the same thing. */
import { describe, expect, test } from 'vitest';
import { SimulatedWorld } from '../../testing/simulated-world.ts';

async function servingWorld(): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined' });
  await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.0.0.1:80' });
  await world.start();
  return world;
}

const drain = { type: 'SetBackendMode', pool: 'p', backend: 'b-1', mode: 'drain' } as const;

describe('execute', () => {
  test('is answered when the event is folded here', async () => {
    await using world = await servingWorld();
    const outcome = await world.execute(drain);
    expect(outcome).toEqual({ outcome: 'appended', revision: 4 });
    expect(world.node.roster().pools.get('p')!.backends.get('b-1')!.mode.value).toBe('drain');
    expect(await world.execute(drain)).toEqual({ outcome: 'unchanged', revision: 4 });
  });

  test('refuses what makes no sense, with a suggestion', async () => {
    await using world = await servingWorld();
    const outcome = await world.execute({ ...drain, backend: 'b-11' });
    expect(outcome).toMatchObject({ outcome: 'refused', reason: 'unknown-backend', suggestion: 'b-1' });
  });

  test('20 at once on one backend: each is decided on what the others did, and none is lost', async () => {
    await using world = await servingWorld();
    const commands = Array.from({ length: 20 }, (_, index) =>
      world.execute({ type: 'RegisterBackend', pool: 'p', backend: 'b-1', target: '10.0.0.1:80', weight: index + 2 }),
    );
    const outcomes = await Promise.all(commands);
    const appended = outcomes.filter(({ outcome }) => outcome === 'appended');
    const contended = outcomes.filter((outcome) => outcome.outcome === 'refused' && outcome.reason === 'contended');
    expect(appended.length + contended.length).toBe(20);
    expect(appended.length).toBeGreaterThanOrEqual(5);
    const { weight } = world.node.roster().pools.get('p')!.backends.get('b-1')!;
    const last = Math.max(...appended.map((outcome) => ('revision' in outcome ? outcome.revision : 0)));
    expect(weight.revision).toBe(last);
  });

  test('20 at once that want the same: one appends, the others find it done', async () => {
    await using world = await servingWorld();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => world.execute(drain)));
    expect(outcomes.filter(({ outcome }) => outcome === 'appended')).toHaveLength(1);
    expect(outcomes.filter(({ outcome }) => outcome === 'unchanged')).toHaveLength(19);
  });

  test('a backend that was removed can be registered again', async () => {
    await using world = await servingWorld();
    await world.execute({ type: 'DeregisterBackend', pool: 'p', backend: 'b-1' });
    const outcome = await world.execute({ type: 'RegisterBackend', pool: 'p', backend: 'b-1', target: '10.0.0.1:80' });
    expect(outcome.outcome).toBe('appended');
  });

  test('an event that the fold rejects is answered with the reason', async () => {
    await using world = await servingWorld();
    const removing = world.publish('pool.p', { type: 'PoolRemoved' });
    const outcome = await world.execute(drain);
    await removing;
    expect(outcome).toMatchObject({ outcome: 'refused', reason: 'invalid' });
    expect('message' in outcome && outcome.message).toContain('there is no pool "p"');
  });

  test('an event that would be too large is refused, and the journal never sees it', async () => {
    await using world = await servingWorld();
    const { revision } = world.node.roster();
    const routes = Array.from({ length: 256 }, (_, index) => ({ path: `/${index}-${'x'.repeat(300)}`, pool: 'p' }));
    const outcome = await world.execute({
      type: 'DefineListener',
      listener: 'wide',
      bind: '127.0.0.1:0',
      protocol: 'http',
      routes,
    });
    expect(outcome).toMatchObject({ outcome: 'refused', reason: 'invalid' });
    expect('message' in outcome && outcome.message).toContain('the limit is 65536');
    expect((await world.journal.head()).revision).toBe(revision);
  });

  test('the journal is away: nothing is stored, and the answer says so', async () => {
    await using world = await servingWorld();
    world.journal.appendAnswer = 'unavailable';
    expect(await world.execute(drain)).toMatchObject({ outcome: 'unavailable', isStored: 'no' });
  });

  test('an answer that was lost is asked for once more, and then it is not known', async () => {
    await using world = await servingWorld();
    world.journal.appendAnswer = 'lost';
    expect(await world.execute(drain)).toMatchObject({ outcome: 'unavailable', isStored: 'unknown' });
    expect(new Set(world.journal.appends.slice(-2).map(({ id }) => id)).size).toBe(1);
  });

  test('I9: more than 1,024 commands at once are turned away', async () => {
    await using world = await servingWorld();
    const outcomes = await Promise.all(
      Array.from({ length: 1_025 }, (_, index) =>
        world.execute({ type: 'RegisterBackend', pool: 'p', backend: `c-${index}`, target: '10.0.0.1:80' }),
      ),
    );
    expect(outcomes.filter(({ outcome }) => outcome === 'appended')).toHaveLength(1_024);
    expect(outcomes.at(-1)).toMatchObject({ outcome: 'unavailable', isStored: 'no' });
  });
});
