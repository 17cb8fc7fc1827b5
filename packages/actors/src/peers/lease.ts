/**
 * A lease: how long a member or a node may be silent, and when it was last known to live.
 *
 * Its moments are by the clock that never steps, and this node's own. Nothing of it is recorded but its end.
 */
import { formatEntity, formatSubject, LEASE_EXPIRED, type Entity } from '@muster/membership';
import type { NewEvent } from '@muster/journal';
import type { WheelEntry } from '../tick-wheel.ts';

const END_ID_PREFIX = `${LEASE_EXPIRED}.`;
/** Of the 128 that an id may have. */
const ID_NAME_CHARACTERS_MAX = 90;

type LeasedEntity = Extract<Entity, { readonly kind: 'backend' | 'node' }>;

export interface Lease extends WheelEntry {
  readonly entity: LeasedEntity;
  leaseMs: number;
  /** When it last lived as far as is known: heard here or by another node, or what made it was folded here. */
  aliveMs: number;
  /** When this node heard it with its own ears; -Infinity for never. Only this may be told to others, or a rumour would feed itself. */
  heardMs: number;
  /** The newest event on its subject that the roster holds. It is this standing that ends. */
  revision: number;
  /** The newest event on its subject that the journal is known to have: one that the fold rejected may be newer. */
  newestRevision: number;
  isEnding: boolean;
}

/** `heardMs`: default never. */
export function makeLease(
  entity: LeasedEntity,
  known: Pick<Lease, 'leaseMs' | 'aliveMs' | 'revision'> & Partial<Pick<Lease, 'heardMs'>>,
): Lease {
  return { entity, heardMs: -Infinity, ...known, newestRevision: known.revision, isEnding: false, tick: null };
}

/** Its holder was heard just now, by this node itself. */
export function noteHeard(lease: Lease, nowMs: number): void {
  lease.aliveMs = nowMs;
  lease.heardMs = nowMs;
}

/** When it is over for a node that hears without a gap since `hearingSinceMs`. */
export function deadlineOf({ aliveMs, leaseMs }: Pick<Lease, 'aliveMs' | 'leaseMs'>, hearingSinceMs: number): number {
  return Math.max(aliveMs, hearingSinceMs) + leaseMs;
}

/**
 * The event that ends it. Its id is the same whichever node appends it, and for this standing alone. So it can be foreseen, and used by
 * somebody else to have the journal pass over the end; `unforeseen` is part of the id then. Exactly one end is recorded all the same,
 * because each expects the standing that it ends.
 */
export function endOfLease(
  { entity, revision }: Pick<Lease, 'entity' | 'revision'>,
  { cluster, node, unforeseen }: { readonly cluster: string; readonly node: string; readonly unforeseen?: string },
): NewEvent {
  const type = entity.kind === 'node' ? 'NodeStopped' : 'BackendDeregistered';
  return {
    // For example `lease-expired.spells.spells-1.17`. A long name is cut, because ids are limited; the revision alone is unique.
    id: `${END_ID_PREFIX}${unforeseen ?? `${nameInId(entity).slice(0, ID_NAME_CHARACTERS_MAX)}.${revision}`}`,
    subject: formatSubject(cluster, entity),
    origin: `node:${node}`,
    payload: JSON.stringify({ type, reason: LEASE_EXPIRED }),
  };
}

/** `node.lb-1`, or `spells.spells-1` for a member. */
function nameInId(entity: LeasedEntity): string {
  return entity.kind === 'node' ? formatEntity(entity) : `${entity.pool}.${entity.backend}`;
}

/** Whose lease it is, for people: `node lb-1`, or `spells/spells-1` for a member. */
export function describeHolder(entity: LeasedEntity): string {
  return entity.kind === 'node' ? `node ${entity.node}` : `${entity.pool}/${entity.backend}`;
}

/** The node that was the first to append the end of a lease; null for an event that is none. */
export function enderOf({ id, origin }: Pick<NewEvent, 'id' | 'origin'>): string | null {
  return id.startsWith(END_ID_PREFIX) && origin?.startsWith('node:') === true ? origin.slice('node:'.length) : null;
}
