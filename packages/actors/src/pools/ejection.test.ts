/** Passive ejection: what the workers' traffic found failing leaves the pool for a while, and comes back. */
import { createMemoryJournal, type Journal } from '@muster/journal';
import { eligibility, viewpointOf, withPendingFacts, type Eligibility } from '@muster/membership';
import { describe, expect, test } from 'vitest';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { REFUSE, SimulatedWorld } from '../../testing/simulated-world.ts';

const REASON = '5 failures in a row: connection refused';

interface SceneOptions {
  readonly pool?: object;
  readonly backends?: number;
  readonly workers?: number;
}

/** A node that serves pool `p` of b-1, b-2, …, on a journal whose times are the simulated clock's. */
async function servingWorld({ pool = {}, backends = 2, workers = 1 }: SceneOptions = {}): Promise<SimulatedWorld> {
  const clock = new SimulatedClock();
  const journal = createMemoryJournal({ epoch: 'epoch-1', now: () => clock.now() });
  const world = new SimulatedWorld(journal, clock);
  await world.publish('pool.p', { type: 'PoolDefined', ...pool });
  for (let index = 1; index <= backends; index++) {
    await world.publish(`backend.p.b-${index}`, { type: 'BackendRegistered', target: targetOf(index) });
  }
  await startServing(world, workers);
  return world;
}

async function startServing(world: SimulatedWorld, workers = 1): Promise<void> {
  await world.start({ workers });
  await world.clock.advance(100);
}

function targetOf(index: number): string {
  return `10.0.0.${index}:80`;
}

interface ReportOptions {
  readonly worker?: number;
  readonly target?: string;
}

async function report(world: SimulatedWorld, index: number, options: ReportOptions = {}): Promise<void> {
  const { worker = 0, target = targetOf(index) } = options;
  const outlier = { pool: 'p', backend: `b-${index}`, target, failures: 5, reason: REASON };
  world.workers[worker]!.report({ kind: 'outlier', ...outlier });
  await world.clock.settle();
}

function eligibilityOf({ node }: SimulatedWorld, index: number): Eligibility {
  const { spec, backends } = node.roster().pools.get('p')!;
  const backend = withPendingFacts(backends.get(`b-${index}`)!, 'lb-1', node.pending());
  return eligibility(backend, spec, viewpointOf(node.roster(), 'lb-1'));
}

describe('an outlier', () => {
  test('is ejected for 30 s, and then reinstated', async () => {
    await using world = await servingWorld();
    await report(world, 1);
    expect(await world.facts()).toEqual(['ejected b-1']);
    await world.clock.advance(29_999);
    expect(eligibilityOf(world, 1).isEligible).toBe(false);
    await world.clock.advance(1);
    expect(eligibilityOf(world, 1)).toEqual({ isEligible: true });
    expect(await reasons(world.journal)).toEqual([`${REASON}; out for 30 s`, 'its time is up']);
  });

  test('I8: what keeps it out names the event, before and after the journal has it', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    await report(world, 1);
    const why = { isEligible: false, axis: 'ejection', value: 'ejected', reason: `${REASON}; out for 30 s` };
    expect(eligibilityOf(world, 1)).toEqual({ ...why, revision: 0 });
    world.journal.comeBack();
    await world.clock.advance(6_000);
    const { revision } = world.node.roster().pools.get('p')!.backends.get('b-1')!.observations[0]!.ejection;
    expect(eligibilityOf(world, 1)).toEqual({ ...why, revision });
    expect(JSON.parse((await events(world.journal)).get(revision)!)).toMatchObject({ type: 'BackendEjected' });
  });

  test('that two workers report is ejected once', async () => {
    await using world = await servingWorld({ workers: 2 });
    const outlier = { pool: 'p', backend: 'b-1', target: targetOf(1), failures: 5, reason: REASON };
    for (const worker of world.workers) worker.report({ kind: 'outlier', ...outlier });
    await world.clock.settle();
    expect(await world.facts()).toEqual(['ejected b-1']);
    expect(world.workers.map(({ pendingById }) => pendingById.size)).toEqual([0, 0]);
  });

  test.each([
    ['has another target by now', 1, '10.9.9.9:80'],
    ['is nobody', 7, '10.0.0.7:80'],
  ])('that %s is left alone', async (_name, index, target) => {
    await using world = await servingWorld();
    await report(world, index, { target });
    expect(await world.facts()).toEqual([]);
  });

  test('is left alone where the pool ejects nobody', async () => {
    await using world = await servingWorld({ pool: { ejection: false } });
    await report(world, 1);
    expect(await world.facts()).toEqual([]);
  });

  test('is left alone where it gets no traffic anyway', async () => {
    await using world = await servingWorld();
    await world.publish('backend.p.b-1', { type: 'BackendModeSet', mode: 'drain' });
    await world.clock.settle();
    await report(world, 1);
    expect(await world.facts()).toEqual([]);
  });
});

