/**
 * The fold: roster × event → roster. Pure, total, and the only place where the roster changes.
 *
 * Each event costs O(log n) in the size of what it touches, never O(n). An event that makes no sense against the
 * roster (an unknown pool, an observation of a target that has been replaced) is rejected with the reason; it moves
 * the revision on and changes nothing else.
 */
import {
  type Backend,
  type Digest,
  type Listener,
  type NodeRecord,
  observe,
  type Pool,
  type Roster,
} from './roster.ts';
import type { EventOf } from '../vocabulary/event.ts';
import { addDigests, backendDigest, listenerDigest, nodeDigest, poolDigest, replaceDigest } from './hash.ts';
import {
  type DecodedEvent,
  decodeEvent,
  type RecordedEvent,
  type Rejection,
  type RejectionReason,
} from '../vocabulary/recorded-event.ts';
import { emptyMap, withEntry, withoutEntry } from './sorted-map.ts';
import type { Entity } from '../vocabulary/subject.ts';

export interface Folded {
  readonly roster: Roster;
  /** Why the event was passed over, or null where it was taken. */
  readonly rejection: Rejection | null;
}

/** Decodes and applies one recorded event. The revision must be greater than the roster's. */
export function fold(roster: Roster, recorded: RecordedEvent): Folded {
  const decoded = decodeEvent(recorded, roster.cluster);
  return 'reason' in decoded ? passOver(roster, recorded, decoded) : evolve(roster, decoded);
}

/** Applies one decoded event. */
export function evolve(roster: Roster, decoded: DecodedEvent): Folded {
  const { revision } = decoded.recorded;
  if (revision <= roster.revision) {
    const message = `revision ${revision} came after revision ${roster.revision}`;
    return { roster, rejection: { revision, reason: 'revision-order', message } };
  }
  const recorded = withSteadyTime(decoded.recorded, roster);
  const outcome = apply(roster, recorded === decoded.recorded ? decoded : { ...decoded, recorded });
  if ('reason' in outcome) return passOver(roster, recorded, { revision: recorded.revision, ...outcome });
  return { roster: advance(roster, recorded, outcome), rejection: null };
}

/** A journal's clock may step back; the roster's time does not. */
function withSteadyTime(recorded: RecordedEvent, { timeMs }: Roster): RecordedEvent {
  return recorded.timeMs >= timeMs ? recorded : { ...recorded, timeMs };
}

type Changes = Partial<Pick<Roster, 'listeners' | 'pools' | 'nodes' | 'digest'>>;
interface Refusal {
  readonly reason: RejectionReason;
  readonly message: string;
}
/** An event and the entity that its subject names, paired by `decodeEvent`. */
type About<Kind extends Entity['kind']> = Extract<Entity, { kind: Kind }>;

/** Field by field: spreading two objects of many shapes costs more than all the rest of an event. */
function advance(roster: Roster, { revision, timeMs }: RecordedEvent, changes: Changes): Roster {
  return {
    cluster: roster.cluster,
    revision,
    timeMs,
    rejectedCount: roster.rejectedCount,
    listeners: changes.listeners ?? roster.listeners,
    pools: changes.pools ?? roster.pools,
    nodes: changes.nodes ?? roster.nodes,
    digest: changes.digest ?? roster.digest,
  };
}

function passOver(roster: Roster, recorded: RecordedEvent, rejection: Rejection): Folded {
  if (recorded.revision <= roster.revision) return { roster, rejection };
  const { revision, timeMs } = withSteadyTime(recorded, roster);
  return { roster: { ...roster, revision, timeMs, rejectedCount: roster.rejectedCount + 1 }, rejection };
}

function apply(roster: Roster, { recorded, entity, event }: DecodedEvent): Changes | Refusal {
  switch (event.type) {
    case 'ListenerDefined':
      return defineListener(roster, recorded, { entity: entity as About<'listener'>, event });
    case 'ListenerRemoved':
      return removeListener(roster, entity as About<'listener'>);
    case 'PoolDefined':
      return definePool(roster, recorded, { entity: entity as About<'pool'>, event });
    case 'PoolRemoved':
      return removePool(roster, entity as About<'pool'>);
    case 'BackendRegistered':
      return registerBackend(roster, recorded, { entity: entity as About<'backend'>, event });
    case 'BackendModeSet':
      return setBackendMode(roster, recorded, { entity: entity as About<'backend'>, event });
    case 'BackendDeregistered':
      return deregisterBackend(roster, recorded, entity as About<'backend'>);
    case 'BackendTurnedHealthy':
    case 'BackendTurnedUnhealthy':
    case 'BackendEjected':
    case 'BackendReinstated': {
      const { node, pool, backend } = entity as About<'health'>;
      return changeBackend(roster, { pool, backend, revision: recorded.revision }, (found) =>
        found.target.value === event.target
          ? { ...found, observations: observe(found.observations, node, { event, recorded }) }
          : otherTarget(found, event.target),
      );
    }
    case 'NodeStarted':
    case 'NodeStopped':
      return recordNode(roster, recorded, { entity: entity as About<'node'>, event });
  }
}

