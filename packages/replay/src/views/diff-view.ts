/**
 * What changed between two moments, entity by entity, with the old and the new value of each field and the event that set it.
 *
 * Plain JSON. It compares the two rosters and not the events in between: a backend that was drained and made ready again within
 * the range has the same mode in both, set by another event, and is listed with `isSameValue`.
 */
import {
  diff,
  formatSubject,
  rosterHash,
  type Change,
  type Entity,
  type NodeRecord,
  type Roster,
} from '@muster/membership';
import {
  backendFields,
  changedFields,
  describedFields,
  ELIGIBILITY,
  NO_FIELDS,
  nodeFields,
  type ChangedField,
  type Fields,
} from './changed-fields.ts';
import { eventRefs, type EventRef } from '../log/event-ref.ts';
import type { HashCheck } from '../fold/hash-check.ts';
import type { Instant } from '../log/instant.ts';
import { removingEvents } from '../log/removals.ts';
import type { Replay } from '../fold/replay.ts';
import { ReplayError } from '../log/replay-error.ts';
import { refuseUnknownNode } from './state-view.ts';
import { inTurns } from '../log/turns.ts';

export interface FieldChange extends ChangedField {
  /** The event that changed it; null where the log has it no more, or where it follows from other entities. */
  readonly by: EventRef | null;
}

export interface EntityChange {
  readonly kind: 'listener' | 'pool' | 'backend' | 'node';
  /** The pool of a backend; null for others. */
  readonly pool: string | null;
  readonly id: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** The event that added or removed it, or the newest that changed it; null where the log has it no more. */
  readonly by: EventRef | null;
  readonly fields: readonly FieldChange[];
}

export interface DiffView {
  readonly kind: 'diff';
  readonly source: string;
  readonly cluster: string;
  /** Whose eyes eligibility is seen with. */
  readonly node: string;
  readonly from: Instant;
  readonly to: Instant;
  readonly fromHash: string;
  readonly toHash: string;
  readonly fromCheck: HashCheck;
  readonly toCheck: HashCheck;
  /** Listeners, pools with their backends, nodes; each by id. */
  readonly changes: readonly EntityChange[];
}

export interface DiffViewOptions {
  /** Default: the source's own. */
  readonly node?: string;
}

/** Throws as `Replay.rosterAt` does, and `ReplayError` `invalid-question` where `to` is before `from`. */
export async function diffView(
  replay: Replay,
  { from, to }: { readonly from: Instant; readonly to: Instant },
  options: DiffViewOptions = {},
): Promise<DiffView> {
  const { source } = replay;
  if (to.revision < from.revision) {
    const message = `revision ${to.revision} is before revision ${from.revision}: give the earlier moment first`;
    throw new ReplayError('invalid-question', message);
  }
  const before = await replay.rosterAt(from.revision);
  const after = await replay.rosterAt(to.revision);
  const node = options.node ?? source.node;
  refuseUnknownNode(after.roster, node, source.node);
  const pace = inTurns();
  const differing: Differing[] = [];
  for (const each of rosterChanges(before.roster, after.roster, node)) {
    differing.push(each);
    const turn = pace();
    if (turn !== undefined) await turn;
  }
  const gone = differing.filter(({ change }) => change === 'removed').map(({ entity }) => entity);
  const removedBy = await removingEvents(source, gone, { after: from.revision, to: to.revision });
  const events = await eventRefs(
    source,
    differing.flatMap(({ revision, fields }) => [revision, ...fields.map(setBy)]),
  );
  const changes: EntityChange[] = [];
  for (const each of differing) {
    const removal = removedBy.get(formatSubject(source.cluster, each.entity)) ?? null;
    changes.push(withEvents(each, events, removal));
    const turn = pace();
    if (turn !== undefined) await turn;
  }
  return {
    kind: 'diff',
    source: source.name,
    cluster: after.roster.cluster,
    node,
    from,
    to,
    fromHash: rosterHash(before.roster),
    toHash: rosterHash(after.roster),
    fromCheck: before.check,
    toCheck: after.check,
    changes: inOrder(changes),
  };
}

const KIND_ORDER = { listener: 0, pool: 1, backend: 1, node: 2 } as const;

/** A pool stands before its backends. The places are made once: ten thousand are compared a hundred thousand times. */
function inOrder(changes: readonly EntityChange[]): EntityChange[] {
  const placed = changes.map((change) => ({ change, kind: KIND_ORDER[change.kind], place: placeOf(change) }));
  placed.sort((left, right) => left.kind - right.kind || compareText(left.place, right.place));
  return placed.map(({ change }) => change);
}

