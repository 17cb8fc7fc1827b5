/**
 * Which event removed an entity: no trace of it is on the roster, so the log between two moments is read for it.
 */
import { formatSubject, type Entity } from '@muster/membership';
import { eventRef, type EventRef } from './event-ref.ts';
import type { ReplaySource } from './replay-source.ts';

/** Exclusive, inclusive. */
export interface RevisionRange {
  readonly after: number;
  readonly to: number;
}

const REMOVING: ReadonlySet<string | null> = new Set(['BackendDeregistered', 'PoolRemoved', 'ListenerRemoved']);
const BRINGING: ReadonlySet<string | null> = new Set(['BackendRegistered', 'PoolDefined', 'ListenerDefined']);

/** One entity that is gone at the range's end. */
class Removal {
  #by: EventRef | null = null;
  #byBefore: EventRef | null = null;

  /** It may be brought back and removed again within the range. A registration in a pool that is gone brings nothing. */
  see(event: EventRef, isOwn: boolean): void {
    if (REMOVING.has(event.type)) this.#by ??= event;
    else if (isOwn && BRINGING.has(event.type) && this.#by !== null) {
      this.#byBefore = this.#by;
      this.#by = null;
    }
  }

  get by(): EventRef | null {
    return this.#by ?? this.#byBefore;
  }
}

/** By subject; those of which no event is found are left out. Reads the range once, or not at all where nothing is asked for. */
export async function removingEvents(
  source: ReplaySource,
  removed: readonly Entity[],
  { after, to }: RevisionRange,
): Promise<ReadonlyMap<string, EventRef>> {
  if (removed.length === 0) return new Map();
  const removals = new Map<string, Removal>();
  const backendsByPool = new Map<string, Removal[]>();
  for (const entity of removed) {
    const removal = new Removal();
    removals.set(formatSubject(source.cluster, entity), removal);
    if (entity.kind !== 'backend') continue;
    const poolSubject = formatSubject(source.cluster, { kind: 'pool', pool: entity.pool });
    const ofPool = backendsByPool.get(poolSubject);
    if (ofPool === undefined) backendsByPool.set(poolSubject, [removal]);
    else ofPool.push(removal);
  }
  for await (const event of source.read({ fromRevision: after + 1, toRevision: to })) {
    const own = removals.get(event.subject);
    const ofPool = backendsByPool.get(event.subject);
    if (own === undefined && ofPool === undefined) continue;
    const ref = eventRef(event);
    own?.see(ref, true);
    for (const removal of ofPool ?? []) removal.see(ref, false);
  }
  const found = new Map<string, EventRef>();
  for (const [subject, { by }] of removals) if (by !== null) found.set(subject, by);
  return found;
}

/** Events looked through in one step backwards. */
const STEP_EVENTS = 10_000;

/**
 * The event that removed a backend which is not there at a revision, or null where it never was, as far as the log goes back.
 * From the newest on: costs as much as the removal is long ago.
 */
export async function lastRemoval(
  source: ReplaySource,
  { pool, backend }: Extract<Entity, { kind: 'backend' }>,
  revision: number,
): Promise<EventRef | null> {
  const { firstRevision } = await source.head();
  const own = formatSubject(source.cluster, { kind: 'backend', pool, backend });
  const ofPool = formatSubject(source.cluster, { kind: 'pool', pool });
  let removal: EventRef | null = null;
  for (let to = revision; to >= firstRevision && to > 0; to -= STEP_EVENTS) {
    const step: EventRef[] = [];
    const fromRevision = Math.max(firstRevision, to - STEP_EVENTS + 1);
    for await (const event of source.read({ fromRevision, toRevision: to })) {
      if (event.subject === own || event.subject === ofPool) step.push(eventRef(event));
    }
    for (const event of step.toReversed()) {
      if (event.type === 'BackendRegistered' && removal !== null) return removal;
      if (event.type === 'BackendDeregistered' || event.type === 'PoolRemoved') removal = event;
    }
  }
  // A pool that was removed says nothing of a backend that it never had.
  return removal?.type === 'BackendDeregistered' ? removal : null;
}
