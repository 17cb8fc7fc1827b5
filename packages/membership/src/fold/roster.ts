/**
 * The roster: everything the events say, folded up to one revision. Immutable, and equal on every reader.
 *
 * Each value carries the revision of the event that set it, so "why" is a look-up. What belongs to one node's view
 * (its health observations) is keyed by that node, so that one roster serves all nodes and can be compared by hash.
 *
 *     pools: spells ─┬─ spec (policy, timeouts, health)      @ revision 12
 *                    └─ backends: spells-1 ─┬─ target        @ 13
 *                                           ├─ mode          @ 13
 *                                           └─ observations: lb-1 ─┬─ health    @ 15
 *                                                                  └─ ejection  @ 0
 */
import type { HealthEvent, ListenerSpec, Mode, PoolSpec } from '../vocabulary/event.ts';
import { emptyMap, type SortedMap } from './sorted-map.ts';

/** Two 32-bit lanes. Signed, because the engine keeps those in place and boxes larger numbers. */
export interface Digest {
  readonly high: number;
  readonly low: number;
}

/** A value and the revision of the event that set it; 0 means that no event has, and the value is the initial one. */
export interface Sourced<Value> {
  readonly value: Value;
  readonly revision: number;
}

export type Health = 'unknown' | 'healthy' | 'unhealthy';
export type Ejection = 'admitting' | 'ejected';

/** A value with the time of its event (ms since 1970, the journal's clock) and the reason given there, or null. */
export interface Reasoned<Value> extends Sourced<Value> {
  readonly timeMs: number;
  readonly reason: string | null;
}

/** What one node saw of one backend's present target. */
export interface Observation {
  readonly node: string;
  readonly health: Reasoned<Health>;
  readonly ejection: Reasoned<Ejection>;
}

export interface Backend {
  readonly pool: string;
  readonly id: string;
  readonly target: Sourced<string> & {
    /** When it got it: ms since 1970, the journal's clock. As the revision decides it, the hash leaves it out. */
    readonly timeMs: number;
  };
  readonly weight: Sourced<number>;
  readonly mode: Reasoned<Mode> & {
    /** Who set it, or null where the publisher did not say. */
    readonly origin: string | null;
  };
  /** Without a heartbeat for so long, it is deregistered; null: it has no lease. Set by the newest registration. */
  readonly leaseMs: number | null;
  /** One per node that has seen it, in code-unit order of the nodes' ids. An array, because there are few and it is read often. */
  readonly observations: readonly Observation[];
  /** Who registered it (the newest registration's origin), or null where the publisher did not say. */
  readonly origin: string | null;
  /** The newest accepted event on the backend's own subject. */
  readonly revision: number;
  readonly digest: Digest;
}

export interface Pool {
  readonly id: string;
  readonly spec: PoolSpec;
  readonly origin: string | null;
  /** The event that set `spec`. */
  readonly revision: number;
  /** The newest event that changed the pool, one of its backends, or an observation of one. */
  readonly changedRevision: number;
  readonly backends: SortedMap<Backend>;
  readonly digest: Digest;
}

export interface Listener {
  readonly id: string;
  readonly spec: ListenerSpec;
  readonly origin: string | null;
  readonly revision: number;
  readonly digest: Digest;
}

export interface NodeRecord {
  readonly id: string;
  readonly state: Reasoned<'started' | 'stopped'>;
  /** Without an announcement for so long, it counts as stopped; null: it has no lease. */
  readonly leaseMs: number | null;
  readonly digest: Digest;
}

export interface Roster {
  readonly cluster: string;
  /** The newest folded event, accepted or rejected; 0 before the first. */
  readonly revision: number;
  /** Time of that event, ms since 1970 by the journal's clock; 0 before the first. Never goes back, even where that clock did. */
  readonly timeMs: number;
  readonly rejectedCount: number;
  readonly listeners: SortedMap<Listener>;
  readonly pools: SortedMap<Pool>;
  readonly nodes: SortedMap<NodeRecord>;
  /** Sum of the digests of everything above; see `hash.ts`. */
  readonly digest: Digest;
}

/** The roster before the first event. `cluster` is the second token of every subject it accepts. */
export function emptyRoster(cluster: string): Roster {
  return {
    cluster,
    revision: 0,
    timeMs: 0,
    rejectedCount: 0,
    listeners: emptyMap(),
    pools: emptyMap(),
    nodes: emptyMap(),
    digest: { high: 0, low: 0 },
  };
}

const NEVER_HEALTH: Reasoned<Health> = { value: 'unknown', revision: 0, timeMs: 0, reason: null };
const NEVER_EJECTION: Reasoned<Ejection> = { value: 'admitting', revision: 0, timeMs: 0, reason: null };

/** What a node saw of a backend; `unknown` and `admitting` at revision 0 where it has not said anything. */
export function observationBy(node: string, observations: readonly Observation[]): Observation {
  for (const observation of observations) if (observation.node === node) return observation;
  return { node, health: NEVER_HEALTH, ejection: NEVER_EJECTION };
}

/** An event about a backend's health, with its place in the journal; revision 0 where the journal has not taken it yet. */
export interface ObservedFact {
  readonly event: HealthEvent;
  readonly recorded: { readonly revision: number; readonly timeMs: number };
}

/** The observations with `node`'s own changed by one fact. */
export function observe(
  observations: readonly Observation[],
  node: string,
  fact: ObservedFact,
): readonly Observation[] {
  const index = observations.findIndex((observation) => observation.node === node);
  const changed = observeOne(observations[index] ?? observationBy(node, []), fact);
  if (index >= 0) return observations.with(index, changed);
  if (observations.length === 0) return [changed];
  return [...observations, changed].sort((left, right) => (left.node < right.node ? -1 : 1));
}

function observeOne(before: Observation, { event, recorded: { revision, timeMs } }: ObservedFact): Observation {
  const { node, health, ejection } = before;
  const { reason } = event;
  switch (event.type) {
    case 'BackendTurnedHealthy':
      return { node, health: { value: 'healthy', revision, timeMs, reason }, ejection };
    case 'BackendTurnedUnhealthy':
      return { node, health: { value: 'unhealthy', revision, timeMs, reason }, ejection };
    case 'BackendEjected':
      return { node, health, ejection: { value: 'ejected', revision, timeMs, reason } };
    case 'BackendReinstated':
      return { node, health, ejection: { value: 'admitting', revision, timeMs, reason } };
  }
}
