/**
 * Moments of the past, as a person names them.
 *
 *     1234                      a revision
 *     2026-03-01T12:30:00Z      a time; without a zone it is this machine's, and so is `2026-03-01 12:30`
 *     12:30, 12:30:15           that time of today
 *     -90s -5m -2h -1d          so long ago
 *     now                       the newest event
 *     3f0c9f0e-…                the event with this id
 *
 * The state at a time is that after the last event before it: of a journal whose clock stepped back, after the last one before
 * the first event that is later.
 */
import type { Head } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import { eventRef, type EventRef } from './event-ref.ts';
import { ReplayError } from './replay-error.ts';
import type { ReplaySource } from './replay-source.ts';
import { compacted, oldestRevision } from './starting-roster.ts';

export interface Instant {
  /** The newest revision that belongs to the moment; 0: before the first event. */
  readonly revision: number;
  /** The time that was asked for, or that of the event; ms since 1970. 0 for revision 0 without a time. */
  readonly timeMs: number;
  /** The event at `revision`; null where that is 0, or only a snapshot of it is left. */
  readonly event: EventRef | null;
}

export interface InstantQuestion {
  readonly text: string;
  /** ms since 1970. */
  readonly nowMs: number;
}

/** What a text means, before any log is looked at. */
export type InstantText =
  | { readonly kind: 'now' }
  | { readonly kind: 'revision'; readonly revision: number }
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'event'; readonly id: string };

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const AGO_PATTERN = /^-(\d{1,9})(ms|s|m|h|d)$/;
const TIME_OF_DAY_PATTERN = /^([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3}))?)?(Z)?$/;
const DATE_PATTERN = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const EVENT_ID_PATTERN = /^[\x21-\x7e]{1,128}$/;

/** What people may write, for messages. */
export const INSTANT_RULE =
  'a moment is a REVISION, a time (2026-03-01T12:30:00Z, or 12:30 of today), -5m, -90s, -2h, -1d, now, or an event ID';

/** Throws `ReplayError` `unknown-instant` for what is none of them. */
export function parseInstant({ text, nowMs }: InstantQuestion): InstantText {
  if (text === 'now') return { kind: 'now' };
  if (/^\d{1,15}$/.test(text)) return { kind: 'revision', revision: Number(text) };
  const ago = AGO_PATTERN.exec(text);
  if (ago !== null) return { kind: 'time', timeMs: nowMs - Number(ago[1]) * UNIT_MS[ago[2]!]! };
  const ofDay = TIME_OF_DAY_PATTERN.exec(text);
  if (ofDay !== null) return { kind: 'time', timeMs: timeOfDay(ofDay, nowMs) };
  if (DATE_PATTERN.test(text)) {
    const timeMs = Date.parse(text.replace(' ', 'T'));
    if (!Number.isNaN(timeMs)) return { kind: 'time', timeMs };
  } else if (EVENT_ID_PATTERN.test(text) && !text.startsWith('-')) return { kind: 'event', id: text };
  throw new ReplayError('unknown-instant', `"${text.slice(0, 64)}" is no moment: ${INSTANT_RULE}`);
}

function timeOfDay([, hours, minutes, seconds = '0', millis = '0', zone]: RegExpExecArray, nowMs: number): number {
  const day = new Date(nowMs);
  const parts = [Number(hours), Number(minutes), Number(seconds), Number(millis.padEnd(3, '0'))] as const;
  return zone === 'Z' ? day.setUTCHours(...parts) : day.setHours(...parts);
}

/** Throws `ReplayError` `unknown-instant` or `compacted`. */
export async function resolveInstant(source: ReplaySource, head: Head, question: InstantQuestion): Promise<Instant> {
  const meant = parseInstant(question);
  switch (meant.kind) {
    case 'now':
      return atRevision(source, head, { revision: head.revision });
    case 'revision':
      return atRevision(source, head, meant);
    case 'time':
      return atTime(source, head, { timeMs: meant.timeMs, nowMs: question.nowMs });
    case 'event':
      return atEvent(source, head, meant.id);
  }
}

async function atRevision(
  source: ReplaySource,
  head: Head,
  { revision, timeMs }: { readonly revision: number; readonly timeMs?: number },
): Promise<Instant> {
  if (revision > head.revision) {
    const message = `${source.name} has no revision ${revision}: the newest is ${head.revision}`;
    throw new ReplayError('unknown-instant', message, { revision: head.revision });
  }
  const event = await newestEventAt(source, head, revision);
  if (event !== null) return { revision: event.revision, timeMs: timeMs ?? event.timeMs, event: eventRef(event) };
  const oldest = await oldestRevision(source, head);
  if (oldest === null || revision < oldest) throw await compacted(source, head, `revision ${revision}`);
  return { revision, timeMs: timeMs ?? 0, event: null };
}

async function atTime(
  source: ReplaySource,
  head: Head,
  { timeMs, nowMs }: { readonly timeMs: number; readonly nowMs: number },
): Promise<Instant> {
  if (timeMs > nowMs) {
    throw new ReplayError('unknown-instant', `${new Date(timeMs).toISOString()} has not come yet`);
  }
  for await (const later of source.read({ fromTimeMs: timeMs + 1 })) {
    const revision = later.revision - 1;
    if (revision >= head.firstRevision || head.firstRevision <= 1)
      return atRevision(source, head, { revision, timeMs });
    // Whatever was before the oldest event that is left is only known to have been before it.
    throw await compacted(source, head, `the state at ${new Date(timeMs).toISOString()}`);
  }
  return atRevision(source, head, { revision: head.revision, timeMs });
}

/** Events that are looked through in one step backwards. */
const STEP_EVENTS = 10_000;

/** From the newest on: it is mostly a recent event that somebody has the id of. */
async function atEvent(source: ReplaySource, head: Head, id: string): Promise<Instant> {
  for (let to = head.revision; to >= head.firstRevision; to -= STEP_EVENTS) {
    let found: RecordedEvent | null = null;
    for await (const event of source.read({
      fromRevision: Math.max(head.firstRevision, to - STEP_EVENTS + 1),
      toRevision: to,
    })) {
      if (event.id === id) found = event;
    }
    if (found !== null) return { revision: found.revision, timeMs: found.timeMs, event: eventRef(found) };
  }
  const message = `${source.name} has no event with the id "${id}"; if that is to be a time: ${INSTANT_RULE}`;
  throw new ReplayError('unknown-instant', message);
}

/** The event at a revision or, where the log skips it, the one before; null where there is none. */
async function newestEventAt(source: ReplaySource, head: Head, revision: number): Promise<RecordedEvent | null> {
  for (let stepEvents = 1, to = revision; to >= Math.max(1, head.firstRevision); stepEvents *= 10) {
    const fromRevision = Math.max(1, head.firstRevision, to - stepEvents + 1);
    let newest: RecordedEvent | null = null;
    for await (const event of source.read({ fromRevision, toRevision: to })) newest = event;
    if (newest !== null) return newest;
    to = fromRevision - 1;
  }
  return null;
}
