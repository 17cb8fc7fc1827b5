/** What a node hands over of what it sees: enough to judge again, and to check a journal long afterwards. */
import { createMemoryJournal } from '@muster/journal';
import { fold, emptyRoster, rosterHash } from '@muster/membership';
import type { HashPoint, Observation } from '@muster/observations';
import { describe, expect, test } from 'vitest';
import { SimulatedCluster } from '../../testing/simulated-cluster.ts';
import { PASS, REFUSE, SimulatedWorld } from '../../testing/simulated-world.ts';

const HEALTH = { tcp: true, intervalMs: 5_000, rise: 2, fall: 3 } as const;
const FAULT = { passed: false, code: 'local_fault', reason: 'no file handle left', durationMs: 0 } as const;

async function worldWithBackend(): Promise<SimulatedWorld> {
  const world = new SimulatedWorld();
  await world.publish('pool.p', { type: 'PoolDefined', health: HEALTH });
  await world.publish('backend.p.b', { type: 'BackendRegistered', target: '10.0.0.1:80' });
  return world;
}

/** Without hashes, in short: `began healthy`, `passed`, `connect_refused`, `turned unhealthy`, `ended`. */
function probing({ observations }: SimulatedWorld): string[] {
  return observations.flatMap((one) => {
    switch (one.kind) {
      case 'probing-began':
        return [`began ${one.health} at ${one.target}`];
      case 'probe':
        return [one.code ?? 'passed'];
      case 'turned':
        return [`turned ${one.health}: ${one.reason}`];
      case 'probing-ended':
        return ['ended'];
      default:
        return [];
    }
  });
}

const hashes = (observations: readonly Observation[]): HashPoint[] =>
  observations.filter((one): one is HashPoint => one.kind === 'hash');

describe('probing', () => {
  test('each probe is told, with its end and its duration, and each turn of the judgement after the probe that made it', async () => {
    await using world = await worldWithBackend();
    world.targets.answerByTarget.set('10.0.0.1:80', { ...PASS, durationMs: 3.5 });
    await world.start();
    const startMs = world.clock.now();
    world.targets.answerByTarget.set('10.0.0.1:80', REFUSE);
    await world.clock.advance(8_000);
    const about = { pool: 'p', backend: 'b', target: '10.0.0.1:80' };
    expect(world.observations.filter(({ kind }) => kind !== 'hash')).toEqual([
      {
        kind: 'probing-began',
        timeMs: startMs,
        ...about,
        policy: expect.objectContaining(HEALTH) as unknown,
        health: 'unknown',
      },
      { kind: 'probe', timeMs: startMs, ...about, passed: true, code: null, reason: null, durationMs: 3.5 },
      { kind: 'turned', timeMs: startMs, ...about, health: 'healthy', reason: 'probe passed' },
      ...[5_000, 6_000, 7_000].map((afterMs) => ({
        kind: 'probe',
        timeMs: startMs + afterMs,
        ...about,
        passed: false,
        code: 'connect_refused',
        reason: 'connection refused',
        durationMs: 1,
      })),
      { kind: 'turned', timeMs: startMs + 7_000, ...about, health: 'unhealthy', reason: 'connection refused' },
    ]);
  });

  test('it begins and ends with what operators do', async () => {
    await using world = await worldWithBackend();
    await world.start();
    await world.execute({ type: 'SetBackendMode', pool: 'p', backend: 'b', mode: 'maint' });
    await world.clock.settle();
    await world.execute({ type: 'SetBackendMode', pool: 'p', backend: 'b', mode: 'ready' });
    await world.clock.settle();
    await world.publish('backend.p.b', { type: 'BackendRegistered', target: '10.0.0.2:80' });
    await world.clock.settle();
    await world.publish('pool.p', { type: 'PoolDefined', health: { ...HEALTH, fall: 5 } });
    await world.clock.settle();
    await world.stop();
    expect(probing(world)).toEqual(
      [
        ['began unknown at 10.0.0.1:80', 'passed', 'turned healthy: probe passed', 'ended'],
        ['began healthy at 10.0.0.1:80', 'passed', 'ended'],
        ['began unknown at 10.0.0.2:80', 'passed', 'turned healthy: probe passed', 'ended'],
        ['began healthy at 10.0.0.2:80', 'passed', 'ended'],
      ].flat(),
    );
  });

  test('what a prober thinks is told anew every ten minutes', async () => {
    await using world = await worldWithBackend();
    await world.start();
    const startMs = world.clock.now();
    await world.clock.advance(599_000);
    world.targets.answerByTarget.set('10.0.0.1:80', REFUSE);
    await world.clock.advance(701_000);
    const states = world.observations.filter(({ kind }) => kind === 'probing-state');
    expect(states).toMatchObject([
      { timeMs: startMs + 600_000, target: '10.0.0.1:80', policy: HEALTH, health: 'healthy', againstCount: 1 },
      { health: 'unhealthy', againstCount: 0 },
    ]);
  });

  test('a fault of this machine is told as one; a probe that was taken back reaches nobody', async () => {
    await using world = await worldWithBackend();
    world.targets.answerByTarget.set('10.0.0.1:80', FAULT);
    await world.start();
    world.targets.answerByTarget.set('10.0.0.1:80', 'silent');
    await world.clock.advance(5_000);
    await world.stop();
    expect(probing(world)).toEqual(['began unknown at 10.0.0.1:80', 'local_fault', 'ended']);
  });

  test('a prober that crashed ends, and begins with what was thought of the target then', async () => {
    await using world = await worldWithBackend();
    await world.start();
    world.targets.answerByTarget.set('10.0.0.1:80', 'crash');
    await world.clock.advance(5_000);
    world.targets.answerByTarget.set('10.0.0.1:80', PASS);
    await world.clock.advance(1_000);
    expect(probing(world)).toEqual(
      [
        ['began unknown at 10.0.0.1:80', 'passed', 'turned healthy: probe passed', 'ended'],
        ['began healthy at 10.0.0.1:80', 'passed'],
      ].flat(),
    );
  });
});

