/**
 * The table of one load: what each proxy costs, in relation to whom, and whether Muster's goals are met. Text alone; nothing is
 * measured here.
 */
import { cheapestByRound, median, ratiosByRound, ratioText } from './figures.ts';
import { costOf, type Measurement } from './measurement.ts';

/** One proxy's measurements, a round each. */
export interface TableRow {
  readonly name: string;
  /** False for the direct way to the backend, which has no cost of its own. */
  readonly hasCost: boolean;
  /** Whether the goals are meant for it. */
  readonly isOurs: boolean;
  readonly measurements: readonly Measurement[];
}

/** What the rows are compared with: one of them, or of each round the cheapest of several. */
export interface Reference {
  readonly title: string;
  readonly names: readonly string[];
  /** The largest ratio that is good enough for our rows; none where it is only of interest. */
  readonly goalMax?: number;
}

const WIDTHS = { name: 10, cost: 25, ratio: 24, rate: 10 };

/** The lines, the heading first. A reference that was not measured leaves its column empty. */
export function tableLines(rows: readonly TableRow[], references: readonly Reference[]): string[] {
  const columns = references.map((reference) => ({ reference, baseline: baselineOf(rows, reference) }));
  const headings = references.map(({ title }) => title.padStart(WIDTHS.ratio)).join('');
  const heading = `  ${''.padEnd(WIDTHS.name)}${'(user + system)'.padStart(WIDTHS.cost)}${headings}`;
  return [heading, ...rows.map((row) => `  ${rowText(row, columns)}`.trimEnd())];
}

interface Column {
  readonly reference: Reference;
  /** By round; null where none of its names was measured. */
  readonly baseline: readonly number[] | null;
}

function rowText(row: TableRow, columns: readonly Column[]): string {
  const cells = columns.map((column) => ratioCell(row, column).padStart(WIDTHS.ratio));
  const rate = `${median(row.measurements.map(({ perSecond }) => perSecond)).toFixed(0)} /s`;
  const parts = [row.name.padEnd(WIDTHS.name), costText(row).padStart(WIDTHS.cost), ...cells];
  return [...parts, rate.padStart(WIDTHS.rate), failureText(row), goalsText(row, columns)].join('');
}

function costText({ hasCost, measurements }: TableRow): string {
  if (!hasCost) return '';
  const [total, user, system] = [
    median(measurements.map(costOf)),
    median(measurements.map((measurement) => measurement.user)),
    median(measurements.map((measurement) => measurement.system)),
  ];
  return `${total.toFixed(1)} (${user.toFixed(1)} + ${system.toFixed(1)})`;
}

function ratioCell(row: TableRow, { reference, baseline }: Column): string {
  const isItself = reference.names.length === 1 && reference.names[0] === row.name;
  return baseline === null || !row.hasCost || isItself ? '' : ratioText(ratiosOf(row, baseline));
}

function failureText({ measurements }: TableRow): string {
  const failed = measurements.reduce((sum, { errorCount }) => sum + errorCount, 0);
  return failed === 0 ? '' : `  ${failed} FAILED`;
}

/** For example `  goals: ≤ 1.35 met, ≤ 0.25 MISSED`. */
function goalsText(row: TableRow, columns: readonly Column[]): string {
  if (!row.isOurs) return '';
  const goals = columns.flatMap(({ reference: { goalMax }, baseline }) => {
    if (goalMax === undefined || baseline === null) return [];
    return [goalText(median(ratiosOf(row, baseline)), goalMax)];
  });
  return goals.length === 0 ? '' : `  goals: ${goals.join(', ')}`;
}

/** Of a figure that should be at most `max`. */
export function goalText(figure: number, max: number): string {
  return `≤ ${max} ${figure <= max ? 'met' : 'MISSED'}`;
}

function ratiosOf({ measurements }: TableRow, baseline: readonly number[]): number[] {
  return ratiosByRound(measurements.map(costOf), baseline);
}

function baselineOf(rows: readonly TableRow[], { names }: Reference): readonly number[] | null {
  const chosen = rows.filter(({ name, hasCost }) => hasCost && names.includes(name));
  if (chosen.length === 0) return null;
  return cheapestByRound(chosen.map(({ measurements }) => measurements.map(costOf)));
}
