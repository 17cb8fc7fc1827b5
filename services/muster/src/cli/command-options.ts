/** Options that several commands have, and how their values are read. */
import { InvalidArgumentError, type Command } from 'commander';

export function withReason(command: Command): Command {
  return command.option('--reason <text>', 'for people: why');
}

/** Which rows of a listing. */
export function withRows(command: Command): Command {
  return command
    .option('--wrong', 'only what takes no traffic, or not with all of it')
    .option('--limit <n>', 'rows at most', wholeNumber)
    .option('--skip <n>', 'leave out so many rows before', wholeNumber);
}

/** `slowStartMs,health.fastIntervalMs`, and as the options are written: `slow-start-ms`. May be given several times. */
export function unsetFields(text: string, before: readonly string[] = []): readonly string[] {
  const fields = text
    .split(',')
    .map((field) => field.trim().replaceAll(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase()));
  if (fields.every((field) => /^[A-Za-z]+(\.[A-Za-z]+)?$/.test(field))) return [...before, ...fields];
  throw new InvalidArgumentError('It must be names of fields, such as slowStartMs,health.fastIntervalMs.');
}

/** A moment such as `-5m`, as it was typed; what it means is judged where it is asked about. */
export function moment(text: string): string {
  return text.trim();
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('It must be a whole number.');
}

/** `0.5`; not `.5e1`, `0x1` or nothing. */
export function ratio(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 0 to 1.');
}

const SECONDS_BY_UNIT: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 };

/** `90s`, `5m`, `1h`, or seconds alone; in seconds. */
export function timeSpan(text: string): number {
  const [, count, unit = 's'] = /^(\d{1,9})([smh])?$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * SECONDS_BY_UNIT[unit]!;
  throw new InvalidArgumentError('It must be a time such as 90s, 5m or 1h.');
}

const MS_BY_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** `500ms`, `2s`, `1m`; in milliseconds. */
export function milliseconds(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})(ms|s|m)$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * MS_BY_UNIT[unit]!;
  throw new InvalidArgumentError('It must be a time such as 500ms, 2s or 1m.');
}
