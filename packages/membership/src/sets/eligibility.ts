/**
 * The one rule that combines a backend's three axes: may it get new traffic on this node, and if not, which event
 * keeps it out?
 *
 * Mode is the operator's word and ejection this node's own. Whose word counts on health is the pool's choice:
 *
 *   own      what this node's probes saw.
 *   quorum   what more than half of the live nodes say; where there is no such majority, this node's own word. A node
 *            that stopped, or whose lease ran out, takes its opinion with it. What this node has just seen and the
 *            journal has not taken is its vote already; and if that is `unhealthy`, it takes the backend out alone, so
 *            that a node whose journal is away acts at once.
 *
 * Of the backends that it keeps out, some are only suspected: they are `ready`, and what was seen of them speaks against them.
 * When nearly all of a pool is suspected at once, the observer is as likely to be wrong as they are, and the pool may take
 * them back in (panic, `backend-set.ts`). One that was never probed is not among them: nothing is known of it.
 *
 * All of it is a function of the roster and of this node's pending facts, so any past answer can be had again.
 */
import type { PoolSpec } from '../vocabulary/event.ts';
import type { Backend, Health, Observation, Roster } from '../fold/roster.ts';

export type Eligibility =
  | { readonly isEligible: true }
  | {
      readonly isEligible: false;
      readonly axis: 'mode' | 'health' | 'ejection';
      readonly value: string;
      /**
       * The event that keeps it out. For `unknown` health: the one that gave it its target; for a majority: the newest
       * of its votes. 0: a fact not recorded yet.
       */
      readonly revision: number;
      /** For people, as that event said it (`2 of 3 nodes: lb-1, lb-2: status 503`); null where it gave none. */
      readonly reason: string | null;
    };

/** Who asks, and who else has a say. */
export interface Viewpoint {
  readonly node: string;
  /** The nodes in state `started`; the asking one need not be among them. */
  readonly liveNodes: ReadonlySet<string>;
}

/** What decides in a pool; the rest of its spec does not matter here. */
export type HealthRule = Pick<PoolSpec, 'health' | 'healthView'>;

/** Names that a majority's reason lists; the others are counted. */
const NAMED_VOTERS_MAX = 4;
const ELIGIBLE: Eligibility = { isEligible: true };

/** The viewpoint of one node at one roster: O(nodes), made once for all backends. */
export function viewpointOf({ nodes }: Roster, node: string): Viewpoint {
  const liveNodes = new Set<string>();
  for (const { id, state } of nodes.values()) if (state.value === 'started') liveNodes.add(id);
  return { node, liveNodes };
}

/** Without a health policy every backend counts as healthy. */
export function eligibility(backend: Backend, rule: HealthRule, viewpoint: Viewpoint): Eligibility {
  const obstacle = obstacleTo(backend, rule, viewpoint);
  if (obstacle === null) return ELIGIBLE;
  const own = seenBy(viewpoint.node, backend);
  switch (obstacle) {
    case 'mode':
      return { isEligible: false, axis: obstacle, ...pick(backend.mode) };
    case 'ejection':
      return { isEligible: false, axis: obstacle, ...pick(own!.ejection) };
    case 'unhealthy':
    case 'unprobed':
      return { isEligible: false, axis: 'health', ...unhealthiness(backend, { rule, viewpoint, own }) };
  }
}

/** As `eligibility`, without the explanation and without allocating. */
export function isEligible(backend: Backend, rule: HealthRule, viewpoint: Viewpoint): boolean {
  return obstacleTo(backend, rule, viewpoint) === null;
}

/** `eligible`; `suspected`: kept out by what was seen of it, and by that alone; `out`: not wanted, or never probed. */
export type Standing = 'eligible' | 'suspected' | 'out';

/** How much a backend's absence weighs, without allocating. */
export function standing(backend: Backend, rule: HealthRule, viewpoint: Viewpoint): Standing {
  const obstacle = obstacleTo(backend, rule, viewpoint);
  if (obstacle === null) return 'eligible';
  return obstacle === 'ejection' || obstacle === 'unhealthy' ? 'suspected' : 'out';
}

type Obstacle = 'mode' | 'ejection' | 'unhealthy' | 'unprobed';

function obstacleTo(backend: Backend, rule: HealthRule, viewpoint: Viewpoint): Obstacle | null {
  if (backend.mode.value !== 'ready') return 'mode';
  const own = seenBy(viewpoint.node, backend);
  if (own?.ejection.value === 'ejected') return 'ejection';
  if (rule.health === undefined) return null;
  const ownWord = own?.health.value ?? 'unknown';
  const isOwnAlone = rule.healthView === 'own' || isUnrecordedUnhealthy(own);
  const word = isOwnAlone ? ownWord : (majority(backend, viewpoint.liveNodes) ?? ownWord);
  if (word === 'healthy') return null;
  return word === 'unhealthy' ? 'unhealthy' : 'unprobed';
}

function seenBy(node: string, { observations }: Backend): Observation | undefined {
  for (const observation of observations) if (observation.node === node) return observation;
  return undefined;
}

function isUnrecordedUnhealthy(own: Observation | undefined): boolean {
  return own !== undefined && own.health.value === 'unhealthy' && own.health.revision === 0;
}

/** What more than half of the live nodes say, or null. */
function majority({ observations }: Backend, liveNodes: ReadonlySet<string>): Exclude<Health, 'unknown'> | null {
  let healthyCount = 0;
  let unhealthyCount = 0;
  for (const { node, health } of observations) {
    if (health.value === 'unknown' || !liveNodes.has(node)) continue;
    if (health.value === 'healthy') healthyCount += 1;
    else unhealthyCount += 1;
  }
  if (healthyCount * 2 > liveNodes.size) return 'healthy';
  return unhealthyCount * 2 > liveNodes.size ? 'unhealthy' : null;
}

interface Explanation {
  readonly value: string;
  readonly revision: number;
  readonly reason: string | null;
}

/** Why a backend's health keeps it out; asked only where it does. */
function unhealthiness(
  backend: Backend,
  { rule, viewpoint, own }: { rule: HealthRule; viewpoint: Viewpoint; own: Observation | undefined },
): Explanation {
  const { liveNodes } = viewpoint;
  const isOutvoted = rule.healthView === 'quorum' && majority(backend, liveNodes) === 'unhealthy';
  if (isOutvoted && !isUnrecordedUnhealthy(own)) return votes(backend, viewpoint);
  if (own?.health.value === 'unhealthy') return pick(own.health);
  const { revision } = backend.target;
  return { value: 'unknown', revision, reason: 'no probe has answered yet' };
}

function votes({ observations }: Backend, { node: self, liveNodes }: Viewpoint): Explanation {
  const against = observations.filter(({ node, health }) => health.value === 'unhealthy' && liveNodes.has(node));
  const newest = against.reduce((left, right) => (left.health.revision > right.health.revision ? left : right)).health;
  const isOwnAlone = against.length === 1 && against[0]!.node === self;
  if (isOwnAlone) return pick(newest);
  const names = against.slice(0, NAMED_VOTERS_MAX).map(({ node }) => node);
  const rest = against.length > names.length ? ` and ${against.length - names.length} more` : '';
  const reason = `${against.length} of ${liveNodes.size} nodes: ${names.join(', ')}${rest}: ${newest.reason}`;
  return { value: 'unhealthy', revision: newest.revision, reason };
}

function pick({ value, revision, reason }: Explanation): Explanation {
  return { value, revision, reason };
}
