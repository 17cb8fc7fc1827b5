/**
 * The log: pino, as JSON lines for machines or as readable lines for people.
 *
 *     {"level":30,"time":1800000000000,"node":"lb-1","msg":"listener web listens on 127.0.0.1:8080"}
 *     12:03:04.123  listener web listens on 127.0.0.1:8080
 *
 * What to log, and how often at most, is decided where it happens.
 */
import { pino, type Logger } from 'pino';
import { timeOfDay } from '../cli/plain-text.ts';

export type Log = Logger;
export type LogFormat = 'json' | 'text';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Named in each JSON line. */
  readonly node: string;
  /** Where the lines go. */
  readonly output: { write(text: string): void };
}

export function createLog({ level, format, node, output }: LogOptions): Log {
  const destination = format === 'json' ? output : { write: (line: string) => output.write(readable(line)) };
  return pino({ level, base: { node } }, destination);
}

interface JsonLine {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly err?: { readonly message?: string };
}

const WARN = 40;
const ERROR = 50;

/** A JSON line as people read it. */
export function readable(line: string): string {
  const { level, time, msg, err } = JSON.parse(line) as JsonLine;
  const severity = level >= ERROR ? 'ERROR  ' : level >= WARN ? 'WARN  ' : '';
  const cause = err?.message === undefined ? '' : `: ${err.message}`;
  return `${timeOfDay(time)}  ${severity}${msg ?? ''}${cause}\n`;
}
