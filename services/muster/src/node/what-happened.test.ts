/**
 * What if nothing had been other: a real node in a simulated world, whose recorded probes, judged once more, give what happened, flip for
 * flip, whatever was done to the node, its backends and its journal meanwhile.
 */
import { PASS, REFUSE, SimulatedClock, SimulatedWorld } from '@muster/actors/testing';
import { createMemoryJournal, type Journal } from '@muster/journal';
import { isWanted, type HealthTurned, type Observation } from '@muster/observations';
import { healthWhatIf, type HealthAnswer, type ReplaySource } from '@muster/replay';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const BACKENDS = ['b-1', 'b-2', 'b-3'];
const TARGETS = ['10.0.0.1:80', '10.0.0.2:80', '10.0.0.3:80', '10.0.0.4:80'];
const FAULT = { passed: false, code: 'local_fault', reason: 'no file handle left', durationMs: 0 } as const;
const SLOW = { passed: false, code: 'no_answer', reason: 'no answer in 2 s', durationMs: 2_000 } as const;
const ANSWERS = { pass: PASS, refuse: REFUSE, fault: FAULT, slow: SLOW, crash: 'crash', silent: 'silent' } as const;

/** A node that may be stopped, killed and started again, over one journal and one place for observations. */
class Scene implements AsyncDisposable {
  readonly clock = new SimulatedClock();
  readonly journal: Journal = createMemoryJournal({ epoch: 'epoch-1', now: () => this.clock.now() });
  readonly observations: Observation[] = [];
  world: SimulatedWorld;
  readonly #random: () => number;
  readonly #answers = new Map<string, (typeof ANSWERS)[keyof typeof ANSWERS]>();
  /** When each was made, by the clock that never steps. */
  readonly #elapsedMs: number[] = [];
  #isKilled = false;

  constructor(seed: number) {
    this.#random = randomFrom(seed);
    this.world = new SimulatedWorld(this.journal, this.clock);
  }

  get source(): ReplaySource {
    const { journal, observations } = this;
    return {
      name: 'the journal of node lb-1',
      cluster: 'demo',
      node: 'lb-1',
      head: () => journal.head(),
      read: (options) => journal.read(options),
      loadSnapshot: (atOrBefore) => journal.loadSnapshot(atOrBefore),
      async *observations(query = {}) {
        for (const one of observations) if (isWanted(one, query)) yield one;
      },
      observedSinceMs: async () => observations[0]?.timeMs ?? null,
    };
  }

