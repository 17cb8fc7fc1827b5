/**
 * Why a backend took traffic on a node at some moment, or did not: on which axis, since when, by which event, what led to that
 * event, and what would bring it back.
 *
 * The answer is that of the functions that decided then: `eligibility` over the roster of that moment. What led to a
 * flip is what the node saw with its own eyes; where that is not kept here, `missing` says so.
 */
import {
  backendSet,
  eligibility,
  nearestName,
  viewpointOf,
  type Backend,
  type Eligibility,
  type Pool,
  type Roster,
  type Viewpoint,
} from '@muster/membership';
import { eventRefs, type EventRef } from '../log/event-ref.ts';
import type { HashCheck } from '../fold/hash-check.ts';
import type { Instant } from '../log/instant.ts';
import { lastRemoval } from '../log/removals.ts';
import type { Replay } from '../fold/replay.ts';
import { ReplayError } from '../log/replay-error.ts';
import { refuseUnknownNode } from '../views/state-view.ts';
import { axesOf, votesOf, type AxisState, type Vote } from './axes.ts';
import {
  outlierEvidence,
  probeEvidence,
  runSince,
  type Flip,
  type OutlierEvidence,
  type ProbeEvidence,
} from './evidence.ts';
import { ejectionEndMs, remedies } from './remedies.ts';

export interface BackendQuestion {
  readonly pool: string;
  readonly backend: string;
  readonly at: Instant;
  /** Whose eyes; the source's own node when left out. */
  readonly node?: string;
}

export interface ExplainedAxis extends AxisState {
  /** The event that set it; null where none did, or the log has it no more. */
  readonly by: EventRef | null;
  /** What led there; null where an operator or nobody set it. */
  readonly evidence: ProbeEvidence | OutlierEvidence | null;
}

interface Explained {
  readonly kind: 'backend';
  readonly source: string;
  readonly cluster: string;
  readonly node: string;
  readonly at: Instant;
  readonly check: HashCheck;
  readonly pool: string;
  readonly backend: string;
}

/** It was a member. */
export interface MemberExplanation extends Explained {
  readonly isMember: true;
  readonly target: string;
  readonly eligibility: Eligibility;
  /** It may be picked without being eligible, while its pool is in panic. */
  readonly isCandidate: boolean;
  readonly isPanic: boolean;
  /** Since when it was so; null where no event of the log says. */
  readonly sinceMs: number | null;
  /** The event since which it was so: what keeps it out, or the newest that it owes its eligibility to. */
  readonly by: EventRef | null;
  /** Mode, health, ejection. */
  readonly axes: readonly ExplainedAxis[];
  /** Each node's word, where most nodes decide; else null. */
  readonly votes: readonly (Vote & { readonly by: EventRef | null })[] | null;
  /** The event that gave it its target, and the newest one on its own subject; null where the log has it no more. */
  readonly registeredBy: EventRef | null;
  /** When the present ejection ends by itself, ms since 1970; null where there is none, or its event does not say. */
  readonly ejectionEndMs: number | null;
  /** In words: all of these together. Empty where nothing keeps it out. */
  readonly returnsWith: readonly string[];
}

/** It was none, and had been one. */
export interface FormerMemberExplanation extends Explained {
  readonly isMember: false;
  /** What removed it. */
  readonly by: EventRef;
  readonly sinceMs: number;
  readonly returnsWith: readonly string[];
}

export type BackendExplanation = MemberExplanation | FormerMemberExplanation;

/** Throws as `Replay.rosterAt` does, and `ReplayError` `unknown-pool` or `unknown-backend` where there never was one. */
export async function explainBackend(replay: Replay, question: BackendQuestion): Promise<BackendExplanation> {
  const { source } = replay;
  const { roster, check } = await replay.rosterAt(question.at.revision);
  const node = question.node ?? source.node;
  refuseUnknownNode(roster, node, source.node);
  const head: Explained = {
    kind: 'backend',
    source: source.name,
    cluster: roster.cluster,
    node,
    at: question.at,
    check,
    pool: question.pool,
    backend: question.backend,
  };
  const pool = roster.pools.get(question.pool);
  const backend = pool?.backends.get(question.backend);
  if (pool === undefined || backend === undefined) return explainAbsence(replay, head, roster);
  const member: Member = {
    pool,
    backend,
    roster,
    viewpoint: viewpointOf(roster, node),
    timeMs: momentMs(head, roster),
  };
  return { ...head, ...(await explainMember(replay, member)) };
}

interface Member {
  readonly pool: Pool;
  readonly backend: Backend;
  readonly roster: Roster;
  readonly viewpoint: Viewpoint;
  /** The moment asked about. */
  readonly timeMs: number;
}

function momentMs({ at }: Explained, { timeMs }: Roster): number {
  return Math.max(at.timeMs, timeMs);
}

