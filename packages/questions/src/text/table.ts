/**
 * Tables for people: plain columns, aligned, two spaces apart. Cells may be coloured, each as a whole.
 *
 * How wide a terminal is, is known where an answer is printed and nowhere before. So what makes the lines of an answer gives
 * tables as what they are, and whoever prints it has them set to the width that there is: cells end in … where they do not fit.
 */
import { stripVTControlCharacters } from 'node:util';

interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Titles of the columns that are cut first, the least important one at the beginning. Then the widest ones are. */
  readonly cutFirst: readonly string[];
}

/** What an answer is made of. */
export type Line = string | Table;

/** Rows may be shorter than the head. */
export function tableLines(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  cutFirst: readonly string[] = [],
): Line[] {
  return [{ head, rows, cutFirst }];
}

/** `width`: columns of the terminal; `Infinity`: nothing is cut. Only tables are: a sentence that is too long is wrapped by the terminal. */
export function setLines(lines: readonly Line[], width: number): string[] {
  return lines.flatMap((line) => (typeof line === 'string' ? line : setTable(line, width)));
}

const GAP = '  ';
/** A cell that is cut keeps so many characters, the … among them. */
const CELL_WIDTH_MIN = 6;

/** One line per row, the head first. */
function setTable({ head, rows, cutFirst }: Table, width: number): string[] {
  const all = [head, ...rows];
  const full = head.map((_title, column) => all.reduce((most, row) => Math.max(most, widthOf(row[column] ?? '')), 0));
  const widths = fitted(full, { head, cutFirst, width });
  return all.map((row) => {
    const cells = row.map((cell, column) => padded(cut(cell, widths[column]!), widths[column]!));
    return cut(cells.join(GAP).trimEnd(), width);
  });
}

interface Fit {
  readonly head: readonly string[];
  readonly cutFirst: readonly string[];
  readonly width: number;
}

function fitted(full: readonly number[], { head, cutFirst, width }: Fit): number[] {
  const widths = [...full];
  const excess = (): number => widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1) - width;
  for (const column of cutFirst.map((title) => head.indexOf(title))) {
    if (column >= 0 && excess() > 0)
      widths[column] = Math.min(widths[column]!, Math.max(CELL_WIDTH_MIN, widths[column]! - excess()));
  }
  while (excess() > 0) {
    const widest = Math.max(...widths);
    if (widest <= CELL_WIDTH_MIN) break;
    const column = widths.lastIndexOf(widest);
    // Down to the next widest one, so that a few steps do it.
    const next = Math.max(CELL_WIDTH_MIN, ...widths.filter((one) => one < widest));
    widths[column] = Math.max(next, widest - excess(), CELL_WIDTH_MIN);
    if (widths[column] === widest) widths[column] = widest - 1;
  }
  return widths;
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)));
}

/** The escape sequences around a cell, and what is between them. */
// oxlint-disable-next-line no-control-regex
const PAINTED_PATTERN = /^((?:\u001b\[[0-9;]*m)+)([^]*?)((?:\u001b\[[0-9;]*m)+)$/;

/** At most so many columns wide; what is cut ends in …, and in the colour that it began with. */
export function cut(cell: string, width: number): string {
  if (widthOf(cell) <= width) return cell;
  const [, before = '', text = cell, after = ''] = PAINTED_PATTERN.exec(cell) ?? [];
  return `${before}${stripVTControlCharacters(text).slice(0, Math.max(0, width - 1))}…${after}`;
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
