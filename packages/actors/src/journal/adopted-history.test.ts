/** A person's word on another history: take it as it is, or write all that is served into it before; and what a node writes ahead for itself. */
import { createMemoryJournal, type Journal } from '@muster/journal';
import { holdsAllOf, isEligible, poolSpecSchema, viewpointOf, withPendingFacts } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import type { SimulatedWorker } from '../../testing/simulated-worker.ts';
import { SimulatedWorld } from '../../testing/simulated-world.ts';

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

const poolSpec = () => poolSpecSchema.parse(HEALTH);

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

describe('adoptEpoch', () => {
  test('is refused where there is nothing to adopt, and unavailable while the journal is away', async () => {
    await using world = await servingWorld();
    expect(await world.node.adoptEpoch()).toMatchObject({ outcome: 'refused' });
    world.journal.goAway();
    expect(await world.node.adoptEpoch()).toEqual({ outcome: 'unavailable', message: 'the journal is away' });
    world.journal.comeBack();
    await world.stop();
    expect(await world.node.adoptEpoch()).toMatchObject({ outcome: 'refused' });
  });

  test('adopts an empty history', async () => {
    await using world = await servingWorld();
    world.journal.replaceWith(history('epoch-2'));
    await world.clock.settle();
    expect(await world.node.adoptEpoch()).toEqual({ outcome: 'adopted', epoch: 'epoch-2', revision: 0 });
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-2', epochChange: null, backendsCount: 0 });
    expect(eligible(world.workers[0]!)).toEqual([]);
    expect(world.node.roster().nodes.get('lb-1')!.state.value).toBe('started');
  });

  test('adopts one that the node has not noticed yet', async () => {
    await using world = await servingWorld();
    world.journal.replaceWith(history('epoch-2'));
    expect(await world.node.adoptEpoch()).toMatchObject({ outcome: 'adopted', epoch: 'epoch-2' });
  });

  test('makes a journal anew that is gone, and adopts that', async () => {
    await using world = await servingWorld();
    world.journal.remove();
    await world.clock.advance(10_000);
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-1', epochChange: null, backendsCount: 2 });
    expect(world.node.status().journalAwaySinceMs).not.toBeNull();
    const declared: ReturnType<typeof world.execute>[] = [];
    world.node.onEpochAdopted(() => void declared.push(world.execute({ type: 'DefinePool', pool: 'p', ...HEALTH })));
    expect(await world.node.adoptEpoch()).toEqual({ outcome: 'adopted', epoch: 'renewed-1', revision: 0 });
    expect(await Promise.all(declared)).toMatchObject([{ outcome: 'appended' }]);
    await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: TARGET });
    await world.clock.settle();
    expect(world.node.status()).toMatchObject({ epoch: 'renewed-1', backendsCount: 1, journalAwaySinceMs: null });
  });

  test('gives the other history a minute to be read', async () => {
    await using world = await servingWorld();
    world.journal.follow = async function* ({ signal }) {
      while (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
      yield* [];
    };
    world.journal.replaceWith(history('epoch-2'));
    await world.clock.settle();
    const asked = world.node.adoptEpoch();
    await world.clock.advance(60_000);
    expect(await asked).toMatchObject({
      outcome: 'unavailable',
      message: expect.stringContaining('was not read to its end, and prepared, within 60 s'),
    });
  });

  test('two at once are one', async () => {
    await using world = await servingWorld();
    world.journal.replaceWith(history('epoch-2'));
    const outcomes = await Promise.all([world.node.adoptEpoch(), world.node.adoptEpoch()]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['adopted', 'adopted']);
  });
});