describe('how many', () => {
  test('never the last eligible backend', async () => {
    await using world = await servingWorld({ backends: 2, pool: { ejection: { maxRatio: 1 } } });
    await report(world, 1);
    await report(world, 2);
    expect(await world.facts()).toEqual(['ejected b-1']);
    expect(world.logged('warn')).toEqual([
      `backend p/b-2 fails and is not ejected: it is the last eligible backend (${REASON})`,
    ]);
  });

  test('an unhealthy one does not count as another', async () => {
    await using world = await servingWorld({
      backends: 2,
      pool: { health: { tcp: true, intervalMs: 5_000, rise: 1, fall: 1 } },
    });
    world.targets.answerByTarget.set(targetOf(2), REFUSE);
    await world.clock.advance(5_000);
    await report(world, 1);
    expect(world.ejectionOf('b-1')).toEqual({ recorded: 'admitting', pending: null });
  });

  test.each([
    { name: 'one of a small pool', backends: 3, maxRatio: 0.1, count: 1 },
    { name: 'a tenth', backends: 20, maxRatio: 0.1, count: 2 },
    { name: 'one even if the ratio is 0', backends: 3, maxRatio: 0, count: 1 },
    { name: 'half', backends: 5, maxRatio: 0.5, count: 2 },
  ])('$name', async ({ backends, maxRatio, count }) => {
    await using world = await servingWorld({ backends, pool: { ejection: { maxRatio } } });
    for (let index = 1; index <= backends; index++) await report(world, index);
    const expected = Array.from({ length: count }, (_, index) => `ejected b-${index + 1}`);
    expect(await world.facts()).toEqual(expected);
    expect(world.logged('warn')).toEqual([
      `backend p/b-${count + 1} fails and is not ejected: ` +
        `${count} of its ${backends} backends are ejected, and no more may be (${REASON})`,
    ]);
  });

  test('another one when one is back', async () => {
    await using world = await servingWorld({ backends: 3 });
    await report(world, 1);
    await report(world, 2);
    await world.clock.advance(30_000);
    await report(world, 2);
    expect(await world.facts()).toEqual(['ejected b-1', 'reinstated b-1', 'ejected b-2']);
  });
});

describe('how long', () => {
  const pool = { ejection: { baseMs: 1_000, maxMs: 2_500 } };

  test('longer each time, at most maxMs', async () => {
    await using world = await servingWorld({ pool });
    for (const durationMs of [1_000, 2_000, 2_500, 2_500]) {
      await report(world, 1);
      await world.clock.advance(durationMs - 1);
      expect(eligibilityOf(world, 1).isEligible).toBe(false);
      await world.clock.advance(1);
      expect(eligibilityOf(world, 1).isEligible).toBe(true);
    }
  });

  test('an ejection is forgiven when the backend has stayed for as long as it was out', async () => {
    await using world = await servingWorld({ pool });
    const durations = async () =>
      (await reasons(world.journal)).filter((reason) => reason.includes('out for')).map((reason) => reason.slice(-3));
    await report(world, 1);
    await world.clock.advance(1_000 + 999);
    await report(world, 1);
    expect(await durations()).toEqual(['1 s', '2 s']);
    await world.clock.advance(2_000 + 2_000);
    await report(world, 1);
    expect(await durations()).toEqual(['1 s', '2 s', '2 s']);
    await world.clock.advance(2_000 + 2_000 + 1_000);
    await report(world, 1);
    expect(await durations()).toEqual(['1 s', '2 s', '2 s', '1 s']);
  });

  test('nothing is left of an ejection that was forgiven', async () => {
    await using world = await servingWorld({ pool });
    const before = world.clock.armedCount;
    await report(world, 1);
    await world.clock.advance(2_000);
    expect(world.clock.armedCount).toBe(before);
  });
});

