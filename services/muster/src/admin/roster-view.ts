/**
 * The roster as the admin API shows it: plain JSON, each backend with what keeps it out on this node, and by which event.
 */
import { isIP } from 'node:net';
import type { NodeHandle } from '@muster/actors';
import {
  backendSet,
  eligibility,
  eligibleSinceMs,
  parseTarget,
  rosterHash,
  slowStartRatio,
  viewpointOf,
  withPendingFacts,
  type Address,
  type Backend,
  type Eligibility,
  type Ejection,
  type Health,
  type ListenerSpec,
  type Mode,
  type NodeRecord,
  type Observation,
  type Pool,
  type PoolSpec,
  type Reasoned,
  type Viewpoint,
} from '@muster/membership';

export interface BackendView {
  readonly pool: string;
  readonly id: string;
  readonly target: string;
  readonly weight: number;
  readonly mode: Reasoned<Mode>;
  /** Silent for so long, it is taken out; null: it need not say anything. */
  readonly leaseMs: number | null;
  /** This node's view, unrecorded facts included. */
  readonly health: Reasoned<Health>;
  readonly ejection: Reasoned<Ejection>;
  /** What other nodes recorded. */
  readonly observations: readonly Observation[];
  readonly eligibility: Eligibility;
  /**
   * Why this node does not dial its target, for people; null where it does, and for a host name, whose addresses are judged at each dial.
   */
  readonly refusal: string | null;
  /** Whether it may be picked: it is eligible, or it is suspected and the pool is in panic. */
  readonly isCandidate: boolean;
  /** The part of its weight that it has by now, 0.1 to 1: less than 1 while it starts slowly. */
  readonly weightRatio: number;
  readonly origin: string | null;
  readonly revision: number;
}

export interface PoolView {
  readonly id: string;
  readonly spec: PoolSpec;
  readonly origin: string | null;
  readonly revision: number;
  readonly changedRevision: number;
  /** On this node so few are eligible that those who are suspected take traffic, too. */
  readonly isPanic: boolean;
  readonly backends: readonly BackendView[];
}

interface ListenerView {
  readonly id: string;
  readonly spec: ListenerSpec;
  readonly origin: string | null;
  readonly revision: number;
}

export interface RosterView {
  readonly cluster: string;
  /** Whose view of the backends' health this is. */
  readonly node: string;
  readonly revision: number;
  /** ms since 1970, of the event at `revision`. */
  readonly timeMs: number;
  readonly hash: string;
  readonly rejectedCount: number;
  readonly listeners: readonly ListenerView[];
  readonly pools: readonly PoolView[];
  readonly nodes: readonly Pick<NodeRecord, 'id' | 'state' | 'leaseMs'>[];
}

export type RefusalOf = (target: Address) => string | null;

type Seen = Pick<NodeHandle, 'roster' | 'pending' | 'status'>;

export function rosterView(node: Seen, refusalOf: RefusalOf): RosterView {
  const roster = node.roster();
  return {
    cluster: roster.cluster,
    node: node.status().node,
    revision: roster.revision,
    timeMs: roster.timeMs,
    hash: rosterHash(roster),
    rejectedCount: roster.rejectedCount,
    listeners: [...roster.listeners.values()].map(({ id, spec, origin, revision }) => ({ id, spec, origin, revision })),
    pools: [...roster.pools.values()].map((pool) => poolView(node, pool, refusalOf)),
    nodes: [...roster.nodes.values()].map(({ id, state, leaseMs }) => ({ id, state, leaseMs })),
  };
}

export function poolView(node: Seen, pool: Pool, refusalOf: RefusalOf): PoolView {
  const { id, spec, origin, revision, changedRevision, backends } = pool;
  const roster = node.roster();
  const viewpoint = viewpointOf(roster, node.status().node);
  const pending = node.pending();
  const nowMs = Date.now();
  const set = backendSet({ roster, node: viewpoint.node, pending }, id, nowMs);
  const isPanic = set?.isPanic ?? false;
  const candidateIds = new Set(set?.backends.map((candidate) => candidate.id));
  const views = [...backends.values()].map((recorded) => {
    const backend = withPendingFacts(recorded, viewpoint.node, pending);
    const isCandidate = candidateIds.has(backend.id);
    const isStarting = isCandidate && !isPanic;
    const weightRatio = isStarting ? startedRatio(backend, { spec, node: viewpoint.node, nowMs }) : 1;
    const refusal = refusalOfTarget(backend.target.value, refusalOf);
    return { ...backendView(backend, { viewpoint, spec }), refusal, isCandidate, weightRatio };
  });
  return { id, spec, origin, revision, changedRevision, isPanic, backends: views };
}

function refusalOfTarget(target: string, refusalOf: RefusalOf): string | null {
  const address = parseTarget(target);
  const isLiteral = address !== null && (address.kind === 'unix' || isIP(address.host) !== 0);
  return isLiteral ? refusalOf(address) : null;
}

function startedRatio(backend: Backend, view: { spec: PoolSpec; node: string; nowMs: number }): number {
  const { slowStartMs } = view.spec;
  if (slowStartMs === undefined) return 1;
  return slowStartRatio(eligibleSinceMs(backend, view.spec, view.node), slowStartMs, view.nowMs);
}

const UNOBSERVED = {
  health: { value: 'unknown', revision: 0, timeMs: 0, reason: null },
  ejection: { value: 'admitting', revision: 0, timeMs: 0, reason: null },
} as const;

function backendView(
  backend: Backend,
  { viewpoint, spec }: { viewpoint: Viewpoint; spec: PoolSpec },
): Omit<BackendView, 'isCandidate' | 'weightRatio' | 'refusal'> {
  const self = viewpoint.node;
  const { health, ejection } = backend.observations.find(({ node }) => node === self) ?? UNOBSERVED;
  return {
    pool: backend.pool,
    id: backend.id,
    target: backend.target.value,
    weight: backend.weight.value,
    mode: backend.mode,
    leaseMs: backend.leaseMs,
    health,
    ejection,
    observations: backend.observations.filter(({ node }) => node !== self),
    eligibility: eligibility(backend, spec, viewpoint),
    origin: backend.origin,
    revision: backend.revision,
  };
}