  async start(): Promise<void> {
    this.world = new SimulatedWorld(this.journal, this.clock);
    for (const [target, answer] of this.#answers) this.world.targets.answerByTarget.set(target, answer);
    this.#isKilled = false;
    await this.world.start({
      random: this.#random,
      observations: { add: (one) => this.#keep(one) },
    });
  }

  #keep(one: Observation): void {
    if (this.#isKilled) return;
    this.observations.push(one);
    this.#elapsedMs.push(this.clock.elapsedMs());
  }

  answer(target: string, answer: keyof typeof ANSWERS): void {
    this.#answers.set(target, ANSWERS[answer]);
    this.world.targets.answerByTarget.set(target, ANSWERS[answer]);
  }

  async restart(): Promise<void> {
    this.world.journal.comeBack();
    await this.world.stop();
    await this.start();
  }

  /** What the node saw in its last second is lost, and nobody says that anything ended. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    const writtenMs = this.clock.elapsedMs() - 1_000;
    const keptCount = this.#elapsedMs.findLastIndex((elapsedMs) => elapsedMs <= writtenMs) + 1;
    this.#elapsedMs.length = this.observations.length = keptCount;
    this.world.journal.goAway();
    await this.world.stop();
    await this.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.world.journal.comeBack();
    await this.world.stop();
  }
}

/** A small generator with a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

type Step = (scene: Scene) => Promise<void> | void;

const backend = fc.constantFrom(...BACKENDS);
const target = fc.constantFrom(...TARGETS);
const health = fc.record({
  tcp: fc.constant(true as const),
  intervalMs: fc.constantFrom(500, 2_000, 5_000),
  rise: fc.integer({ min: 1, max: 3 }),
  fall: fc.integer({ min: 1, max: 4 }),
});

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.integer({ min: 0, max: 20_000 }).map(
      (ms): Step =>
        ({ clock }) =>
          clock.advance(ms),
    ),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        target,
        fc.constantFrom<keyof typeof ANSWERS>('pass', 'pass', 'refuse', 'refuse', 'fault', 'slow', 'crash', 'silent'),
      )
      .map(
        ([at, answer]): Step =>
          (scene) =>
            scene.answer(at, answer),
      ),
  },
  fc.tuple(backend, target).map(([id, at]): Step => async ({ world }) => {
    await world.publish(`backend.p.${id}`, { type: 'BackendRegistered', target: at });
  }),
  fc
    .tuple(backend, fc.constantFrom('ready' as const, 'maint' as const, 'drain' as const))
    .map(([id, mode]): Step => async ({ world }) => {
      await world.publish(`backend.p.${id}`, { type: 'BackendModeSet', mode });
    }),
  backend.map((id): Step => async ({ world }) => {
    await world.publish(`backend.p.${id}`, { type: 'BackendDeregistered' });
  }),
  health.map((policy): Step => async ({ world }) => {
    await world.publish('pool.p', { type: 'PoolDefined', health: policy });
  }),
  fc.constant<Step>(({ world }) => world.journal.goAway()),
  fc.constant<Step>(({ world }) => world.journal.comeBack()),
  fc.constant<Step>((scene) => scene.restart()),
  fc.constant<Step>((scene) => scene.kill()),
  fc.constantFrom<number>(-3_000, 3_000).map(
    (byMs): Step =>
      ({ clock }) =>
        clock.step(byMs),
  ),
);

async function play(scene: Scene, schedule: readonly Step[]): Promise<void> {
  await scene.world.publish('pool.p', { type: 'PoolDefined', health: { tcp: true, intervalMs: 2_000 } });
  for (const [index, id] of BACKENDS.entries()) {
    await scene.world.publish(`backend.p.${id}`, { type: 'BackendRegistered', target: TARGETS[index]! });
  }
  await scene.start();
  await scene.clock.advance(1_000);
  for (const step of schedule) {
    await step(scene);
    await scene.clock.settle();
  }
  scene.world.journal.comeBack();
  await scene.clock.advance(30_000);
}

async function ask(scene: Scene, question: object = {}): Promise<HealthAnswer> {
  const answer = await healthWhatIf(scene.source, { pool: 'p', fromMs: 0, toMs: Infinity, ...question });
  if (answer.outcome === 'refused') throw new Error(answer.message);
  return answer;
}

function turned(scene: Scene, fromMs = 0, toMs = Infinity): string[] {
  return scene.observations
    .filter((one): one is HealthTurned => one.kind === 'turned' && one.timeMs >= fromMs && one.timeMs < toMs)
    .map((one) => `${one.backend} ${one.timeMs} ${one.health} ${one.target}`)
    .sort();
}

function flips({ backends }: HealthAnswer, side: 'happened' | 'otherwise'): string[] {
  return backends
    .flatMap((one) =>
      one.flips.flatMap((pair) => (pair[side] === null ? [] : [{ ...pair[side], backend: one.backend }])),
    )
    .map((one) => `${one.backend} ${one.timeMs} ${one.health} ${one.target}`)
    .sort();
}

describe('unchanged settings', () => {
  test('give what happened, flip for flip, in any part of the time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(steps, { minLength: 10, maxLength: 50, size: 'max' }),
        async (seed, schedule) => {
          await using scene = new Scene(seed);
          await play(scene, schedule);
          const whole = await ask(scene);
          expect(flips(whole, 'happened')).toEqual(turned(scene));
          expect(flips(whole, 'otherwise')).toEqual(turned(scene));
          expect(whole).toMatchObject({ movedCount: 0, avoidedCount: 0, addedCount: 0 });
          expect(whole.otherwise).toEqual(whole.happened);
          const times = scene.observations.map(({ timeMs }) => timeMs);
          const part = { fromMs: times[Math.floor(times.length / 3)]!, toMs: Math.max(...times) };
          if (part.fromMs >= part.toMs) return;
          const inPart = await healthWhatIf(scene.source, { pool: 'p', ...part });
          if (inPart.outcome === 'refused' && inPart.reason === 'no-observations') return;
          if (inPart.outcome === 'refused') throw new Error(inPart.message);
          expect(flips(inPart, 'otherwise')).toEqual(turned(scene, part.fromMs, part.toMs));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('do not give it any more where a record was changed, and the answer is refused and says where', async () => {
    await using scene = new Scene(1);
    await play(scene, [
      ({ clock }) => clock.advance(5_000),
      (one) => one.answer('10.0.0.1:80', 'refuse'),
      ({ clock }) => clock.advance(20_000),
      (one) => one.answer('10.0.0.1:80', 'pass'),
      ({ clock }) => clock.advance(20_000),
    ]);
    await ask(scene);
    const all = [...scene.observations];
    const turns = all.filter((one): one is HealthTurned => one.kind === 'turned' && one.backend === 'b-1');
    expect(turns.map((one) => one.health)).toEqual(['healthy', 'unhealthy', 'healthy']);
    const [, down] = turns;
    const at = all.indexOf(down!);
    const probeAt = all.findLastIndex((one, index) => index < at && one.kind === 'probe' && one.backend === 'b-1');
    const changes: Record<string, readonly Observation[]> = {
      'a failed probe is missing': all.toSpliced(probeAt, 1),
      'a failed probe passed': all.with(probeAt, { ...all[probeAt]!, passed: true } as Observation),
      'the turn is missing': all.toSpliced(at, 1),
      'the turn and its probe are missing': all.filter((_, index) => index !== at && index !== probeAt),
      'the policy is another': all.map((one) =>
        one.kind === 'probing-began' ? { ...one, policy: { ...one.policy, fall: 4 } } : one,
      ),
    };
    for (const [what, observations] of Object.entries(changes)) {
      scene.observations.splice(0, Infinity, ...observations);
      const answer = await healthWhatIf(scene.source, { pool: 'p', fromMs: 0, toMs: Infinity });
      const message = expect.stringContaining('b-1') as unknown;
      expect({ what, ...answer }).toMatchObject({ what, outcome: 'refused', reason: 'not-identical', message });
    }
  });
});

describe('other settings', () => {
  test('a higher fall avoids what a short failure did, and more of it does not', async () => {
    await using scene = new Scene(1);
    await play(scene, [
      ({ clock }) => clock.advance(5_000),
      (one) => one.answer('10.0.0.1:80', 'refuse'),
      ({ clock }) => clock.advance(3_000),
      (one) => one.answer('10.0.0.1:80', 'pass'),
      ({ clock }) => clock.advance(30_000),
      (one) => one.answer('10.0.0.2:80', 'refuse'),
      ({ clock }) => clock.advance(60_000),
    ]);
    const answer = await ask(scene, { fall: 6 });
    const outcomes = answer.backends.map(({ backend, flips }) => [backend, flips.map(({ outcome }) => outcome)]);
    expect(outcomes).toEqual([
      ['b-1', ['same', 'avoided', 'avoided']],
      ['b-2', ['same', 'moved']],
      ['b-3', ['same']],
    ]);
    const [first, second] = answer.backends;
    expect(first!.unhealthyMs.otherwise).toBe(0);
    expect(first!.unhealthyMs.happened).toBeGreaterThan(1_000);
    expect(second!.unhealthyMs.otherwise).toBeLessThan(second!.unhealthyMs.happened);
    // Each flip names the event that says so.
    for (const { revision, happened } of answer.backends.flatMap((one) => one.flips)) {
      expect(revision === null).toBe(happened === null);
    }
  });

  test('a shorter interval makes probes that nobody made, and says so', async () => {
    await using scene = new Scene(1);
    await play(scene, [({ clock }) => clock.advance(60_000)]);
    const answer = await ask(scene, { intervalMs: 500 });
    expect(answer.otherwise.probesCount).toBeGreaterThan(3 * answer.happened.probesCount);
    expect(answer.assumptions).toEqual([expect.stringMatching(/^\d+ probes were never made/)]);
    expect(answer).toMatchObject({ avoidedCount: 0, addedCount: 0 });
  });

  test('a longer interval passes over probes', async () => {
    await using scene = new Scene(1);
    await play(scene, [({ clock }) => clock.advance(60_000)]);
    const answer = await ask(scene, { intervalMs: 20_000 });
    expect(answer.otherwise.probesCount).toBeLessThan(answer.happened.probesCount / 5);
    expect(answer.assumptions).toEqual([]);
  });
});