test('outliers are told as the workers report them, whether or not they end in an ejection', async () => {
  await using world = await worldWithBackend();
  await world.start({ workers: 1 });
  const outlier = { pool: 'p', backend: 'b', target: '10.0.0.1:80', failures: 5, reason: '5 failures in a row' };
  world.workers[0]!.report({ kind: 'outlier', ...outlier });
  expect(world.observations.at(-1)).toEqual({ kind: 'outlier', timeMs: world.clock.now(), ...outlier });
});

describe('hashes', () => {
  test('I1: the hash at each revision where the node was is that of a fold from the start', async () => {
    await using world = await worldWithBackend();
    await world.start();
    for (const weight of [2, 3, 4]) {
      await world.publish('backend.p.b', { type: 'BackendRegistered', target: '10.0.0.1:80', weight });
    }
    await world.clock.settle();
    let roster = emptyRoster('demo');
    const expected = new Map<number, string>();
    for await (const event of world.journal.read()) {
      roster = fold(roster, event).roster;
      expected.set(event.revision, rosterHash(roster));
    }
    const told = hashes(world.observations);
    expect(told.map(({ revision }) => revision)).toEqual([...expected.keys()]);
    for (const { revision, hash, node, epoch } of told) {
      expect({ hash, node, epoch }).toEqual({ hash: expected.get(revision), node: 'lb-1', epoch: 'epoch-1' });
    }
  });

  test('while a node reads what it missed, only the end of each full batch is told', async () => {
    const journal = createMemoryJournal({ epoch: 'epoch-1' });
    await using world = new SimulatedWorld(journal);
    await world.publish('pool.p', { type: 'PoolDefined' });
    for (let weight = 1; weight <= 2_500; weight++) {
      const event = { type: 'BackendRegistered', target: '10.0.0.1:80', weight: (weight % 100) + 1 } as const;
      await world.publish('backend.p.b', event);
    }
    await world.start();
    await world.clock.advance(0);
    const revisions = hashes(world.observations).map(({ revision }) => revision);
    expect(revisions.slice(0, 3)).toEqual([1_000, 2_000, 2_001]);
    expect(new Set(revisions).size).toBe(revisions.length);
    expect(revisions.at(-1)).toBe(world.node.roster().revision);
  });

  test('a start from a snapshot with nothing after it tells the hash that it has', async () => {
    const journal = createMemoryJournal({ epoch: 'epoch-1' });
    const first = new SimulatedWorld(journal);
    await first.publish('pool.p', { type: 'PoolDefined' });
    await first.start();
    await first.stop();
    const { revision, hash } = (await journal.loadSnapshot())!;
    await using second = new SimulatedWorld(journal);
    await second.start();
    expect(hashes(second.observations)[0]).toMatchObject({ revision, hash });
  });

  test('what other nodes say theirs is, once for each revision', async () => {
    await using cluster = await SimulatedCluster.of('lb-1', 'lb-2');
    await cluster.publish('pool.q', { type: 'PoolDefined' });
    await cluster.clock.advance(5_000);
    const { world } = cluster.node('lb-1');
    const told = hashes(world.observations).filter(({ node }) => node === 'lb-2');
    const own = new Map(
      hashes(world.observations)
        .filter(({ node }) => node === 'lb-1')
        .map((one) => [one.revision, one.hash]),
    );
    expect(told.length).toBeGreaterThan(0);
    expect(told.map(({ revision }) => revision)).toEqual([...new Set(told.map(({ revision }) => revision))]);
    expect(told.at(-1)!.revision).toBe(cluster.node('lb-1').handle.roster().revision);
    for (const { revision, hash } of told) expect(hash).toBe(own.get(revision));
  });
});
