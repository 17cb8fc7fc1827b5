/**
 * What if a pool's health check had been another: the recorded probes of one node, judged again under other settings, beside what
 * happened.
 *
 * First it is shown that the settings which were in force give what happened, flip for flip, and that the journal has no flip of this
 * node which they do not give. Where that fails there is no answer but the place where it fails.
 *
 * It reads the observations once, from a little before the time in question, and keeps what does not grow with the number of probes.
 */
import type { ObservationKind } from '@muster/observations';
import type { ReplaySource } from '../log/replay-source.ts';
import { BackendRerun, type ProbingObservation } from './backend-rerun.ts';
import { pairFlips, type FlipPair } from './flip-pairs.ts';
import type { Flip } from './health-course.ts';
import { settingsFault, type HealthSettings } from './health-settings.ts';
import { matchFacts, type MatchedFacts } from './journal-facts.ts';

/** Each prober says every ten minutes what it thinks (more seldom where it probes more seldom): read from here, it is known. */
const LOOK_BACK_MS = 900_000;

const KINDS: readonly ObservationKind[] = [
  'probing-began',
  'probing-state',
  'probing-ended',
  'probe',
  'turned',
  'lost',
];

export type HealthQuestion = { readonly [Name in keyof HealthSettings]?: HealthSettings[Name] | undefined } & {
  readonly pool: string;
  /** Inclusive, ms since 1970. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
};

/** One side of the comparison. */
export interface HealthTotals {
  readonly flipsCount: number;
  readonly probesCount: number;
  /** Added up over the backends. */
  readonly unhealthyMs: number;
}

export interface BackendWhatIf {
  readonly backend: string;
  /** In the order of their times. `revision`: of the event that says what happened; null where the journal has none. */
  readonly flips: readonly (FlipPair & { readonly revision: number | null })[];
  readonly unhealthyMs: { readonly happened: number; readonly otherwise: number };
}

export interface HealthAnswer {
  readonly outcome: 'answered';
  readonly pool: string;
  /** Whose probes they are. */
  readonly node: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly settings: HealthSettings;
  /** All that were probed. */
  readonly backendsCount: number;
  readonly happened: HealthTotals;
  readonly otherwise: HealthTotals;
  readonly sameCount: number;
  readonly movedCount: number;
  readonly avoidedCount: number;
  readonly addedCount: number;
  /** By id, those that flipped or were unhealthy on either side. */
  readonly backends: readonly BackendWhatIf[];
  /** What the answer rests on besides what was seen, a sentence each; empty where nothing was assumed. */
  readonly assumptions: readonly string[];
}

export interface HealthRefusal {
  readonly outcome: 'refused';
  readonly reason:
    /** A setting out of its range, or a time that ends before it begins. */
    | 'invalid-question'
    /** Nothing was kept of this pool and time. */
    | 'no-observations'
    /** The settings that were in force do not give what happened. */
    | 'not-identical';
  /** For people: what is wrong, where, and what to do. */
  readonly message: string;
}

export async function healthWhatIf(
  source: ReplaySource,
  question: HealthQuestion,
): Promise<HealthAnswer | HealthRefusal> {
  const { pool, fromMs, toMs, fall, rise, intervalMs, timeoutMs } = question;
  const settings = withoutUndefined({ fall, rise, intervalMs, timeoutMs });
  const fault =
    fromMs < toMs ? settingsFault(settings) : `the time ends (${time(toMs)}) before it begins (${time(fromMs)})`;
  if (fault !== null) return { outcome: 'refused', reason: 'invalid-question', message: fault };
  const reruns = await rerun(source, { pool, fromMs, toMs, settings });
  const probed = [...reruns.values()].filter(({ probesCount }) => probesCount > 0);
  if (probed.length === 0) return nothingSeen(source, question);
  const observedSinceMs = await source.observedSinceMs();
  const facts = await matchFacts(source, { pool, fromMs, toMs, observedSinceMs }, reruns);
  const difference = firstDifference(reruns, facts);
  if (difference !== null) {
    const message = `the recorded probes of pool ${pool} do not give what happened, so nothing is said about other settings: ${difference}`;
    return { outcome: 'refused', reason: 'not-identical', message };
  }
  return answer(reruns, { source, question, settings, facts });
}

interface Rerunning {
  readonly pool: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly settings: HealthSettings;
}

async function rerun(source: ReplaySource, { pool, ...options }: Rerunning): Promise<Map<string, BackendRerun>> {
  const reruns = new Map<string, BackendRerun>();
  let newestMs = -Infinity;
  const query = { pool, kinds: KINDS, fromMs: options.fromMs - LOOK_BACK_MS, toMs: options.toMs };
  for await (const observation of source.observations(query)) {
    newestMs = Math.max(newestMs, observation.timeMs);
    if (observation.kind === 'lost') {
      for (const one of reruns.values()) one.lost({ fromMs: observation.sinceMs, toMs: observation.timeMs });
      continue;
    }
    const probing = observation as ProbingObservation;
    let one = reruns.get(probing.backend);
    if (one === undefined) reruns.set(probing.backend, (one = new BackendRerun(options)));
    one.take(probing);
  }
  for (const one of reruns.values()) one.finish(Math.min(newestMs, options.toMs));
  return reruns;
}

/** In words; null for none. */
function firstDifference(reruns: ReadonlyMap<string, BackendRerun>, { unexplained }: MatchedFacts): string | null {
  let first: { readonly timeMs: number; readonly words: string } | null = null;
  for (const [backend, { difference }] of reruns) {
    if (difference === null || (first !== null && first.timeMs <= difference.timeMs)) continue;
    const words = `${backend} at ${time(difference.timeMs)}: ${difference.what}`;
    first = { timeMs: difference.timeMs, words };
  }
  if (first !== null) return first.words;
  if (unexplained === null) return null;
  const { backend, revision, timeMs, health } = unexplained;
  return `revision ${revision} (${time(timeMs)}) says that ${backend} turned ${health}, and no probe that was kept made it so`;
}

async function nothingSeen(source: ReplaySource, { pool, fromMs, toMs }: HealthQuestion): Promise<HealthRefusal> {
  const sinceMs = await source.observedSinceMs();
  const has = sinceMs === null ? 'it has none at all' : `its oldest observation is of ${time(sinceMs)}`;
  const what = `${source.name} has no probes of pool ${pool} between ${time(fromMs)} and ${time(toMs)}`;
  return { outcome: 'refused', reason: 'no-observations', message: `${what}; ${has}` };
}

interface Answering {
  readonly source: ReplaySource;
  readonly question: HealthQuestion;
  readonly settings: HealthSettings;
  readonly facts: MatchedFacts;
}

function answer(
  reruns: ReadonlyMap<string, BackendRerun>,
  { source, question, settings, facts }: Answering,
): HealthAnswer {
  const { pool, fromMs, toMs } = question;
  const backends = [...reruns]
    .map(([backend, one]) => backendWhatIf(backend, one, facts.revisionByFlip))
    .sort((left, right) => (left.backend < right.backend ? -1 : 1));
  const flips = backends.flatMap((one) => one.flips);
  const all = [...reruns.values()];
  const countOf = (outcome: FlipPair['outcome']) => flips.filter((pair) => pair.outcome === outcome).length;
  return {
    outcome: 'answered',
    pool,
    node: source.node,
    fromMs,
    toMs,
    settings,
    backendsCount: all.length,
    happened: {
      flipsCount: sum(all, ({ happened }) => happened.flips.length),
      probesCount: sum(all, ({ probesCount }) => probesCount),
      unhealthyMs: sum(all, ({ happened }) => happened.unhealthyMs),
    },
    otherwise: {
      flipsCount: sum(all, ({ otherwise }) => otherwise.flips.length),
      probesCount: sum(all, ({ imagined }) => imagined.counts.probesCount),
      unhealthyMs: sum(all, ({ otherwise }) => otherwise.unhealthyMs),
    },
    sameCount: countOf('same'),
    movedCount: countOf('moved'),
    avoidedCount: countOf('avoided'),
    addedCount: countOf('added'),
    backends: backends.filter((one) => one.flips.length + one.unhealthyMs.happened + one.unhealthyMs.otherwise > 0),
    assumptions: assumptions(all, { question, facts }),
  };
}

function backendWhatIf(
  backend: string,
  { happened, otherwise }: BackendRerun,
  revisionByFlip: ReadonlyMap<Flip, number>,
): BackendWhatIf {
  const flips = pairFlips(happened.flips, otherwise.flips).map((pair) => {
    const revision = pair.happened === null ? null : (revisionByFlip.get(pair.happened) ?? null);
    return { ...pair, revision };
  });
  return { backend, flips, unhealthyMs: { happened: happened.unhealthyMs, otherwise: otherwise.unhealthyMs } };
}

function assumptions(
  all: readonly BackendRerun[],
  { question, facts }: { readonly question: HealthQuestion; readonly facts: MatchedFacts },
): string[] {
  const assumedCount = sum(all, ({ imagined }) => imagined.counts.assumedCount);
  const doubtfulCount = sum(all, ({ imagined }) => imagined.counts.doubtfulCount);
  const partlyUnseenCount = all.filter(({ unseen }) => unseen.some(({ toMs }) => toMs >= question.fromMs)).length;
  return [
    ...(assumedCount > 0
      ? [`${assumedCount} probes were never made: their outcome is taken to be that of the probe before each`]
      : []),
    ...(doubtfulCount > 0
      ? [`${doubtfulCount} probes that timed out would have had more time: they are taken as failed all the same`]
      : []),
    ...(partlyUnseenCount > 0
      ? [`of ${partlyUnseenCount} backends not all of the time was seen: nothing is said about the rest of it`]
      : []),
    ...(facts.unseenCount > 0 ? [`${facts.unseenCount} recorded flips fall into time that was not seen`] : []),
  ];
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function withoutUndefined(settings: {
  readonly [Key in keyof HealthSettings]: HealthSettings[Key] | undefined;
}): HealthSettings {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function time(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
