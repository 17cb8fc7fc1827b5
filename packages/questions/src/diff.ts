/**
 * What changed between two moments, as people read it.
 *
 *     revision 100 (2026-03-01 12:00:00.000) to 120 (2026-03-01 12:05:00.000), as node lb-1 saw it: 2 entities changed
 *
 *     ~ backend spells/spells-1
 *         mode         ready → drain (upgrade)  by event 118 of cli:alice@host at 2026-03-01 12:04:03.100
 *     + pool api       by event 119 of config:lb-1 at 2026-03-01 12:04:30.000
 */
import type { ChangedField, DiffView, EntityChange, FieldChange, FieldValue, Instant } from '@muster/replay';
import { dateAndTime, printable } from './text/plain-text.ts';
import { paint, type Colour } from './text/output.ts';
import { byText, checkLine } from './text/event-ref-text.ts';

/** Entities shown; `--json` has all. */
const CHANGES_SHOWN_MAX = 200;
const VALUE_CHARACTERS_MAX = 80;

const MARKS: Readonly<Record<EntityChange['change'], readonly [mark: string, colour: Colour]>> = {
  added: ['+', 'green'],
  removed: ['-', 'red'],
  changed: ['~', 'yellow'],
};

export function diffLines(diff: DiffView): string[] {
  const { from, to, changes, node } = diff;
  const range = `revision ${momentText(from)} to ${momentText(to)}`;
  const count = changes.length === 1 ? '1 entity' : `${changes.length} entities`;
  const restCount = changes.length - CHANGES_SHOWN_MAX;
  return [
    `${range}, as node ${node} saw it: ${changes.length === 0 ? 'nothing changed' : `${count} changed`}`,
    checkLine(diff.toCheck),
    ...changes.slice(0, CHANGES_SHOWN_MAX).flatMap((change) => ['', ...changeLines(change)]),
    ...(restCount > 0 ? ['', `and ${restCount} more; --json has all`] : []),
  ];
}

function momentText({ revision, timeMs }: Instant): string {
  if (revision === 0) return '0 (before the first event)';
  // Where only a snapshot of it is left, nobody says when it was.
  return timeMs === 0 ? String(revision) : `${revision} (${dateAndTime(timeMs)})`;
}

function changeLines(change: EntityChange): string[] {
  const [mark, colour] = MARKS[change.change];
  const head = paint(colour, `${mark} ${entityName(change)}`);
  if (change.change === 'removed') return [`${head}  ${byText(change.by)}`];
  // Of what is new, every field has the same event: it is said once.
  if (change.change === 'added') return [`${head}  ${byText(change.by)}`, ...change.fields.flatMap(addedLine)];
  if (change.fields.length === 0) return [`${head}  the same again ${byText(change.by)}`];
  const width = Math.max(...change.fields.map(({ field }) => field.length));
  return [head, ...change.fields.map((field) => changedLine(field, width))];
}

export function entityName({ kind, pool, id }: Pick<EntityChange, 'kind' | 'pool' | 'id'>): string {
  return pool === null ? `${kind} ${id}` : `${kind} ${pool}/${id}`;
}

function addedLine({ field, after }: FieldChange): string[] {
  return after === null || after.value === null ? [] : [`    ${field} ${valueText(after)}`];
}

function changedLine(change: FieldChange, width: number): string {
  const by = change.by === null ? '' : `  ${byText(change.by)}`;
  return `    ${change.field.padEnd(width)}  ${fromToText(change)}${by}`;
}

/** `ready → drain (upgrade)`; what was set again to what it was: `still ready (rolled back)`. */
export function fromToText({ before, after, isSameValue }: Omit<ChangedField, 'field'>): string {
  if (isSameValue && after !== null) return `still ${valueText(after)}`;
  return `${before === null ? '(none)' : bareText(before)} → ${after === null ? '(none)' : valueText(after)}`;
}

/** With the reason that its event gave. */
export function valueText(value: FieldValue): string {
  return value.reason === null ? bareText(value) : `${bareText(value)} (${printable(value.reason)})`;
}

function bareText({ value }: FieldValue): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return printable(text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text);
}
