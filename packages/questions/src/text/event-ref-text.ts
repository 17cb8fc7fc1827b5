/** How an answer about the past names events and checks, in a line. Whatever somebody published is shown escaped. */
import type { EventRef, HashCheck } from '@muster/replay';
import { paint } from './output.ts';
import { dateAndTime, printable } from './plain-text.ts';

/** `118  2026-03-01 12:04:03.100  BackendModeSet on backend.spells.spells-1 by cli:alice@host: upgrade`. */
export function eventRefText({ revision, timeMs, type, subject, origin, reason }: EventRef): string {
  // The first two tokens are the same in all of them.
  const about = subject.split('.').slice(2).join('.');
  const why = reason === null ? '' : `: ${reason}`;
  const what = printable(`${type ?? 'unknown'} on ${about} by ${origin ?? 'unknown'}${why}`);
  return `${revision}  ${dateAndTime(timeMs)}  ${what}`;
}

/** Who did it, when and by which event: `by event 118 of cli:alice@host at 2026-03-01 12:04:03.100`. */
export function byText(by: EventRef | null): string {
  if (by === null) return 'by an event that the log has no more';
  return `by event ${by.revision} of ${printable(by.origin ?? 'unknown')} at ${dateAndTime(by.timeMs)}`;
}

/** What a state was compared with: green where it is proven, red where a node was wrong, yellow where something is not proven. */
export function checkLine(check: HashCheck): string {
  const text = printable(checkText(check));
  if (check.outcome !== 'checked') return paint('yellow', text);
  return paint(check.disagreeing.length === 0 ? 'green' : 'red', text);
}

/** The same line without a colour. */
export function checkText(check: HashCheck): string {
  if (check.outcome === 'unchecked') return `not checked: ${check.why}`;
  const { hash, revision, recordedBy, disagreeing } = check;
  const doubts = disagreeing
    .map(({ node, revision: at, hash: wrong }) => `; node ${node} recorded ${wrong} at revision ${at} and was wrong`)
    .join('');
  return check.outcome === 'checked'
    ? `checked: hash ${hash} at revision ${revision}, as ${recordedBy} recorded it${doubts}`
    : `checked up to revision ${revision} (hash ${hash}, as ${recordedBy} recorded it), not beyond: ${check.why}${doubts}`;
}
