/**
 * The roster of a node now, which `muster status` and the lists of pools, backends and listeners are made of: plain JSON, each backend with
 * what keeps it out on this node, and by which event. What the node knows and the journal has not taken yet is in it, unlike in a past state.
 */
import { isIP } from 'node:net';
import {
  backendSet,
  eligibility,
  eligibleSinceMs,
  observationBy,
  parseTarget,
  rosterHash,
  slowStartRatio,
  viewpointOf,
  withPendingFacts,
  type Address,
  type Backend,
  type Pool,
  type PoolSpec,
  type PendingFacts,
  type Roster,
  type Viewpoint,
} from '@muster/membership';
import type { z } from 'zod';
import type { Shapes } from './question.ts';

/** A pool with its backends, as this node sees them, facts included that the journal has not taken yet. */
export const poolShape = ({ z, ...of }: Shapes) =>
  z.object({
    ...of.described,
    spec: of.poolSpecSchema,
    changedRevision: of.revision,
    isPanic: z.boolean().describe('so few are eligible that those who are suspected take traffic, too'),
    backends: z.array(
      z.object({
        ...of.seenBackend,
        target: of.text,
        weight: of.number,
        mode: of.mode,
        refusal: of.text
          .nullable()
          .describe('why this node does not dial its target; null for a host name, which is judged at each dial'),
        weightRatio: of.number.describe(
          'the part of its weight that it has by now, 0.1 to 1: less while it starts slowly',
        ),
      }),
    ),
  });

export const rosterShape = (shapes: Shapes) =>
  shapes.z.object({
    cluster: shapes.text,
    node: shapes.text.describe("whose view of the backends' health this is"),
    revision: shapes.revision,
    timeMs: shapes.timeMs,
    hash: shapes.text,
    rejectedCount: shapes.count,
    listeners: shapes.z.array(shapes.z.object({ ...shapes.described, spec: shapes.listenerSpecSchema })),
    pools: shapes.z.array(poolShape(shapes)),
    nodes: shapes.z.array(shapes.clusterNode),
  });

export type RosterView = z.output<ReturnType<typeof rosterShape>>;
export type PoolView = RosterView['pools'][number];
export type BackendView = PoolView['backends'][number];
type ListenerView = RosterView['listeners'][number];

/** A node at one moment: what its roster, its pending facts and the clock say, looked up once for all pools. */
interface Moment {
  readonly roster: Roster;
  readonly viewpoint: Viewpoint;
  readonly pendingByPool: ReadonlyMap<string, PendingFacts>;
  readonly refusalOf: RefusalOf;
  readonly nowMs: number;
}

const NO_FACTS: PendingFacts = new Map();
/** Backends in one piece of text: under 1 ms of work. */
const PIECE_BACKENDS = 50;

export type RefusalOf = (target: Address) => string | null;

interface SeenNode {
  roster(): Roster;
  pending(): PendingFacts;
  status(): { readonly node: string };
  /** Why it does not dial a target, for people; null: it does. */
  readonly refusalOf: RefusalOf;
}

/**
 * A `RosterView` as pieces of JSON text, of the roster as it is when the first is asked for. So whoever sends it can let others
 * have their turn in between, and nothing holds the whole text of ten thousand backends.
 */
export function* rosterParts(node: SeenNode): Generator<string, void> {
  const moment = momentOf(node);
  const { roster, viewpoint } = moment;
  const { cluster, revision, timeMs, rejectedCount } = roster;
  const head = { cluster, node: viewpoint.node, revision, timeMs, hash: rosterHash(roster), rejectedCount };
  yield openObject(head);
  yield* listParts('listeners', roster.listeners.values(), ({ id, spec, origin, revision: set }) => {
    return JSON.stringify({ id, spec, origin, revision: set } satisfies ListenerView);
  });
  yield ',"pools":[';
  let separator = '';
  for (const pool of roster.pools.values()) {
    yield separator;
    yield* partsOfPool(moment, pool);
    separator = ',';
  }
  yield ']';
  yield* listParts('nodes', roster.nodes.values(), ({ id, state, leaseMs }) => JSON.stringify({ id, state, leaseMs }));
  yield '}';
}