describe('it ends early', () => {
  test('when its probes pass again', async () => {
    const health = { tcp: true, intervalMs: 5_000, rise: 1, fall: 1 };
    await using world = await servingWorld({ pool: { health } });
    await report(world, 1);
    world.targets.answerByTarget.set(targetOf(1), REFUSE);
    await world.clock.advance(5_000);
    expect(eligibilityOf(world, 1).isEligible).toBe(false);
    world.targets.answerByTarget.delete(targetOf(1));
    await world.clock.advance(5_000);
    expect(eligibilityOf(world, 1)).toEqual({ isEligible: true });
    expect((await reasons(world.journal)).at(-1)).toBe('turned healthy: probe passed');
    await world.clock.advance(60_000);
    expect((await world.facts()).filter((fact) => fact.endsWith('ed b-1'))).toEqual(['ejected b-1', 'reinstated b-1']);
  });

  test('not because its probes have passed all the time', async () => {
    const health = { tcp: true, intervalMs: 5_000 };
    await using world = await servingWorld({ pool: { health } });
    await report(world, 1);
    await world.clock.advance(20_000);
    expect(world.ejectionOf('b-1').recorded).toBe('ejected');
  });

  test('when it gets another target, which begins with nothing counted', async () => {
    await using world = await servingWorld();
    await report(world, 1);
    await world.publish('backend.p.b-1', { type: 'BackendRegistered', target: '10.1.1.1:80' });
    await world.clock.settle();
    expect(eligibilityOf(world, 1)).toEqual({ isEligible: true });
    await report(world, 1, { target: '10.1.1.1:80' });
    await world.clock.advance(30_000);
    expect(await world.facts()).toEqual(['ejected b-1', 'ejected b-1', 'reinstated b-1']);
  });

  test('when the pool ejects nobody any more', async () => {
    await using world = await servingWorld();
    await report(world, 1);
    await world.publish('pool.p', { type: 'PoolDefined', ejection: false });
    await world.clock.settle();
    expect(eligibilityOf(world, 1)).toEqual({ isEligible: true });
    expect((await reasons(world.journal)).at(-1)).toBe('the pool ejects nobody any more');
  });

  test('when somebody says so in the name of this node', async () => {
    await using world = await servingWorld();
    await report(world, 1);
    const event = { type: 'BackendReinstated', target: targetOf(1), reason: 'mended' } as const;
    await world.publish('health.lb-1.p.b-1', event);
    await world.clock.advance(60_000);
    expect(await world.facts()).toEqual(['ejected b-1', 'reinstated b-1']);
  });

  test('with the pool, and says nothing then', async () => {
    await using world = await servingWorld();
    await report(world, 1);
    await world.publish('pool.p', { type: 'PoolRemoved' });
    await world.clock.advance(60_000);
    expect(await world.facts()).toEqual(['ejected b-1']);
  });
});

