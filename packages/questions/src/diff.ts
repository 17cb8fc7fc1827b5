/**
 * What changed between two moments, and by which events: `muster diff`.
 *
 *     revision 100 (2026-03-01 12:00:00.000) to 120 (2026-03-01 12:05:00.000), as node lb-1 saw it: 2 entities changed
 *
 *     ~ backend spells/spells-1
 *         mode         ready → drain (upgrade)  by event 118 of cli:alice@host at 2026-03-01 12:04:03.100
 *     + pool api       by event 119 of config:lb-1 at 2026-03-01 12:04:30.000
 */
import type { ChangedField, DiffView, EntityChange, FieldChange, FieldValue, Instant } from '@muster/replay';
import type { z } from 'zod';
import { FILE_OPTION, momentsHelp, NODE_OPTION, type Question, type Shapes } from './question.ts';
import { byText, checkLine } from './text/event-ref-text.ts';
import { paint, type Colour } from './text/output.ts';
import { dateAndTime, printable } from './text/plain-text.ts';

const query = ({ z, moment, node }: Shapes) => z.strictObject({ from: moment, to: moment.default('now'), node });

type DiffQuery = z.output<ReturnType<typeof query>>;

export const diffQuestion: Question<DiffQuery, DiffView> = {
  path: '/v1/diff',
  summary: 'What changed between two moments, and by which events',
  moments: ['from', 'to'],
  query,
  shape,
  command: {
    name: 'diff',
    description: 'show what changed between two moments, and by which events',
    args: [
      { words: '<from>', description: 'the earlier moment', kind: 'moment' },
      { words: '[to]', description: 'the later one', kind: 'moment', default: 'now' },
    ],
    options: [NODE_OPTION, FILE_OPTION],
    help: momentsHelp(),
    query: ({ from, to, node }: { from: string; to: string; node?: string }) => ({ from, to, node }),
  },
  async answer(past, { from, to, node }) {
    const { diffView } = await import('@muster/replay');
    const range = { from: await past.resolve(from), to: await past.resolve(to) };
    return diffView(past.replay, range, { ...(node && { node }) });
  },
  lines: diffLines,
};

function shape({ z, ...of }: Shapes): z.ZodType<DiffView> {
  const value = z.object({ value: z.unknown(), revision: of.revision, reason: of.text.nullable() }).nullable();
  const by = of.eventRef.nullable();
  const field = z.object({ field: of.text, before: value, after: value, isSameValue: z.boolean(), by });
  const change = z.object({
    kind: z.enum(['listener', 'pool', 'backend', 'node']),
    pool: of.text.nullable(),
    id: of.text,
    change: z.enum(['added', 'removed', 'changed']),
    by,
    fields: z.array(field),
  });
  return z.object({
    kind: z.literal('diff'),
    source: of.text,
    cluster: of.text,
    node: of.text,
    from: of.instant,
    to: of.instant,
    fromHash: of.text,
    toHash: of.text,
    fromCheck: of.hashCheck,
    toCheck: of.hashCheck,
    changes: z.array(change),
  });
}

/** Entities shown; `--json` has all. */
const CHANGES_SHOWN_MAX = 200;
const VALUE_CHARACTERS_MAX = 80;

const MARKS: Readonly<Record<EntityChange['change'], readonly [mark: string, colour: Colour]>> = {
  added: ['+', 'green'],
  removed: ['-', 'red'],
  changed: ['~', 'yellow'],
};

function diffLines(diff: DiffView): string[] {
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
