/** That looking ends: nothing of it stays in the actors that were looked at. */
import { createActor } from 'xstate';
import { expect, test } from 'vitest';
import { ejectionMachine } from '../pools/ejection-machine.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { InspectionHub, type InspectedGroup } from './inspection-hub.ts';
import type { InspectionLine } from './inspection-line.ts';

/** One ejection of 1 s, and how many look into its system. */
function oneEjection(clock: SimulatedClock) {
  const input = { count: 1, leftMs: 1_000, termMs: () => 1_000, onTimeUp: () => undefined };
  const actor = createActor(ejectionMachine, { clock, input });
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

function hubOf(clock: SimulatedClock, ejections: readonly ReturnType<typeof oneEjection>[]): InspectionHub {
  const hub = new InspectionHub(clock);
  const group: InspectedGroup = {
    kind: 'ejection',
    inspected: () => ejections.map(({ actor }, index) => [`p/b-${index}`, actor] as const),
  };
  hub.add(group);
  return hub;
}

test('nobody looks before the first read, and nobody after the signal', async () => {
  const clock = new SimulatedClock();
  const ejection = oneEjection(clock);
  ejection.actor.start();
  const ending = new AbortController();
  const reader = hubOf(clock, [ejection]).follow({ kind: null, id: null }, ending.signal);
  expect(ejection.count).toBe(0);
  await reader.next();
  expect(ejection.count).toBe(1);
  ending.abort();
  await reader.next();
  expect(ejection.count).toBe(0);
  ejection.actor.stop();
});

test('nobody looks at an actor that has ended', async () => {
  const clock = new SimulatedClock();
  const ejection = oneEjection(clock);
  ejection.actor.start();
  const ending = new AbortController();
  const reader = hubOf(clock, [ejection]).follow({ kind: null, id: null }, ending.signal);
  await reader.next();
  await clock.advance(5_000);
  expect(ejection.actor.getSnapshot().status).toBe('done');
  expect(ejection.count).toBe(0);
  const { value } = (await reader.next()) as { value: readonly InspectionLine[] };
  expect(value.at(-1)).toMatchObject({ state: 'forgotten', status: 'done' });
  ending.abort();
  await reader.return();
});

test('many actors are found over several turns of the event loop, each once', async () => {
  const clock = new SimulatedClock();
  const ejections = Array.from({ length: 600 }, () => oneEjection(clock));
  for (const { actor } of ejections) actor.start();
  const hub = hubOf(clock, ejections);
  const ending = new AbortController();
  const slices: number[] = [];
  for await (const lines of hub.follow({ kind: 'ejection', id: null }, ending.signal)) {
    slices.push(lines.length);
    // One that is met twice, as when it starts while the others are found.
    hub.isBorn('ejection', 'p/b-0', ejections[0]!.actor);
    if (lines.at(-1)?.type === 'following') break;
  }
  expect(slices).toEqual([256, 256, 600 - 512, 1]);
  expect(ejections.map(({ count }) => count)).toEqual(ejections.map(() => 0));
  for (const { actor } of ejections) actor.stop();
});
