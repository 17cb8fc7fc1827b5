/**
 * A past state as one node saw it: plain JSON, which the API hands out and the CLI prints.
 *
 * It is the roster with each backend's axes, and what kept it out by which event. What a node knew and the journal had not
 * taken yet is not in it: that was never written down here, and lasted moments unless the journal was away.
 */
import {
  backendSet,
  eligibility,
  observationBy,
  rosterHash,
  viewpointOf,
  type Backend,
  type Ejection,
  type Eligibility,
  type Health,
  type ListenerSpec,
  type Mode,
  type NodeRecord,
  type Observation,
  type Pool,
  type PoolSpec,
  type Reasoned,
  type Roster,
  type Sourced,
  type Viewpoint,
} from '@muster/membership';
import { eventRefs, type EventRef } from './event-ref.ts';
import type { HashCheck } from './hash-check.ts';
import type { Instant } from './instant.ts';
import type { Replay } from './replay.ts';
import { ReplayError } from './replay-error.ts';
import { inTurns, type Pace } from './turns.ts';

export interface BackendState {
  readonly pool: string;
  readonly id: string;
  /** With the revision of the event that set it. */
  readonly target: Sourced<string> & { readonly timeMs: number };
  readonly weight: Sourced<number>;
  readonly mode: Reasoned<Mode> & { readonly origin: string | null };
  /** The health as the viewing node saw it; at revision 0 it had not said anything. */
  readonly health: Reasoned<Health>;
  readonly ejection: Reasoned<Ejection>;
  /** What other nodes saw. */
  readonly observations: readonly Observation[];
  readonly eligibility: Eligibility;
  /** The event that kept it out; null where it was eligible, or the log has it no more. */
  readonly keptOutBy: EventRef | null;
  /** Whether it was picked from: eligible, or suspected while the pool was in panic. */
  readonly isCandidate: boolean;
  /** Relative to the other candidates at that moment; smaller while it started slowly. Null where it is none. */
  readonly candidateWeight: number | null;
  readonly leaseMs: number | null;
  readonly origin: string | null;
  /** The newest event on its own subject. */
  readonly revision: number;
}

export interface PoolState {
  readonly id: string;
  readonly spec: PoolSpec;
  readonly origin: string | null;
  readonly revision: number;
  readonly changedRevision: number;
  readonly isPanic: boolean;
  readonly eligibleCount: number;
  readonly candidatesCount: number;
  readonly backends: readonly BackendState[];
}

export interface ListenerState {
  readonly id: string;
  readonly spec: ListenerSpec;
  readonly origin: string | null;
  readonly revision: number;
  /** Whether the viewing node was to bind it. */
  readonly isOnNode: boolean;
}

export type NodeState = Pick<NodeRecord, 'id' | 'state' | 'leaseMs'>;

export interface StateView {
  readonly kind: 'state';
  readonly source: string;
  readonly cluster: string;
  readonly at: Instant;
  /** Whose eyes it is seen with. */
  readonly node: string;
  readonly hash: string;
  readonly check: HashCheck;
  readonly rejectedCount: number;
  readonly listeners: readonly ListenerState[];
  readonly pools: readonly PoolState[];
  readonly nodes: readonly NodeState[];
}

export interface StateViewOptions {
  /** Whose eyes; the source's own node when left out. Throws `ReplayError` `invalid-question` where no such node was ever heard of. */
  readonly node?: string;
  /** This pool alone. Throws `ReplayError` `unknown-pool` where it was not there. */
  readonly pool?: string;
}

