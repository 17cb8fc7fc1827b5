/** A past made of an array of events, with what a node would have recorded of it beside. */
import type { StoredSnapshot } from '@muster/journal';
import { emptyRoster, encodeSnapshot, fold, rosterHash, type RecordedEvent, type Roster } from '@muster/membership';
import type { HashPoint, Observation } from '@muster/observations';
import type { ReplaySource } from '../src/log/replay-source.ts';

const CLUSTER = 'demo';
const EPOCH = 'epoch-1';
const NODE = 'lb-1';
export const START_MS = 1_800_000_000_000;

/** Changeable, so that a test can damage it. */
export interface Past {
  events: RecordedEvent[];
  observations: Observation[];
  snapshots: StoredSnapshot[];
  epoch: string;
  /** Events before it are gone. */
  firstRevision: number;
}

/** Every roster that the events lead to, by revision; the empty one at 0. */
export function fullFold(events: readonly RecordedEvent[]): Map<number, Roster> {
  let roster = emptyRoster(CLUSTER);
  const rosters = new Map([[0, roster]]);
  for (const event of events) {
    roster = fold(roster, event).roster;
    rosters.set(event.revision, roster);
  }
  return rosters;
}

export interface PastOptions {
  /** The nodes that recorded hashes, at which revisions. Default: one node, everywhere. */
  readonly hashedBy?: readonly string[];
  readonly isHashed?: (revision: number) => boolean;
  readonly hasSnapshot?: (revision: number) => boolean;
}

export function pastOf(events: readonly RecordedEvent[], options: PastOptions = {}): Past {
  const { hashedBy = [NODE], isHashed = () => true, hasSnapshot = () => false } = options;
  const past: Past = { events: [...events], observations: [], snapshots: [], epoch: EPOCH, firstRevision: 1 };
  for (const [revision, roster] of fullFold(events)) {
    if (revision === 0) continue;
    const hash = rosterHash(roster);
    for (const node of hashedBy) {
      if (isHashed(revision)) past.observations.push(hashPoint({ revision, hash, node, timeMs: roster.timeMs }));
    }
    if (hasSnapshot(revision)) past.snapshots.push({ epoch: EPOCH, revision, hash, data: encodeSnapshot(roster) });
  }
  return past;
}

export function hashPoint(point: Pick<HashPoint, 'revision' | 'hash' | 'node' | 'timeMs'>): HashPoint {
  return { kind: 'hash', epoch: EPOCH, ...point };
}

export function sourceOf(past: Past): ReplaySource & { readonly eventsRead: () => number } {
  let readCount = 0;
  return {
    name: 'the journal of a test',
    cluster: CLUSTER,
    node: NODE,
    eventsRead: () => readCount,
    head: async () => {
      const revision = past.events.at(-1)?.revision ?? 0;
      return { epoch: past.epoch, revision, firstRevision: past.firstRevision };
    },
    async *read({ fromRevision = 1, toRevision = Infinity, fromTimeMs = 0 } = {}) {
      const since = past.events.findIndex((event) => event.timeMs >= fromTimeMs);
      for (const event of since === -1 ? [] : past.events.slice(since)) {
        if (event.revision < fromRevision || event.revision > toRevision) continue;
        readCount += 1;
        yield event;
      }
    },
    loadSnapshot: async (atOrBefore = Infinity) =>
      past.snapshots.findLast(({ revision }) => revision <= atOrBefore) ?? null,
    async *observations({ fromMs = 0, toMs = Infinity, kinds, pool, backend } = {}) {
      for (const observation of past.observations) {
        if (observation.timeMs < fromMs || observation.timeMs >= toMs) continue;
        if (kinds !== undefined && !kinds.includes(observation.kind)) continue;
        if (pool !== undefined && 'pool' in observation && observation.pool !== pool) continue;
        if (backend !== undefined && 'backend' in observation && observation.backend !== backend) continue;
        yield observation;
      }
    },
    observedSinceMs: async () => past.observations[0]?.timeMs ?? null,
  };
}

/** Events one second apart, from `[subject without its cluster, payload, origin]`. */
export function eventsOf(...lines: readonly [entity: string, payload: object, origin?: string][]): RecordedEvent[] {
  return lines.map(([entity, payload, origin], index) => ({
    revision: index + 1,
    timeMs: START_MS + (index + 1) * 1_000,
    id: `event-${index + 1}`,
    subject: `muster.${CLUSTER}.${entity}`,
    origin: origin ?? null,
    payload: JSON.stringify(payload),
  }));
}
