/**
 * A backend's axes as one node saw them, each with the event that set it and whether it keeps the backend out. Pure.
 *
 * `eligibility` names the first obstacle; here are all of them, since taking one away is of no use while another stands.
 */
import {
  eligibility,
  observationBy,
  type Backend,
  type Health,
  type Pool,
  type Reasoned,
  type Viewpoint,
} from '@muster/membership';

export interface AxisState {
  readonly axis: 'mode' | 'health' | 'ejection';
  readonly value: string;
  /** The event that set it; 0: none has. */
  readonly revision: number;
  /** ms since 1970; 0 where no event set it. */
  readonly timeMs: number;
  readonly reason: string | null;
  readonly isKeepingOut: boolean;
}

/** What one node says where most nodes decide. */
export interface Vote {
  readonly node: string;
  /** Only the word of nodes that are `started` counts. */
  readonly isCounted: boolean;
  readonly health: Reasoned<Health>;
}

/** Mode, health, ejection. */
export function axesOf(backend: Backend, pool: Pool, viewpoint: Viewpoint): AxisState[] {
  const { health, ejection } = observationBy(viewpoint.node, backend.observations);
  return [
    axisState('mode', backend.mode, backend.mode.value !== 'ready'),
    healthState({ backend, pool, viewpoint, own: health }),
    axisState('ejection', ejection, ejection.value === 'ejected'),
  ];
}

/** Judged as if nothing but health spoke against it, by the function that judges. */
function healthState({
  backend,
  pool,
  viewpoint,
  own,
}: {
  readonly backend: Backend;
  readonly pool: Pool;
  readonly viewpoint: Viewpoint;
  readonly own: Reasoned<Health>;
}): AxisState {
  const { health: policy, healthView } = pool.spec;
  if (policy === undefined) {
    const reason = 'the pool has no health checks: every backend counts as healthy';
    return { axis: 'health', value: 'healthy', revision: pool.revision, timeMs: 0, reason, isKeepingOut: false };
  }
  const found = eligibility(unhindered(backend, viewpoint.node), pool.spec, viewpoint);
  if (found.isEligible) {
    const word = own.value === 'healthy' || healthView === 'own' ? own : { ...own, value: 'healthy', reason: OUTVOTED };
    return axisState('health', word, false);
  }
  const { value, revision, reason } = found;
  const timeMs = timeOf(backend, revision);
  return { axis: 'health', value, revision, timeMs, reason, isKeepingOut: true };
}

const OUTVOTED = 'most nodes say so';

/** The backend with only its health to judge by. */
function unhindered(backend: Backend, node: string): Backend {
  const observations = backend.observations.map((observation) =>
    observation.node === node
      ? { ...observation, ejection: { ...observation.ejection, value: 'admitting' as const } }
      : observation,
  );
  return { ...backend, mode: { ...backend.mode, value: 'ready' }, observations };
}

/** When the event at a revision set something of the backend; 0 where it did not. */
function timeOf({ target, observations }: Backend, revision: number): number {
  if (target.revision === revision) return target.timeMs;
  for (const { health } of observations) if (health.revision === revision) return health.timeMs;
  return 0;
}

function axisState(axis: AxisState['axis'], set: Reasoned<string>, isKeepingOut: boolean): AxisState {
  const { value, revision, timeMs, reason } = set;
  return { axis, value, revision, timeMs, reason, isKeepingOut };
}

/** Every node's word, in the order of their ids; those that have not said anything included. */
export function votesOf(backend: Backend, { liveNodes }: Viewpoint): Vote[] {
  const nodes = new Set([...liveNodes, ...backend.observations.map(({ node }) => node)]);
  return [...nodes].sort().map((node) => {
    const { health } = observationBy(node, backend.observations);
    return { node, isCounted: liveNodes.has(node), health };
  });
}