describe('restoreHistory', () => {
  const HELD = ['pool p', 'b-1', 'b-2', 'mode of b-2', 'listener web'];

  /** Two backends, one of them drained by somebody, and a listener. */
  async function drainedWorld(): Promise<SimulatedWorld> {
    const world = await servingWorld();
    await world.publish('backend.p.b-2', { type: 'BackendModeSet', mode: 'drain', reason: 'disk' });
    await world.publish('listener.web', { type: 'ListenerDefined', bind: '127.0.0.1:80', pool: 'p' });
    await world.clock.settle();
    return world;
  }

  test.each(['gone', 'empty', 'of a node with another config'] as const)(
    'what is served is shown and then written into a history that is %s, and no request sees a gap',
    async (kind) => {
      await using world = await drainedWorld();
      const [worker] = world.workers;
      const next = new SimulatedWorld(history('epoch-2'));
      if (kind === 'gone') world.journal.remove();
      else {
        if (kind !== 'empty') {
          await next.publish('pool.p', { type: 'PoolDefined', policy: 'random' });
          await next.publish('backend.p.other', { type: 'BackendRegistered', target: '10.0.0.9:80' });
        }
        world.journal.replaceWith(next.journal.inner);
      }
      await world.clock.advance(10_000);
      const before = world.node.roster();
      const seen = new Set<string>();
      worker!.onActed = () =>
        seen.add(
          eligible(worker!)
            .filter((id) => id !== 'other')
            .join(),
        );
      const shown = await world.node.missingHistory();
      expect(shown).toMatchObject({ outcome: 'shown', epoch: kind === 'gone' ? null : 'epoch-2' });
      expect(shown.outcome === 'shown' && shown.steps).toHaveLength(HELD.length);
      const restoring = world.node.restoreHistory('cli:alice');
      await world.clock.settle();
      expect(await restoring).toMatchObject({ outcome: 'adopted' });
      await world.clock.settle();
      const after = world.node.roster();
      const { epochChange, adoption } = world.node.status();
      expect(epochChange).toBeNull();
      expect(adoption).toMatchObject({ from: 'epoch-1', by: 'cli:alice' });
      expect(holdsAllOf(after, before)).toBe(true);
      expect(after.pools.get('p')!.backends.get('b-2')!.mode).toMatchObject({ value: 'drain', reason: 'disk' });
      expect([...seen]).toEqual(['b-1']);
      expect(await world.node.missingHistory()).toMatchObject({ outcome: 'refused' });
    },
  );

  test('is refused where nothing is lost, and adopts nothing where the journal does not take it', async () => {
    await using world = await drainedWorld();
    expect(await world.node.restoreHistory('cli:alice')).toMatchObject({ outcome: 'refused' });
    world.journal.replaceWith(history('epoch-2'));
    await world.clock.settle();
    world.journal.appendAnswer = 'refused';
    const restoring = world.node.restoreHistory('cli:alice');
    await world.clock.settle();
    expect(await restoring).toMatchObject({
      outcome: 'unavailable',
      message: expect.stringContaining('not permitted') as string,
    });
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-1', backendsCount: 2 });
    world.journal.appendAnswer = 'true';
    const again = world.node.restoreHistory('cli:alice');
    await world.clock.settle();
    expect(await again).toMatchObject({ outcome: 'adopted', epoch: 'epoch-2' });
  });
});

describe('onAdopting', () => {
  test('what is written ahead is there at the turn of the swap', async () => {
    await using world = await servingWorld();
    const [worker] = world.workers;
    const seen = new Set<string>();
    worker!.onActed = () => seen.add(eligible(worker!).join());
    world.node.onAdopting(async (successor) => {
      expect(successor.roster().pools.size).toBe(0);
      await successor.execute({ type: 'DefinePool', pool: 'p', ...poolSpec() }, 'config:lb-1');
      await successor.execute(
        { type: 'RegisterBackend', pool: 'p', backend: 'b-1', target: TARGET, weight: 1 },
        'config:lb-1',
      );
    });
    world.journal.replaceWith(history('epoch-2'));
    await world.clock.settle();
    const adopting = world.node.adoptEpoch('cli:alice');
    await world.clock.settle();
    expect(await adopting).toMatchObject({ outcome: 'adopted', revision: 2 });
    await world.clock.settle();
    expect([...seen]).toEqual(['b-1']);
    expect(world.node.status()).toMatchObject({ epoch: 'epoch-2', backendsCount: 1 });
  });

  test('who does not come to an end is not waited for', async () => {
    await using world = await servingWorld();
    world.node.onAdopting(() => new Promise(() => undefined));
    world.journal.replaceWith(history('epoch-2'));
    await world.clock.settle();
    const adopting = world.node.adoptEpoch('cli:alice');
    await world.clock.advance(10_000);
    expect(await adopting).toMatchObject({ outcome: 'adopted' });
  });
});
