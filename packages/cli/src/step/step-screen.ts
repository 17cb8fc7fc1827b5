/**
 * The step screen, drawn: a state and a size give the lines of a terminal. Pure.
 *
 *      incident.muster · cluster demo as node lb-1 saw it                     118 of 1–1204
 *     ├──────────────────────●────────────────────────────────────────────────────────────┤
 *      116 12:03:58.001  backend spells/spells-1 …  │ [1 changes] 2 state  3 event
 *     ▶118 12:04:03.100  backend spells/spells-1 …  │ ~ backend spells/spells-1
 *      119 12:04:30.000  pool api  defined …        │   mode  ready → drain (upgrade)
 *      checked: hash 9f86… at revision 118, as node lb-1 recorded it
 *      → next  ← back  / search  : jump  tab pane  ? help  q quit
 *
 * A narrow terminal has the list above and the card below.
 */
import { paint, printable, type Colour } from '@muster/questions/text';
import { fitted, textWidth, wrapped } from './fitted-text.ts';
import type { CardLine, EventRow } from './step-card.ts';
import { PANES, type StepState } from './step-model.ts';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** Fewer, and the list stands above the card. */
const SIDE_BY_SIDE_COLUMNS = 100;
const LIST_RATIO = 0.5;
/** Head, timeline, check, foot. */
const FRAME_ROWS = 4;

/** Exactly `rows` lines, none wider than `columns`. */
export function screenLines(state: StepState, { columns, rows }: ScreenSize): string[] {
  const bodyRows = Math.max(1, rows - FRAME_ROWS);
  const body = state.isHelp ? helpLines(columns, bodyRows) : bodyLines(state, { columns, rows: bodyRows });
  const lines = [
    headLine(state, columns),
    timeline(state, columns),
    ...body,
    checkLine(state, columns),
    footLine(state, columns),
  ];
  return lines.slice(0, rows);
}

function headLine({ source, cluster, node, range, shown }: StepState, columns: number): string {
  const at = shown === null ? '-' : String(shown.card.revision);
  const where = ` ${at} of ${range.fromRevision}–${range.toRevision} `;
  const name = printable(` ${source} · cluster ${cluster} as node ${node} saw it`);
  return paint('inverse', fitted(fitted(name, Math.max(0, columns - textWidth(where))) + where, columns));
}

/** Where in the log the event stands. */
function timeline({ range, shown }: StepState, columns: number): string {
  const width = Math.max(0, columns - 2);
  if (shown === null || width === 0) return paint('dim', fitted(`├${'─'.repeat(width)}┤`, columns));
  const span = Math.max(1, range.toRevision - range.fromRevision);
  const ratio = (shown.card.revision - range.fromRevision) / span;
  const before = Math.min(width - 1, Math.max(0, Math.round(ratio * (width - 1))));
  return (
    paint('dim', `├${'─'.repeat(before)}`) + paint('cyan', '●') + paint('dim', `${'─'.repeat(width - 1 - before)}┤`)
  );
}

function bodyLines(state: StepState, { columns, rows }: ScreenSize): string[] {
  if (columns < SIDE_BY_SIDE_COLUMNS) {
    const listRows = Math.max(1, Math.floor(rows / 3));
    const rule = paint('dim', '─'.repeat(columns));
    const list = listLines(state, { columns, rows: listRows });
    return [...list, rule, ...cardLines(state, { columns, rows: Math.max(1, rows - listRows - 1) })].slice(0, rows);
  }
  const listColumns = Math.floor(columns * LIST_RATIO);
  const list = listLines(state, { columns: listColumns, rows });
  const card = cardLines(state, { columns: columns - listColumns - 2, rows });
  return list.map((line, index) => `${line}${paint('dim', '│')} ${card[index]!}`);
}