function placeOf({ pool, id }: EntityChange): string {
  return pool === null ? id : `${pool}/${id}`;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left === right ? 0 : 1;
}

/** An entity that differs, before the events are looked up. */
export interface Differing {
  readonly entity: DifferingEntity;
  readonly change: EntityChange['change'];
  /** The newest event on its own subject: what it changed may be something that is not there any more, or nothing. 0 where it is gone. */
  readonly revision: number;
  readonly fields: readonly ChangedField[];
}

type DifferingEntity = Exclude<Entity, { kind: 'health' }>;

/** What differs between two rosters of one history, nodes included, made one by one as it is asked for. Pure. */
export function* rosterChanges(before: Roster, after: Roster, node: string): Generator<Differing, void> {
  for (const change of diff(before, after)) yield differingOf(change, { before, after, node });
  for (const id of new Set([...before.nodes.keys(), ...after.nodes.keys()])) {
    const [from, to] = [before.nodes.get(id), after.nodes.get(id)];
    if (!isSameNode(from, to)) {
      const fields = changedFields(from ? nodeFields(from) : NO_FIELDS, to ? nodeFields(to) : NO_FIELDS);
      const entity = { kind: 'node', node: id } as const;
      yield { entity, change: changeOf(from, to), revision: to?.state.revision ?? 0, fields };
    }
  }
}

function isSameNode(left: NodeRecord | undefined, right: NodeRecord | undefined): boolean {
  return left?.digest.high === right?.digest.high && left?.digest.low === right?.digest.low;
}

function differingOf(
  { kind, before: from, after: to }: Change,
  { before, after, node }: { readonly before: Roster; readonly after: Roster; readonly node: string },
): Differing {
  const change = changeOf(from, to);
  const { id } = (to ?? from)!;
  const revision = to?.revision ?? 0;
  switch (kind) {
    case 'listener':
    case 'pool': {
      const fields = changedFields(from ? describedFields(from) : NO_FIELDS, to ? describedFields(to) : NO_FIELDS);
      return { entity: kind === 'pool' ? { kind, pool: id } : { kind, listener: id }, change, revision, fields };
    }
    case 'backend': {
      const { pool } = (to ?? from)!;
      const earlier: Fields = from ? backendFields(from, before, node) : NO_FIELDS;
      const later: Fields = to ? backendFields(to, after, node) : NO_FIELDS;
      return { entity: { kind, pool, backend: id }, change, revision, fields: changedFields(earlier, later) };
    }
  }
}

function changeOf(before: unknown, after: unknown): EntityChange['change'] {
  if (before === null || before === undefined) return 'added';
  return after === null || after === undefined ? 'removed' : 'changed';
}

/** The revision of the event that set a field's new value; 0 where none did. */
function setBy({ after }: ChangedField): number {
  return after?.revision ?? 0;
}

/** A field of an entity that is gone was changed by what removed it; eligibility by the newest of what it follows from. */
function withEvents(
  { entity, change, revision, fields }: Differing,
  events: ReadonlyMap<number, EventRef>,
  removal: EventRef | null,
): EntityChange {
  const revisions = fields.map(setBy).filter((revision) => revision > 0);
  const newest = Math.max(revision, ...revisions);
  // What is new was made by the first event that it rests on, and then perhaps changed.
  const deciding = change === 'added' ? Math.min(newest, ...revisions) : newest;
  const by = change === 'removed' ? removal : (events.get(deciding) ?? null);
  const changes = fields.map((field): FieldChange => {
    const isFollowing = field.field === ELIGIBILITY && setBy(field) === 0;
    const own = change === 'removed' ? removal : (events.get(isFollowing ? newest : setBy(field) || revision) ?? null);
    return { ...field, by: own };
  });
  return { ...nameOfEntity(entity), change, by, fields: changes };
}

export function nameOfEntity(entity: DifferingEntity): Pick<EntityChange, 'kind' | 'pool' | 'id'> {
  switch (entity.kind) {
    case 'listener':
      return { kind: entity.kind, pool: null, id: entity.listener };
    case 'pool':
      return { kind: entity.kind, pool: null, id: entity.pool };
    case 'node':
      return { kind: entity.kind, pool: null, id: entity.node };
    case 'backend':
      return { kind: entity.kind, pool: entity.pool, id: entity.backend };
  }
}