describe('I6: the journal is away', () => {
  test('an ejection acts at once, here and in the workers, and is recorded later', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    await report(world, 1);
    expect(world.ejectionOf('b-1')).toEqual({ recorded: 'admitting', pending: 'BackendEjected' });
    expect([...world.workers[0]!.pendingById.values()].map(({ event }) => event.type)).toEqual(['BackendEjected']);
    world.journal.comeBack();
    await world.clock.advance(6_000);
    expect(world.ejectionOf('b-1')).toEqual({ recorded: 'ejected', pending: null });
    expect(world.workers[0]!.pendingById.size).toBe(0);
  });

  test('one that is over by then is not recorded at all', async () => {
    await using world = await servingWorld();
    world.journal.goAway();
    await report(world, 1);
    await world.clock.advance(30_000);
    expect(eligibilityOf(world, 1)).toEqual({ isEligible: true });
    world.journal.comeBack();
    await world.clock.advance(6_000);
    expect(await world.facts()).toEqual([]);
    expect(world.node.status().pendingFactsCount).toBe(0);
  });

  test('the ratio holds by what this node has ejected, recorded or not', async () => {
    await using world = await servingWorld({ backends: 3 });
    world.journal.goAway();
    await report(world, 1);
    await report(world, 2);
    expect(world.ejectionOf('b-2').pending).toBeNull();
  });

  test('an ejection that another history does not know is said again', async () => {
    await using world = await servingWorld();
    await report(world, 1);
    const other = createMemoryJournal({ epoch: 'epoch-2', now: () => world.clock.now() });
    const past: [string, object][] = [['pool.p', { type: 'PoolDefined' }]];
    for (const index of [1, 2])
      past.push([`backend.p.b-${index}`, { type: 'BackendRegistered', target: targetOf(index) }]);
    for (const [entity, event] of past) {
      const subject = `muster.demo.${entity}`;
      await other.append({ id: entity, subject, origin: 'test', payload: JSON.stringify(event) });
    }
    world.journal.replaceWith(other);
    await world.clock.advance(20_000);
    expect(world.node.status().epoch).toBe('epoch-2');
    expect(world.ejectionOf('b-1')).toEqual({ recorded: 'ejected', pending: null });
    await world.clock.advance(10_000);
    expect(await world.facts()).toEqual(['ejected b-1', 'reinstated b-1']);
  });
});

describe('the node is started again', () => {
  test('who was ejected gets the rest of the time, as a first ejection', async () => {
    await using first = await servingWorld();
    await report(first, 1);
    await first.clock.advance(10_000);
    await first.stop();
    await using second = new SimulatedWorld(first.journal.inner, first.clock);
    await startServing(second);
    expect(eligibilityOf(second, 1).isEligible).toBe(false);
    await second.clock.advance(20_000);
    expect(eligibilityOf(second, 1)).toEqual({ isEligible: true });
  });

  test('who would be back by now is reinstated at once', async () => {
    await using first = await servingWorld();
    await report(first, 1);
    await first.stop();
    await first.clock.advance(100_000);
    await using second = new SimulatedWorld(first.journal.inner, first.clock);
    await startServing(second);
    expect(eligibilityOf(second, 1)).toEqual({ isEligible: true });
    expect(await second.facts()).toEqual(['ejected b-1', 'reinstated b-1']);
  });

  test('nobody is out for longer than a term, whatever the clocks say', async () => {
    await using first = await servingWorld();
    await report(first, 1);
    await first.stop();
    first.clock.step(-3_600_000);
    await using second = new SimulatedWorld(first.journal.inner, first.clock);
    await startServing(second);
    await second.clock.advance(30_000);
    expect(eligibilityOf(second, 1)).toEqual({ isEligible: true });
  });
});

async function events(journal: Pick<Journal, 'read'>): Promise<Map<number, string>> {
  const payloads = new Map<number, string>();
  for await (const { revision, payload } of journal.read()) payloads.set(revision, payload);
  return payloads;
}

/** Of the ejections and reinstatements in the journal. */
async function reasons(journal: Pick<Journal, 'read'>): Promise<string[]> {
  const all = [...(await events(journal)).values()].map((payload) => JSON.parse(payload) as Record<string, string>);
  return all.filter(({ type }) => /Ejected|Reinstated/.test(type!)).map(({ reason }) => reason!);
}