/** The events around the one that is shown, which stays in the middle as long as there are enough on both sides. */
function listLines({ shown, search }: StepState, { columns, rows }: ScreenSize): string[] {
  const all = shown?.rows ?? [];
  const at = all.findIndex(({ revision }) => revision === shown?.card.revision);
  const first = Math.max(0, Math.min(at - Math.floor(rows / 2), all.length - rows));
  const visible = all.slice(first, first + rows);
  const width = Math.max(0, ...visible.map(({ revision }) => String(revision).length));
  const lines = visible.map((row) => listLine(row, { width, columns, search, isCurrent: row === all[at] }));
  return filled(lines, { columns, rows });
}

function listLine(
  { revision, text }: EventRow,
  { width, columns, search, isCurrent }: { width: number; columns: number; search: string | null; isCurrent: boolean },
): string {
  const line = fitted(`${isCurrent ? '▶' : ' '}${String(revision).padStart(width)} ${text}`, columns);
  if (isCurrent) return paint('inverse', line);
  const isFound = search !== null && text.toLowerCase().includes(search.toLowerCase());
  return isFound ? paint('cyan', line) : line;
}

function cardLines(state: StepState, { columns, rows }: ScreenSize): string[] {
  const { shown, pane, scroll } = state;
  const tabs = PANES.map((name, index) => (name === pane ? `[${index + 1} ${name}]` : ` ${index + 1} ${name} `));
  const head = paint('bold', fitted(tabs.join(' '), columns));
  const content = (shown?.card[pane] ?? []).flatMap((line) => paneLines(line, columns));
  const first = Math.min(scroll, Math.max(0, content.length - 1));
  const visible = content.slice(first, first + rows - 1);
  const restCount = content.length - first - visible.length;
  if (restCount > 0)
    visible[visible.length - 1] = paint('dim', fitted(`… ${restCount + 1} more lines: d scrolls`, columns));
  return filled([head, ...visible], { columns, rows });
}

function paneLines({ text, colour }: CardLine, columns: number): string[] {
  return wrapped(text, columns).map((line) => painted(fitted(line, columns), colour));
}

function painted(text: string, colour: Colour | undefined): string {
  return colour === undefined ? text : paint(colour, text);
}

function filled(lines: readonly string[], { columns, rows }: ScreenSize): string[] {
  const empty = ' '.repeat(columns);
  return Array.from({ length: rows }, (_, index) => lines[index] ?? empty);
}

function checkLine({ shown }: StepState, columns: number): string {
  const check = shown?.card.check ?? { text: '' };
  return painted(fitted(` ${check.text}`, columns), check.colour);
}

const KEYS = ' → next  ← back  / search  n N again  : jump  tab pane  ? help  q quit';

function footLine({ prompt, message, isBusy }: StepState, columns: number): string {
  if (prompt !== null) {
    const label = prompt.kind === 'search' ? ' search: ' : ' jump to: ';
    // The end of what is typed is what must be seen.
    const room = Math.max(0, columns - textWidth(label) - 2);
    const end = Array.from(prompt.text).slice(-room).join('');
    return paint('bold', fitted(`${label}${end}▏`, columns));
  }
  if (message !== null) return paint('yellow', fitted(` ${printable(message)}`, columns));
  return isBusy ? paint('dim', fitted(' reading …', columns)) : paint('dim', fitted(KEYS, columns));
}

const HELP = [
  '',
  '  → ↓ j l space    the next event             PgDn  ten on',
  '  ← ↑ k h          the one before             PgUp  ten back',
  '  g Home           the first                  G End the last',
  '',
  '  /                search: any part of a line, or filters: pool=spells type=BackendEjected origin=cli:*',
  '                   filters: pool backend node listener type origin',
  '  n N              the next event that fits, the one before',
  '  :                jump: a revision, a time (12:30, 2026-03-01T12:30:00Z), -5m, now, the id of an event',
  '',
  '  Tab 1 2 3        what the event changed, the pools after it, the event itself',
  '  d u              scroll there',
  '',
  '  q Esc            leave',
  '',
  '  any key closes this',
];

function helpLines(columns: number, rows: number): string[] {
  return filled(
    HELP.map((line) => fitted(line, columns)),
    { columns, rows },
  );
}