function defineListener(
  roster: Roster,
  recorded: RecordedEvent,
  { entity, event }: { entity: About<'listener'>; event: EventOf<'ListenerDefined'> },
): Changes {
  const { type: _type, version: _version, by: _by, ...spec } = event;
  const described = { id: entity.listener, spec, origin: recorded.origin, revision: recorded.revision };
  const listener: Listener = { ...described, digest: listenerDigest(described) };
  const before = roster.listeners.get(listener.id)?.digest ?? null;
  return {
    listeners: withEntry(roster.listeners, listener.id, listener),
    digest: replaceDigest(roster.digest, before, listener.digest),
  };
}

function removeListener(roster: Roster, { listener: id }: About<'listener'>): Changes | Refusal {
  const listener = roster.listeners.get(id);
  if (listener === undefined) return { reason: 'unknown-listener', message: `there is no listener "${id}"` };
  return {
    listeners: withoutEntry(roster.listeners, id),
    digest: replaceDigest(roster.digest, listener.digest, null),
  };
}

function definePool(
  roster: Roster,
  recorded: RecordedEvent,
  { entity, event }: { entity: About<'pool'>; event: EventOf<'PoolDefined'> },
): Changes {
  const { type: _type, version: _version, by: _by, ...spec } = event;
  const before = roster.pools.get(entity.pool);
  const described = { id: entity.pool, spec, origin: recorded.origin, revision: recorded.revision };
  const pool: Pool = {
    ...described,
    changedRevision: recorded.revision,
    backends: before?.backends ?? emptyMap(),
    digest: poolDigest(described),
  };
  return {
    pools: withEntry(roster.pools, pool.id, pool),
    digest: replaceDigest(roster.digest, before?.digest ?? null, pool.digest),
  };
}

/** The pool goes with all its backends. This one event costs O(backends), which each paid for when it joined. */
function removePool(roster: Roster, { pool: id }: About<'pool'>): Changes | Refusal {
  const pool = roster.pools.get(id);
  if (pool === undefined) return unknownPool(id);
  let leaving: Digest = pool.digest;
  for (const backend of pool.backends.values()) leaving = addDigests(leaving, backend.digest);
  return { pools: withoutEntry(roster.pools, id), digest: replaceDigest(roster.digest, leaving, null) };
}

/** A new target under a known id is a new thing to observe: what nodes saw of the old one is dropped. */
function registerBackend(
  roster: Roster,
  recorded: RecordedEvent,
  { entity, event }: { entity: About<'backend'>; event: EventOf<'BackendRegistered'> },
): Changes | Refusal {
  const pool = roster.pools.get(entity.pool);
  if (pool === undefined) return unknownPool(entity.pool);
  const { revision, timeMs, origin } = recorded;
  const before = pool.backends.get(entity.backend);
  const hasSameTarget = before?.target.value === event.target;
  const hasSameWeight = before?.weight.value === event.weight;
  const described: Omit<Backend, 'digest'> = {
    pool: pool.id,
    id: entity.backend,
    target: hasSameTarget ? before.target : { value: event.target, revision, timeMs },
    weight: hasSameWeight ? before.weight : { value: event.weight, revision },
    mode:
      before === undefined || endsOwnDrain(before, { origin, leaseMs: event.leaseMs })
        ? readyBy(recorded)
        : before.mode,
    leaseMs: event.leaseMs ?? null,
    observations: hasSameTarget ? before.observations : NO_OBSERVATIONS,
    origin,
    revision,
  };
  return putBackend(roster, pool, { before, described, revision });
}

/**
 * The mode outlives a registration, with one exception: a member that was killed while it drained, and is back before its
 * lease ran out, takes back the drain that it set itself. What anybody else set stays, and so does a drain of one who holds
 * no lease: that was a person, who will say so when it is over.
 */
