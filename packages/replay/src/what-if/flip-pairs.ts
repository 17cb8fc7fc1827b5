/**
 * Two courses of one backend's health side by side: which flips are the same, which came earlier or later, which fell away and which
 * were added. Pure; about linear in the number of flips.
 *
 * What is the same at the same time is the same. The others are compared by what they mean: two turns to unhealthy are the same one while both last; two turns to healthy, while both were
 * down before. Of several that could be, the nearest in time is.
 */
import type { Flip } from './health-course.ts';

export type FlipPair =
  | { readonly outcome: 'same'; readonly happened: Flip; readonly otherwise: Flip }
  /** Both have it, at different times. */
  | { readonly outcome: 'moved'; readonly happened: Flip; readonly otherwise: Flip }
  | { readonly outcome: 'avoided'; readonly happened: Flip; readonly otherwise: null }
  | { readonly outcome: 'added'; readonly happened: null; readonly otherwise: Flip };

/** A flip, and the time in which another one counts as the same. */
interface Scope {
  readonly flip: Flip;
  readonly fromMs: number;
  readonly toMs: number;
}

/** In the order of their times. */
export function pairFlips(happened: readonly Flip[], otherwise: readonly Flip[]): FlipPair[] {
  const { pairs, paired } = pairSame(happened, otherwise);
  for (const health of ['unhealthy', 'healthy'] as const) {
    const [left, right] = [scopes(happened, health), scopes(otherwise, health)];
    pairs.push(
      ...pairScopes(
        left.filter(({ flip }) => !paired.has(flip)),
        right.filter(({ flip }) => !paired.has(flip)),
      ),
    );
  }
  return pairs.sort((one, other) => timeOf(one) - timeOf(other));
}

/** By what they say, not by their order: a clock may have been set back. */
function pairSame(
  happened: readonly Flip[],
  otherwise: readonly Flip[],
): { readonly pairs: FlipPair[]; readonly paired: ReadonlySet<Flip> } {
  const flipsByKey = Map.groupBy(otherwise, keyOf);
  const pairs: FlipPair[] = [];
  for (const flip of happened) {
    const other = flipsByKey.get(keyOf(flip))?.shift();
    if (other !== undefined) pairs.push({ outcome: 'same', happened: flip, otherwise: other });
  }
  const paired = new Set(pairs.flatMap((pair) => [pair.happened!, pair.otherwise!]));
  return { pairs, paired };
}

function keyOf({ timeMs, from, health, target }: Flip): string {
  return `${timeMs} ${from} ${health} ${target}`;
}

function scopes(course: readonly Flip[], health: Flip['health']): Scope[] {
  return course.flatMap((flip, index) => {
    if (flip.health !== health) return [];
    const { timeMs } = flip;
    return health === 'unhealthy'
      ? [{ flip, fromMs: timeMs, toMs: course[index + 1]?.timeMs ?? Infinity }]
      : [{ flip, fromMs: course[index - 1]?.timeMs ?? -Infinity, toMs: timeMs }];
  });
}

function pairScopes(happened: readonly Scope[], otherwise: readonly Scope[]): FlipPair[] {
  const pairs: FlipPair[] = [];
  const taken = new Set<Scope>();
  let first = 0;
  for (const scope of happened) {
    while (first < otherwise.length && otherwise[first]!.toMs < scope.fromMs) first += 1;
    let nearest: Scope | null = null;
    for (let index = first; index < otherwise.length && otherwise[index]!.fromMs <= scope.toMs; index++) {
      const other = otherwise[index]!;
      if (taken.has(other) || other.flip.target !== scope.flip.target) continue;
      if (nearest === null || distance(scope, other) < distance(scope, nearest)) nearest = other;
    }
    if (nearest !== null) taken.add(nearest);
    pairs.push(pairOf(scope.flip, nearest?.flip ?? null));
  }
  for (const other of otherwise) {
    if (!taken.has(other)) pairs.push({ outcome: 'added', happened: null, otherwise: other.flip });
  }
  return pairs;
}

function pairOf(happened: Flip, otherwise: Flip | null): FlipPair {
  if (otherwise === null) return { outcome: 'avoided', happened, otherwise };
  return { outcome: otherwise.timeMs === happened.timeMs ? 'same' : 'moved', happened, otherwise };
}

function distance(one: Scope, other: Scope): number {
  return Math.abs(one.flip.timeMs - other.flip.timeMs);
}

function timeOf(pair: FlipPair): number {
  return (pair.happened ?? pair.otherwise).timeMs;
}
