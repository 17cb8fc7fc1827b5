/** Makes a schedule from a seed: single things that may happen at any time, and episodes, in the order in which chance puts them. */
import { anyAction, pauseOf } from './any-action.ts';
import { EPISODES } from './episodes.ts';
import { Random } from './random.ts';
import type { Schedule, Step } from './schedule.ts';

/** Of everything that begins, the part that is an episode: things that belong together. */
const EPISODE_RATIO = 0.35;
/** Of all schedules, the part that is three times as long. */
const LONG_RATIO = 0.1;
const STEPS_MIN = 14;
const STEPS_MAX = 34;

export function scheduleOf(seed: number): Schedule {
  const random = new Random(seed);
  const nodes = random.weighted({ 1: 2, 2: 3, 3: 5 });
  const head = { seed, nodes: Number(nodes), workers: random.between(1, 2) };
  const count = random.between(STEPS_MIN, STEPS_MAX) * (random.chance(LONG_RATIO) ? 3 : 1);
  const steps: Step[] = [];
  while (steps.length < count) {
    if (random.chance(EPISODE_RATIO)) steps.push(...random.pick(EPISODES)(random, head));
    else steps.push({ action: anyAction(random, head), thenMs: pauseOf(random) });
  }
  return { ...head, steps };
}