async function explainMember(replay: Replay, member: Member): Promise<Omit<MemberExplanation, keyof Explained>> {
  const { pool, backend, roster, viewpoint, timeMs } = member;
  const found = eligibility(backend, pool.spec, viewpoint);
  const axes = axesOf(backend, pool, viewpoint);
  const votes =
    pool.spec.healthView === 'quorum' && pool.spec.health !== undefined ? votesOf(backend, viewpoint) : null;
  const sinceRevision = found.isEligible ? newestOf(backend, axes) : found.revision;
  const revisions = [sinceRevision, backend.target.revision, ...axes.map(({ revision }) => revision)];
  for (const { health } of votes ?? []) revisions.push(health.revision);
  const events = await eventRefs(replay.source, revisions);
  const eventOf = (revision: number): EventRef | null => events.get(revision) ?? null;
  const set = backendSet({ roster, node: viewpoint.node, pending: new Map() }, pool.id, timeMs)!;
  const explained: ExplainedAxis[] = [];
  for (const axis of axes) {
    explained.push({ ...axis, by: eventOf(axis.revision), evidence: await evidenceFor(replay, axis, member) });
  }
  const by = eventOf(sinceRevision);
  const health = axes.find(({ axis }) => axis === 'health')!;
  const passed = health.value === 'unhealthy' ? await runSince(replay.source, flipOf(health, member), timeMs + 1) : [];
  const question = { pool, backend, viewpoint, votes: votes ?? [], passedCount: passed.length };
  const ejection = axes.find(({ axis }) => axis === 'ejection')!;
  return {
    isMember: true,
    target: backend.target.value,
    eligibility: found,
    isCandidate: set.backends.some(({ id }) => id === backend.id),
    isPanic: set.isPanic,
    sinceMs: by?.timeMs ?? axes.find(({ revision }) => revision === sinceRevision && revision > 0)?.timeMs ?? null,
    by,
    axes: explained,
    votes: votes?.map((vote) => ({ ...vote, by: eventOf(vote.health.revision) })) ?? null,
    registeredBy: eventOf(backend.target.revision),
    ejectionEndMs: ejection.isKeepingOut ? ejectionEndMs(ejection) : null,
    returnsWith: remedies(axes, question),
  };
}

/** What it owes its eligibility to: the newest of all that could have kept it out. */
function newestOf({ target }: Backend, axes: readonly AxisState[]): number {
  return Math.max(target.revision, ...axes.map(({ revision }) => revision));
}

async function evidenceFor(
  replay: Replay,
  axis: AxisState,
  member: Member,
): Promise<ProbeEvidence | OutlierEvidence | null> {
  if (axis.axis === 'mode' || axis.revision === 0 || axis.value === 'unknown') return null;
  const flip = flipOf(axis, member);
  if (axis.axis === 'ejection') return axis.isKeepingOut ? outlierEvidence(replay.source, flip) : null;
  if (member.pool.spec.health === undefined) return null;
  const policy = await policyAt(replay, axis.revision, member.pool);
  return probeEvidence(replay.source, flip, { policy, isHealthy: axis.value === 'healthy' });
}

/** The node whose word the axis rests on: with a quorum, whoever spoke last. */
function flipOf({ revision, timeMs }: AxisState, { backend, viewpoint }: Member): Flip {
  const said = backend.observations.find(
    ({ health, ejection }) => health.revision === revision || ejection.revision === revision,
  );
  const node = said?.node ?? viewpoint.node;
  return { pool: backend.pool, backend: backend.id, target: backend.target.value, node, timeMs };
}

/** The thresholds at the flip may be others than those of the moment asked about. */
async function policyAt(replay: Replay, revision: number, pool: Pool): Promise<ProbeEvidence['policy']> {
  if (pool.revision <= revision) return pool.spec.health ?? null;
  try {
    const { roster } = await replay.rosterAt(revision);
    return roster.pools.get(pool.id)?.spec.health ?? null;
  } catch (error) {
    if (error instanceof ReplayError && error.code === 'compacted') return null;
    throw error;
  }
}

async function explainAbsence(replay: Replay, head: Explained, roster: Roster): Promise<FormerMemberExplanation> {
  const { pool, backend, at } = head;
  const by = await lastRemoval(replay.source, { kind: 'backend', pool, backend }, at.revision);
  if (by !== null) {
    const again = `\`muster backend add ${pool} ${backend} --target ADDRESS\``;
    const returnsWith = roster.pools.has(pool)
      ? [`it registers again, or ${again}`]
      : [`the pool is defined again (\`muster pool add ${pool}\`)`, `it registers again, or ${again}`];
    return { ...head, isMember: false, by, sinceMs: by.timeMs, returnsWith };
  }
  const known = roster.pools.get(pool);
  if (known === undefined) {
    throw unknown('unknown-pool', { what: `pool "${pool}"`, meant: nearestName(pool, roster.pools.keys()), at });
  }
  const meant = nearestName(backend, known.backends.keys());
  throw unknown('unknown-backend', { what: `backend "${backend}" in pool "${pool}"`, meant, at });
}

function unknown(
  code: 'unknown-pool' | 'unknown-backend',
  { what, meant, at: { revision } }: { readonly what: string; readonly meant: string | null; readonly at: Instant },
): ReplayError {
  const hint = meant === null ? '' : `; did you mean "${meant}"?`;
  return new ReplayError(
    code,
    `there was no ${what} by revision ${revision}, nor before, as far as the log goes back${hint}`,
    { revision },
  );
}
