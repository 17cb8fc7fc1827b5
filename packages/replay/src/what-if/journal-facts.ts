/**
 * What the journal has of one node's flips, put beside what the node's observations come to.
 *
 * Not every flip is there: while the journal was away, a newer one may have taken the place of an older one. But each that is there was
 * seen. One that was not, though nothing is missing around it, means that the observations are not what the node had.
 */
import { decodeEvent, type RecordedEvent } from '@muster/membership';
import type { ReplaySource } from '../log/replay-source.ts';
import type { BackendRerun } from './backend-rerun.ts';
import type { Flip } from './health-course.ts';

/** The journal's clock may be that of another machine. */
const CLOCKS_APART_MS = 5_000;

export interface FactQuestion {
  readonly pool: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** From when on observations were kept; null for never. */
  readonly observedSinceMs: number | null;
}

export interface MatchedFacts {
  /** The event that says so. Flips that are not in the journal are missing. */
  readonly revisionByFlip: ReadonlyMap<Flip, number>;
  /** Facts about times of which not everything was kept. */
  readonly unseenCount: number;
  /** The first fact that nothing seen explains; null for none. */
  readonly unexplained: {
    readonly backend: string;
    readonly revision: number;
    readonly timeMs: number;
    readonly health: string;
  } | null;
}

interface Fact {
  readonly backend: string;
  readonly health: Flip['health'];
  readonly target: string;
  readonly revision: number;
  readonly timeMs: number;
}

/** Reads the journal of the time in question once. */
export async function matchFacts(
  source: ReplaySource,
  { pool, fromMs, toMs, observedSinceMs }: FactQuestion,
  reruns: ReadonlyMap<string, BackendRerun>,
): Promise<MatchedFacts> {
  const revisionByFlip = new Map<Flip, number>();
  let unseenCount = 0;
  let unexplained: MatchedFacts['unexplained'] = null;
  for await (const event of source.read({ fromTimeMs: fromMs })) {
    if (event.timeMs >= toMs) break;
    const fact = factOf(event, { source, pool });
    if (fact === null) continue;
    const rerun = reruns.get(fact.backend);
    const flip = nearest(rerun?.seen.filter((one) => isOf(one, fact) && !revisionByFlip.has(one)) ?? [], fact);
    if (flip !== undefined) revisionByFlip.set(flip, fact.revision);
    else if (rerun === undefined || isUnseen(rerun, fact) || isBefore(observedSinceMs, fact)) unseenCount += 1;
    else if (!isSaidAgain(rerun, fact)) unexplained ??= fact;
  }
  return { revisionByFlip, unseenCount, unexplained };
}

function factOf(
  event: RecordedEvent,
  { source: { cluster, node }, pool }: { readonly source: ReplaySource; readonly pool: string },
): Fact | null {
  if (event.origin !== `node:${node}` || !event.subject.includes(`.health.${node}.${pool}.`)) return null;
  const decoded = decodeEvent(event, cluster);
  if ('reason' in decoded || decoded.entity.kind !== 'health') return null;
  const { type } = decoded.event;
  if (type !== 'BackendTurnedHealthy' && type !== 'BackendTurnedUnhealthy') return null;
  const { revision, timeMs } = event;
  const health = type === 'BackendTurnedHealthy' ? 'healthy' : 'unhealthy';
  return { backend: decoded.entity.backend, health, target: decoded.event.target, revision, timeMs };
}

/** Of two flips within the time by which clocks may be apart, the one that the fact was more likely made of. */
function nearest(flips: readonly Flip[], { timeMs }: Fact): Flip | undefined {
  const apartMs = (flip: Flip): number => Math.abs(flip.timeMs - timeMs);
  return flips.toSorted((left, right) => apartMs(left) - apartMs(right))[0];
}

function isOf({ health, target, timeMs }: Flip, fact: Fact): boolean {
  return health === fact.health && target === fact.target && timeMs <= fact.timeMs + CLOCKS_APART_MS;
}

function isBefore(observedSinceMs: number | null, { timeMs }: Fact): boolean {
  return observedSinceMs === null || timeMs < observedSinceMs + CLOCKS_APART_MS;
}

function isUnseen({ unseen, idle, seenMs }: BackendRerun, { timeMs }: Fact): boolean {
  if (timeMs >= seenMs) return true;
  return [...unseen, ...idle].some(
    ({ fromMs, toMs }) => timeMs >= fromMs - CLOCKS_APART_MS && timeMs <= toMs + CLOCKS_APART_MS,
  );
}

/** A node whose roster was built anew says again what it found before. */
function isSaidAgain({ standings }: BackendRerun, { timeMs, health }: Fact): boolean {
  return standings.findLast((standing) => standing.timeMs <= timeMs + CLOCKS_APART_MS)?.health === health;
}
