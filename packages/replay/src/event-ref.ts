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

/** So many single reads cost less than reading everything in between. */
const SINGLE_READS_MAX = 64;

/**
 * The events at these revisions, by revision. Those that the log has not got (any more) are left out.
 */
export async function eventRefs(source: ReplaySource, revisions: Iterable<number>): Promise<Map<number, EventRef>> {
  const { firstRevision, revision: headRevision } = await source.head();
  const wanted = new Set<number>();
  for (const revision of revisions) if (revision >= firstRevision && revision <= headRevision) wanted.add(revision);
  wanted.delete(0);
  const found = new Map<number, EventRef>();
  const take = async (fromRevision: number, toRevision: number): Promise<void> => {
    for await (const event of source.read({ fromRevision, toRevision })) {
      if (wanted.has(event.revision)) found.set(event.revision, eventRef(event));
    }
  };
  if (wanted.size > SINGLE_READS_MAX) await take(min(wanted), max(wanted));
  else for (const revision of wanted) await take(revision, revision);
  return found;
}

function min(numbers: Iterable<number>): number {
  let least = Infinity;
  for (const each of numbers) least = Math.min(least, each);
  return least;
}

function max(numbers: Iterable<number>): number {
  let greatest = -Infinity;
  for (const each of numbers) greatest = Math.max(greatest, each);
  return greatest;
}
