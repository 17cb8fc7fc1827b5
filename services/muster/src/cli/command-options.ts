/** Options that several commands have, and how their values are read. */
import { InvalidArgumentError, type Command } from 'commander';

export function withReason(command: Command): Command {
  return command.option('--reason <text>', 'for people: why');
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
