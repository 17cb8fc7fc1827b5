/** Options that several commands have, and how their values are read. */
import { InvalidArgumentError, Option, type Command } from 'commander';

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

/** `slowStartMs,health.fastIntervalMs`, and as the options are written: `slow-start`. May be given several times. */
export function unsetFields(text: string, before: readonly string[] = []): readonly string[] {
  const fields = text
    .split(',')
    .map((field) => field.trim().replaceAll(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase()))
    .map((field) => (TIME_FIELD.test(field) ? `${field}Ms` : field));
  if (fields.every((field) => /^[A-Za-z]+(\.[A-Za-z]+)?$/.test(field))) return [...before, ...fields];
  throw new InvalidArgumentError('It must be names of fields, such as slowStartMs,health.fastIntervalMs.');
}

/** What options of times are called, without the unit that their fields have. */
const TIME_FIELD = /(timeout|interval|slowStart)$/i;

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

const MS_BY_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `500ms`, `2s`, `1m`, `1h`; in milliseconds. */
export function milliseconds(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? [];
  if (count !== undefined) return Number(count) * MS_BY_UNIT[unit]!;
  throw new InvalidArgumentError('It must be a time such as 500ms, 2s or 1m.');
}

/** Read as the field that it sets: `--connect-timeout` and `--connect-timeout-ms` are both `connectTimeoutMs`. */
class TimeOption extends Option {
  override attributeName(): string {
    return super.attributeName().replace(/(Ms)?$/, 'Ms');
  }
}

/** `--FLAG 500ms`. Scripts may have it as it was spelled once, `--FLAG-ms 500`, which the help does not show. */
export function withTime(command: Command, flag: string, description: string): Command {
  return command
    .addOption(new TimeOption(`--${flag} <time>`, description).argParser(milliseconds))
    .addOption(new TimeOption(`--${flag}-ms <ms>`).argParser(wholeNumber).hideHelp());
}
