/** That looking is bounded, and that it ends: nothing of it stays in the actors that were looked at. */
import { createActor } from 'xstate';
import { expect, test } from 'vitest';
import { backendMachine, type BackendPorts } from '../pools/backend-machine.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { InspectionHub, type InspectedGroup } from './inspection-hub.ts';
import type { InspectionLine } from './inspection-line.ts';

/** One backend that is not probed, and how many look into its system. */
function oneBackend(clock: SimulatedClock) {
  const nothing = (): void => undefined;
  const ports: BackendPorts = {
    clock,
    random: () => 0.5,
    log: { info: nothing, warn: nothing, error: nothing },
    prober: { clock, random: () => 0.5, probes: { ask: nothing, takeBack: nothing }, observe: nothing },
    onFound: nothing,
    onForgiven: nothing,
    onGivenUp: nothing,
    termMs: () => 1_000,
  };
  const actor = createActor(backendMachine, { clock, input: { pool: 'p', backend: 'b', task: null, ports } });
  const { system } = actor;
  const inspect = system.inspect.bind(system);
  const observed = { actor, count: 0 };
  system.inspect = (observer) => {
    const subscription = inspect(observer);
    observed.count += 1;
    return {
      unsubscribe() {
        observed.count -= 1;
        subscription.unsubscribe();
      },
    };
  };
  return observed;
}

function hubOf(clock: SimulatedClock, backends: readonly ReturnType<typeof oneBackend>[]): InspectionHub {
  const hub = new InspectionHub(clock);
  const group: InspectedGroup = {
    kind: 'backend',
    inspected: () => backends.map(({ actor }, index) => [`p/b-${index}`, actor] as const),
  };
  hub.add(group);
  return hub;
}

test('nobody looks before the first read, and nobody after the signal', async () => {
  const clock = new SimulatedClock();
  const backend = oneBackend(clock);
  backend.actor.start();
  const ending = new AbortController();
  const reader = hubOf(clock, [backend]).follow({ kind: null, id: null }, ending.signal);
  expect(backend.count).toBe(0);
  await reader.next();
  expect(backend.count).toBe(1);
  ending.abort();
  await reader.next();
  expect(backend.count).toBe(0);
  backend.actor.stop();
});

test('nobody looks at an actor that has ended', async () => {
  const clock = new SimulatedClock();
  const backend = oneBackend(clock);
  backend.actor.start();
  const ending = new AbortController();
  const reader = hubOf(clock, [backend]).follow({ kind: null, id: null }, ending.signal);
  await reader.next();
  backend.actor.stop();
  expect(backend.count).toBe(0);
  const { value } = (await reader.next()) as { value: readonly InspectionLine[] };
  expect(value.at(-1)).toMatchObject({ state: 'probing.unwatched, ejection.admitted', status: 'stopped' });
  ending.abort();
  await reader.return();
});

test('many actors are found over several turns of the event loop, each once', async () => {
  const clock = new SimulatedClock();
  const backends = Array.from({ length: 600 }, () => oneBackend(clock));
  for (const { actor } of backends) actor.start();
  const hub = hubOf(clock, backends);
  const ending = new AbortController();
  const slices: number[] = [];
  for await (const lines of hub.follow({ kind: 'backend', id: null }, ending.signal)) {
    slices.push(lines.length);
    // One that is met twice, as when it starts while the others are found.
    hub.isBorn('backend', 'p/b-0', backends[0]!.actor);
    if (lines.at(-1)?.type === 'following') break;
  }
  expect(slices).toEqual([256, 256, 600 - 512, 1]);
  expect(backends.map(({ count }) => count)).toEqual(backends.map(() => 0));
  for (const { actor } of backends) actor.stop();
});

test.each([
  ['in number', 7, 4_096],
  // Of more than 2,000 characters each, in 4 Mi.
  ['by their weight', 2_000, 2_097],
])('says how many lines its reader was too slow for: %s', async (_what, reasonCharacters, keptCountMax) => {
  const clock = new SimulatedClock();
  const { actor } = oneBackend(clock);
  actor.start();
  const ending = new AbortController();
  const reader = hubOf(clock, [{ actor, count: 0 }]).follow({ kind: 'backend', id: 'p/b-0' }, ending.signal);
  await reader.next();
  await reader.next();
  const reason = 'x'.repeat(reasonCharacters);
  for (let index = 0; index < 5_000; index++) actor.send({ type: 'reinstate', reason });
  const lines: InspectionLine[] = [];
  while (lines.at(-1)?.type !== 'dropped') {
    const { value: some } = (await reader.next()) as { value: InspectionLine[] };
    // Few at a time: to make them all at once would hold the node.
    expect(some.length).toBeLessThanOrEqual(257);
    lines.push(...some);
  }
  ending.abort();
  await reader.return();
  const keptCount = lines.length - 1;
  expect(keptCount).toBeLessThanOrEqual(keptCountMax);
  expect(keptCount).toBeGreaterThan(keptCountMax / 2);
  expect(lines.at(-1)).toMatchObject({ type: 'dropped', linesCount: 5_000 - keptCount });
  actor.stop();
});