/** The state at an instant. Throws as `Replay.rosterAt` does. */
export async function stateView(replay: Replay, at: Instant, options: StateViewOptions = {}): Promise<StateView> {
  const { source } = replay;
  const { roster, check } = await replay.rosterAt(at.revision);
  const node = options.node ?? source.node;
  if (options.node !== undefined) refuseUnknownNode(roster, options.node, source.node);
  const viewpoint = viewpointOf(roster, node);
  const timeMs = Math.max(at.timeMs, roster.timeMs);
  const pace = inTurns();
  const seen: SeenPool[] = [];
  for (const pool of poolsOf(roster, options.pool)) {
    seen.push(await seenPool(pool, { roster, viewpoint, timeMs }, pace));
    await pace();
  }
  const events = await eventRefs(
    source,
    seen.flatMap(({ backends }) => backends.map(keepingRevision)),
  );
  return {
    kind: 'state',
    source: source.name,
    cluster: roster.cluster,
    at,
    node,
    hash: rosterHash(roster),
    check,
    rejectedCount: roster.rejectedCount,
    listeners: [...roster.listeners.values()].map(({ id, spec, origin, revision }) => {
      const isOnNode = spec.nodes === undefined || spec.nodes.includes(node);
      return { id, spec, origin, revision, isOnNode };
    }),
    pools: seen.map((pool) => ({
      ...pool,
      backends: pool.backends.map((backend) => ({
        ...backend,
        keptOutBy: events.get(keepingRevision(backend)) ?? null,
      })),
    })),
    nodes: [...roster.nodes.values()].map(({ id, state, leaseMs }) => ({ id, state, leaseMs })),
  };
}

type SeenBackend = Omit<BackendState, 'keptOutBy'>;
type SeenPool = Omit<PoolState, 'backends'> & { readonly backends: readonly SeenBackend[] };

function keepingRevision({ eligibility: found }: Pick<SeenBackend, 'eligibility'>): number {
  return found.isEligible ? 0 : found.revision;
}

interface Moment {
  readonly roster: Roster;
  readonly viewpoint: Viewpoint;
  readonly timeMs: number;
}

function poolsOf(roster: Roster, wanted: string | undefined): readonly Pool[] {
  if (wanted === undefined) return [...roster.pools.values()];
  const pool = roster.pools.get(wanted);
  if (pool !== undefined) return [pool];
  throw new ReplayError('unknown-pool', `there was no pool "${wanted}" at revision ${roster.revision}`);
}

async function seenPool(pool: Pool, { roster, viewpoint, timeMs }: Moment, pace: Pace): Promise<SeenPool> {
  const { id, spec, origin, revision, changedRevision } = pool;
  const set = backendSet({ roster, node: viewpoint.node, pending: new Map() }, id, timeMs)!;
  const weights = new Map(set.backends.map((candidate) => [candidate.id, candidate.weight]));
  const backends: SeenBackend[] = [];
  for (const backend of pool.backends.values()) {
    const candidateWeight = weights.get(backend.id) ?? null;
    const isCandidate = candidateWeight !== null;
    backends.push({ ...seenBackend(backend, spec, viewpoint), isCandidate, candidateWeight });
    const turn = pace();
    if (turn !== undefined) await turn;
  }
  const eligibleCount = backends.filter((backend) => backend.eligibility.isEligible).length;
  const candidatesCount = set.backends.length;
  const { isPanic } = set;
  return { id, spec, origin, revision, changedRevision, isPanic, eligibleCount, candidatesCount, backends };
}

function seenBackend(
  backend: Backend,
  spec: PoolSpec,
  viewpoint: Viewpoint,
): Omit<SeenBackend, 'isCandidate' | 'candidateWeight'> {
  const { node } = viewpoint;
  const { health, ejection } = observationBy(node, backend.observations);
  const { pool, id, target, weight, mode, leaseMs, origin, revision } = backend;
  return {
    pool,
    id,
    target,
    weight,
    mode,
    health,
    ejection,
    observations: backend.observations.filter((observation) => observation.node !== node),
    eligibility: eligibility(backend, spec, viewpoint),
    leaseMs,
    origin,
    revision,
  };
}

/** A node that the log knows, or has observations of. */
export function refuseUnknownNode(roster: Roster, node: string, own: string): void {
  if (node === own || roster.nodes.has(node)) return;
  const known = [...new Set([own, ...roster.nodes.keys()])].slice(0, 10).join(', ');
  const message = `no node "${node}" had started by revision ${roster.revision}; known: ${known}`;
  throw new ReplayError('invalid-question', message);
}