/** A `PoolView` as pieces of JSON text; null where there is no such pool. */
export function poolParts(node: SeenNode, id: string): Generator<string, void> | null {
  const moment = momentOf(node);
  const pool = moment.roster.pools.get(id);
  return pool === undefined ? null : partsOfPool(moment, pool);
}

function momentOf(node: SeenNode): Moment {
  const roster = node.roster();
  const pendingByPool = new Map<string, PendingFacts>();
  for (const [key, facts] of node.pending()) {
    const pool = key.slice(0, key.indexOf('/'));
    const ofPool = pendingByPool.get(pool) ?? new Map();
    pendingByPool.set(pool, ofPool.set(key, facts));
  }
  return {
    roster,
    viewpoint: viewpointOf(roster, node.status().node),
    pendingByPool,
    refusalOf: node.refusalOf,
    nowMs: Date.now(),
  };
}

function* partsOfPool(moment: Moment, pool: Pool): Generator<string, void> {
  const { id, spec, origin, revision, changedRevision, backends } = pool;
  const { roster, viewpoint, nowMs } = moment;
  const pending = moment.pendingByPool.get(id) ?? NO_FACTS;
  const set = backendSet({ roster, node: viewpoint.node, pending }, id, nowMs);
  const isPanic = set?.isPanic ?? false;
  const candidateIds = new Set(set?.backends.map((candidate) => candidate.id));
  yield openObject({ id, spec, origin, revision, changedRevision, isPanic });
  yield* listParts('backends', backends.values(), (recorded) => {
    const backend = withPendingFacts(recorded, viewpoint.node, pending);
    const refusal = refusalOfTarget(backend.target.value, moment.refusalOf);
    const isCandidate = refusal === null && candidateIds.has(backend.id);
    const isStarting = isCandidate && !isPanic;
    const weightRatio = isStarting ? startedRatio(backend, { spec, node: viewpoint.node, nowMs }) : 1;
    const view: BackendView = { ...backendView(backend, { viewpoint, spec }), refusal, isCandidate, weightRatio };
    return JSON.stringify(view);
  });
  yield '}';
}

/** One more field of an open object, a list. */
function* listParts<Item>(
  field: string,
  items: Iterable<Item>,
  textOf: (item: Item) => string,
): Generator<string, void> {
  let piece = `,"${field}":[`;
  let count = 0;
  for (const item of items) {
    piece += (count === 0 ? '' : ',') + textOf(item);
    count += 1;
    if (count % PIECE_BACKENDS !== 0) continue;
    yield piece;
    piece = '';
  }
  yield `${piece}]`;
}

/** A JSON object's text that more fields follow. */
function openObject(fields: object): string {
  return JSON.stringify(fields).slice(0, -1);
}

/** Null for a host name too: where it leads is only known when it is dialled. */
export function refusalOfTarget(target: string, refusalOf: RefusalOf): string | null {
  const address = parseTarget(target);
  const isLiteral = address !== null && (address.kind === 'unix' || isIP(address.host) !== 0);
  return isLiteral ? refusalOf(address) : null;
}

function startedRatio(backend: Backend, view: { spec: PoolSpec; node: string; nowMs: number }): number {
  const { slowStartMs } = view.spec;
  if (slowStartMs === undefined) return 1;
  return slowStartRatio(eligibleSinceMs(backend, view.spec, view.node), slowStartMs, view.nowMs);
}

function backendView(
  backend: Backend,
  { viewpoint, spec }: { viewpoint: Viewpoint; spec: PoolSpec },
): Omit<BackendView, 'isCandidate' | 'weightRatio' | 'refusal'> {
  const self = viewpoint.node;
  const { health, ejection } = observationBy(self, backend.observations);
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