export function endsOwnDrain(
  { mode }: Backend,
  { origin, leaseMs }: { readonly origin: string | null; readonly leaseMs: number | undefined },
): boolean {
  return mode.value === 'drain' && mode.origin !== null && mode.origin === origin && leaseMs !== undefined;
}

function readyBy({ revision, timeMs, origin }: RecordedEvent): Backend['mode'] {
  return { value: 'ready', revision, timeMs, reason: null, origin };
}

function setBackendMode(
  roster: Roster,
  { revision, timeMs, origin }: RecordedEvent,
  { entity, event }: { entity: About<'backend'>; event: EventOf<'BackendModeSet'> },
): Changes | Refusal {
  const mode = { value: event.mode, revision, timeMs, reason: event.reason ?? null, origin };
  return changeBackend(roster, { ...entity, revision }, (found) => ({ ...found, mode, revision }));
}

function deregisterBackend(roster: Roster, { revision }: RecordedEvent, entity: About<'backend'>): Changes | Refusal {
  const pool = roster.pools.get(entity.pool);
  if (pool === undefined) return unknownPool(entity.pool);
  const backend = pool.backends.get(entity.backend);
  if (backend === undefined) return unknownBackend(entity.pool, entity.backend);
  const backends = withoutEntry(pool.backends, entity.backend);
  return {
    pools: withEntry(roster.pools, pool.id, { ...pool, backends, changedRevision: revision }),
    digest: replaceDigest(roster.digest, backend.digest, null),
  };
}

function changeBackend(
  roster: Roster,
  name: { readonly pool: string; readonly backend: string; readonly revision: number },
  change: (found: Backend) => Omit<Backend, 'digest'> | Refusal,
): Changes | Refusal {
  const pool = roster.pools.get(name.pool);
  if (pool === undefined) return unknownPool(name.pool);
  const before = pool.backends.get(name.backend);
  if (before === undefined) return unknownBackend(name.pool, name.backend);
  const described = change(before);
  return 'reason' in described ? described : putBackend(roster, pool, { before, described, revision: name.revision });
}

function putBackend(
  roster: Roster,
  pool: Pool,
  {
    before,
    described,
    revision,
  }: { before: Backend | undefined; described: Omit<Backend, 'digest'>; revision: number },
): Changes {
  const backend: Backend = { ...described, digest: backendDigest(described) };
  const backends = withEntry(pool.backends, backend.id, backend);
  return {
    pools: withEntry(roster.pools, pool.id, { ...pool, backends, changedRevision: revision }),
    digest: replaceDigest(roster.digest, before?.digest ?? null, backend.digest),
  };
}

function recordNode(
  roster: Roster,
  { revision, timeMs }: RecordedEvent,
  { entity, event }: { entity: About<'node'>; event: EventOf<'NodeStarted' | 'NodeStopped'> },
): Changes | Refusal {
  const before = roster.nodes.get(entity.node);
  if (event.type === 'NodeStopped' && before === undefined) {
    return { reason: 'unknown-node', message: `node "${entity.node}" has never started` };
  }
  const value = event.type === 'NodeStarted' ? 'started' : 'stopped';
  const reason = event.type === 'NodeStopped' ? (event.reason ?? null) : null;
  const leaseMs = event.type === 'NodeStarted' ? (event.leaseMs ?? null) : before!.leaseMs;
  const described = { id: entity.node, state: { value, revision, timeMs, reason }, leaseMs } as const;
  const node: NodeRecord = { ...described, digest: nodeDigest(described) };
  return {
    nodes: withEntry(roster.nodes, node.id, node),
    digest: replaceDigest(roster.digest, before?.digest ?? null, node.digest),
  };
}

const NO_OBSERVATIONS: Backend['observations'] = [];

function unknownPool(pool: string): Refusal {
  return { reason: 'unknown-pool', message: `there is no pool "${pool}"; publish its PoolDefined first` };
}

function unknownBackend(pool: string, backend: string): Refusal {
  return { reason: 'unknown-backend', message: `pool "${pool}" has no backend "${backend}"` };
}

function otherTarget(backend: Backend, observed: string): Refusal {
  const message = `"${backend.id}" is at ${backend.target.value} now; the observation was of ${observed}`;
  return { reason: 'other-target', message };
}
