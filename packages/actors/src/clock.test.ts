/** The coarse clock in real time: what it promises about order and about not being early. */
import { expect, test } from 'vitest';
import { coarseClock } from './clock.ts';

test('timers fire in the order of their ticks, never early, and cleared ones not at all', async () => {
  const clock = coarseClock({ tickMs: 5 });
  const fired: string[] = [];
  const startedMs = performance.now();
  const { promise, resolve } = Promise.withResolvers<number>();
  const cleared = clock.setTimeout(() => fired.push('cleared'), 10);
  clock.setTimeout(() => resolve(performance.now() - startedMs), 60);
  clock.setTimeout(() => fired.push('second'), 40);
  clock.setTimeout(() => fired.push('first'), 5);
  clock.clearTimeout(cleared);
  clock.clearTimeout(null);
  expect(await promise).toBeGreaterThanOrEqual(60);
  expect(fired).toEqual(['first', 'second']);
});

test('a timer may clear another one of its own tick', async () => {
  const clock = coarseClock({ tickMs: 5 });
  const fired: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.setTimeout(() => clock.clearTimeout(victim), 0);
  const victim = clock.setTimeout(() => fired.push('victim'), 0);
  clock.setTimeout(resolve, 30);
  await promise;
  expect(fired).toEqual([]);
});
