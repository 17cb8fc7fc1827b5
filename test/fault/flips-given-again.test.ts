/**
 * Faults of backends and of the node, on real sockets and a real disk: whatever flipped, the probes that the node kept give it again, flip
 * for flip; and the journal folds to every hash that the node had.
 */
import { join } from 'node:path';
import { openEmbeddedJournal } from '@muster/journal-embedded';
import { emptyRoster, fold, rosterHash } from '@muster/membership';
import { ObservationReader, type HashPoint } from '@muster/observations';
import { healthWhatIf, type HealthAnswer, type HealthQuestion, type ReplaySource } from '@muster/replay';
import { expect, test } from 'vitest';
import { startNamedEcho, type TestBackend } from '../harness/backend.ts';
import { onePool, startTestNode, testFolder, type TestNode } from '../harness/node.ts';
import { eventually } from '../harness/processes/process.ts';

/** A killed backend refuses at once; no probe of a living one may end by time, however busy the machine is. */
const HEALTH = 'health = { tcp = true, intervalMs = 100, timeoutMs = 30000, rise = 2, fall = 3 }';

class Scene implements AsyncDisposable {
  readonly backends: (TestBackend | null)[] = [];
  readonly ports: number[] = [];
  node!: TestNode;

  async fail(index: number): Promise<void> {
    await this.backends[index]?.[Symbol.asyncDispose]();
    this.backends[index] = null;
    await this.sees(index, 'unhealthy');
  }

  async recover(index: number): Promise<void> {
    this.backends[index] = await startNamedEcho(`b-${index + 1}`, this.ports[index]);
    await this.sees(index, 'healthy');
  }

  /** Waits until the journal has what the node thinks of it. */
  sees(index: number, health: string): Promise<unknown> {
    return eventually(`b-${index + 1} is ${health}`, async () => {
      const { pools } = (await (await fetch(`${this.node.admin}/v1/roster`)).json()) as RosterAnswer;
      const seen = pools[0]!.backends.find(({ id }) => id === `b-${index + 1}`)?.health;
      return seen?.value === health && seen.revision > 0;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
    for (const backend of this.backends) await backend?.[Symbol.asyncDispose]();
  }
}

interface RosterAnswer {
  readonly pools: readonly {
    /** `revision` is 0 until the journal has it. */
    readonly backends: readonly { readonly id: string; readonly health: { value: string; revision: number } }[];
  }[];
}

test('kills, restarts, maintenance, other policies and targets: identical, flip for flip', async () => {
  await using folder = await testFolder();
  await using scene = new Scene();
  for (let index = 0; index < 3; index++) {
    const backend = await startNamedEcho(`b-${index + 1}`);
    scene.backends.push(backend);
    scene.ports.push(backend.port);
  }
  const targets = scene.backends.map((backend) => backend!.target);
  const start = async () => {
    scene.node = await startTestNode({ folder, config: onePool(targets, { poolLines: HEALTH }) });
  };
  const pool = (changes: object) => ({
    type: 'DefinePool' as const,
    pool: 'p',
    health: { tcp: true as const, intervalMs: 100, timeoutMs: 30_000, rise: 2, fall: 3, ...changes },
  });

  await start();
  for (const index of [0, 1, 2]) await scene.sees(index, 'healthy');
  await scene.fail(0);
  await scene.recover(0);
  await scene.node.command(pool({ fall: 1 }));
  await scene.fail(1);
  await scene.node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-2', mode: 'maint' });
  await scene.fail(2);
  // What is not written yet when it is killed is lost, and a flip with it.
  await eventually('its flips are written', async () => (await turnsIn(folder.path)) === 7);
  await scene.node.process.end('SIGKILL');
  await start();
  await scene.recover(2);
  await scene.node.command({ type: 'SetBackendMode', pool: 'p', backend: 'b-2', mode: 'ready' });
  await scene.recover(1);
  await scene.node.stop();
  await start();
  await scene.fail(0);
  await scene.node.command({ type: 'RegisterBackend', pool: 'p', backend: 'b-1', target: targets[1]! });
  await scene.sees(0, 'healthy');
  await scene.node.stop();

  await using journal = await openSource(folder.path);
  const answer = await ask(journal.source, {});
  // The last turn is no flip: b-1 has b-2's target then, and what is known of that one is known of b-1.
  expect(answer.happened.flipsCount).toBe(10);
  expect(answer).toMatchObject({
    sameCount: answer.happened.flipsCount,
    movedCount: 0,
    avoidedCount: 0,
    addedCount: 0,
  });
  expect(answer.otherwise).toEqual(answer.happened);
  const said = answer.backends.flatMap(({ flips }) => flips).filter(({ revision }) => revision !== null);
  expect(said.length).toBe(answer.happened.flipsCount);
  const slower = await ask(journal.source, { fall: 100 });
  expect(slower.avoidedCount).toBeGreaterThan(0);
  expect(slower.otherwise.unhealthyMs).toBeLessThan(slower.happened.unhealthyMs);
  expect(await hashesDiffering(journal.source)).toEqual([]);
});

async function turnsIn(folder: string): Promise<number> {
  let count = 0;
  const reader = new ObservationReader({ path: join(folder, 'lb-1.observations') });
  for await (const _ of reader.observations({ kinds: ['turned'] })) count += 1;
  return count;
}

async function openSource(folder: string): Promise<AsyncDisposable & { readonly source: ReplaySource }> {
  const journal = await openEmbeddedJournal({ path: join(folder, 'lb-1.journal') });
  const reader = new ObservationReader({ path: join(folder, 'lb-1.observations') });
  const source: ReplaySource = {
    name: 'the journal of node lb-1',
    cluster: 'default',
    node: 'lb-1',
    head: () => journal.head(),
    read: (options) => journal.read(options),
    loadSnapshot: (atOrBefore) => journal.loadSnapshot(atOrBefore),
    observations: (query) => reader.observations(query),
    observedSinceMs: () => reader.observedSinceMs(),
  };
  return { source, [Symbol.asyncDispose]: () => journal.close() };
}

async function ask(source: ReplaySource, settings: Partial<HealthQuestion>): Promise<HealthAnswer> {
  const answer = await healthWhatIf(source, { pool: 'p', fromMs: 0, toMs: Date.now() + 1, ...settings });
  if (answer.outcome === 'refused') throw new Error(answer.message);
  return answer;
}

/** Revisions at which the node had another hash than the journal folds to. There are hashes of nearly all. */
async function hashesDiffering(source: ReplaySource): Promise<number[]> {
  const recorded = new Map<number, string>();
  for await (const one of source.observations({ kinds: ['hash'] })) {
    const { revision, hash } = one as HashPoint;
    recorded.set(revision, hash);
  }
  const { revision: head } = await source.head();
  expect(recorded.size).toBeGreaterThan(head / 2);
  const differing: number[] = [];
  let roster = emptyRoster('default');
  for await (const event of source.read()) {
    roster = fold(roster, event).roster;
    const hash = recorded.get(event.revision);
    if (hash !== undefined && hash !== rosterHash(roster)) differing.push(event.revision);
  }
  return differing;
}
