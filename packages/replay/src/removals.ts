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
