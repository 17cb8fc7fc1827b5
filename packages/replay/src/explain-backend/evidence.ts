/**
 * What a node saw before it said that a backend had flipped: its own probes, or its workers' traffic.
 *
 * Only the node that said it has them, for as long as it keeps them. Where they are not to be had, that is said.
 */
import type { HealthPolicy } from '@muster/membership';
import type { OutlierSeen, ProbeSeen } from '@muster/observations';
import type { ReplaySource } from '../log/replay-source.ts';

/** What led to a flip; `missing` says why it is not complete, and is null where it is. */
export interface ProbeEvidence {
  readonly kind: 'probes';
  /** In force when it flipped; null where the log has no policy for it. */
  readonly policy: HealthPolicy | null;
  /** The findings in a row that decided, oldest first, after the last one that said otherwise, if that is there. */
  readonly probes: readonly ProbeSeen[];
  readonly missing: string | null;
}

export interface OutlierEvidence {
  readonly kind: 'outliers';
  readonly outliers: readonly OutlierSeen[];
  readonly missing: string | null;
}

/** A flip, and who said it. */
export interface Flip {
  readonly pool: string;
  readonly backend: string;
  readonly target: string;
  readonly node: string;
  /** When the journal took it, ms since 1970. */
  readonly timeMs: number;
}

/** A fact may reach the journal a little before the clock of its node says so, and the other way round. */
const CLOCK_SLACK_MS = 2_000;
/** How far back outliers are looked for: a worker reports each within a second of the failures that make it. */
const OUTLIERS_MS = 60_000;
/** At most so many of each are kept, the newest. */
const SEEN_MAX = 200;
/** A probe that says nothing of the target. */
const VOID_CODES: ReadonlySet<string | null> = new Set(['local_fault', 'aborted']);

export async function probeEvidence(
  source: ReplaySource,
  flip: Flip,
  { policy, isHealthy }: { readonly policy: HealthPolicy | null; readonly isHealthy: boolean },
): Promise<ProbeEvidence> {
  const elsewhere = keptElsewhere(source, flip);
  if (elsewhere !== null) return { kind: 'probes', policy, probes: [], missing: elsewhere };
  const fromMs = flip.timeMs - reachMs(policy);
  const toMs = flip.timeMs + CLOCK_SLACK_MS;
  const { pool, backend, target } = flip;
  const seen: ProbeSeen[] = [];
  for await (const observation of source.observations({ kinds: ['probe'], pool, backend, fromMs, toMs })) {
    if (observation.kind !== 'probe' || observation.target !== target || VOID_CODES.has(observation.code)) continue;
    seen.push(observation);
    if (seen.length > SEEN_MAX) seen.shift();
  }
  const probes = decidingRun(seen, isHealthy);
  const missing = probes.length > 0 ? null : await notThere(source, fromMs, 'no probe of it');
  return { kind: 'probes', policy, probes, missing };
}

export async function outlierEvidence(source: ReplaySource, flip: Flip): Promise<OutlierEvidence> {
  const elsewhere = keptElsewhere(source, flip);
  if (elsewhere !== null) return { kind: 'outliers', outliers: [], missing: elsewhere };
  const fromMs = flip.timeMs - OUTLIERS_MS;
  const { pool, backend, target } = flip;
  const outliers: OutlierSeen[] = [];
  const query = { kinds: ['outlier'], pool, backend, fromMs, toMs: flip.timeMs + CLOCK_SLACK_MS } as const;
  for await (const observation of source.observations(query)) {
    if (observation.kind !== 'outlier' || observation.target !== target) continue;
    outliers.push(observation);
    if (outliers.length > SEEN_MAX) outliers.shift();
  }
  const missing = outliers.length > 0 ? null : await notThere(source, fromMs, 'no failing traffic to it');
  return { kind: 'outliers', outliers, missing };
}

/** Findings in a row at the end of the probes that passed, or failed, since a flip: what its return has so far. */
export async function runSince(source: ReplaySource, flip: Flip, toMs: number): Promise<readonly ProbeSeen[]> {
  if (flip.node !== source.node) return [];
  const { pool, backend, target, timeMs } = flip;
  let run: ProbeSeen[] = [];
  for await (const observation of source.observations({ kinds: ['probe'], pool, backend, fromMs: timeMs, toMs })) {
    if (observation.kind !== 'probe' || observation.target !== target || VOID_CODES.has(observation.code)) continue;
    run = observation.passed ? [...run.slice(-SEEN_MAX), observation] : [];
  }
  return run;
}

/** The longest that the findings which decide may be apart from the flip. */
function reachMs(policy: HealthPolicy | null): number {
  if (policy === null) return OUTLIERS_MS;
  const { intervalMs, timeoutMs, jitterRatio, rise, fall } = policy;
  return (Math.max(rise, fall) + 2) * (intervalMs * (1 + jitterRatio) + timeoutMs) + CLOCK_SLACK_MS;
}

/** The last findings in a row that say what the flip said, and the one before them. */
function decidingRun(seen: readonly ProbeSeen[], isHealthy: boolean): readonly ProbeSeen[] {
  const end = seen.findLastIndex(({ passed }) => passed === isHealthy);
  if (end === -1) return [];
  let begin = end;
  while (begin > 0 && seen[begin - 1]!.passed === isHealthy) begin -= 1;
  return seen.slice(Math.max(0, begin - 1), end + 1);
}

function keptElsewhere({ node: own, name }: ReplaySource, { node }: Flip): string | null {
  return node === own ? null : `what node ${node} saw is kept on node ${node}; ${name} has what node ${own} saw`;
}

async function notThere(source: ReplaySource, fromMs: number, what: string): Promise<string> {
  const sinceMs = await source.observedSinceMs();
  if (sinceMs === null) return `${source.name} has no observations`;
  const since = `${source.name} has observations since ${new Date(sinceMs).toISOString()}`;
  return sinceMs > fromMs ? `${since}, which is later` : `${since}, and ${what} among them`;
}
