/**
 * An event as an answer names it: which one, when, by whom, and what kind. Plain data.
 */
import type { RecordedEvent } from '@muster/membership';
import type { ReplaySource } from './replay-source.ts';

export interface EventRef {
  readonly revision: number;
  /** ms since 1970, the journal's clock. */
  readonly timeMs: number;
  readonly id: string;
  /** Who published it, as they said; null where they did not. */
  readonly origin: string | null;
  readonly subject: string;
  /** For example `BackendModeSet`; null where the payload has none. */
  readonly type: string | null;
  /** As the event gave it; null where it gave none. */
  readonly reason: string | null;
}

export function eventRef({ revision, timeMs, id, origin, subject, payload }: RecordedEvent): EventRef {
  const { type, reason } = fieldsOf(payload);
  return { revision, timeMs, id, origin, subject, type: textOf(type), reason: textOf(reason) };
}

function fieldsOf(payload: string): { readonly type?: unknown; readonly reason?: unknown } {
  try {
    return (JSON.parse(payload) as object | null) ?? {};
  } catch {
    // Not JSON: an event that every reader passed over. It has neither type nor reason.
    return {};
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

/** Events between two wanted ones up to which reading through costs less than asking twice. */
const READ_THROUGH_EVENTS = 500;
/** Stretches of the log that are read, the newest first; about half a millisecond each, or more where they are long. */
const STRETCHES_MAX = 128;

/**
 * The events at these revisions, by revision. Left out are those that the log has not got (any more), and, where they lie in more
 * than `STRETCHES_MAX` far places, the older ones.
 */
export async function eventRefs(source: ReplaySource, revisions: Iterable<number>): Promise<Map<number, EventRef>> {
  const { firstRevision, revision: headRevision } = await source.head();
  const wanted = new Set<number>();
  for (const revision of revisions) {
    if (revision >= Math.max(1, firstRevision) && revision <= headRevision) wanted.add(revision);
  }
  const found = new Map<number, EventRef>();
  for (const { fromRevision, toRevision } of stretchesOf(wanted).slice(0, STRETCHES_MAX)) {
    for await (const event of source.read({ fromRevision, toRevision })) {
      if (wanted.has(event.revision)) found.set(event.revision, eventRef(event));
    }
  }
  return found;
}

/** The newest first. */
function stretchesOf(revisions: ReadonlySet<number>): { readonly fromRevision: number; readonly toRevision: number }[] {
  const stretches: { fromRevision: number; toRevision: number }[] = [];
  for (const revision of [...revisions].sort((left, right) => right - left)) {
    const newest = stretches.at(-1);
    if (newest !== undefined && newest.fromRevision - revision <= READ_THROUGH_EVENTS) newest.fromRevision = revision;
    else stretches.push({ fromRevision: revision, toRevision: revision });
  }
  return stretches;
}
