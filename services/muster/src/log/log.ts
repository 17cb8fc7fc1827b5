/**
 * The log: pino, as JSON lines for machines or as readable lines for people.
 *
 *     {"level":30,"time":1800000000000,"node":"lb-1","msg":"listener web listens on 127.0.0.1:8080"}
 *     12:03:04.123  listener web listens on 127.0.0.1:8080
 *
 * An error is logged in one way, as `log.error({ err }, 'what it means')`: its kind, message, code, stack and causes stand in the
 * line. `test/tidy` refuses every other way.
 *
 * What to log, and how often at most, is decided where it happens.
 */
import { messageOf } from '@muster/membership';
import { pino, type Logger } from 'pino';
import { printable, timeOfDay } from '@muster/questions/text';
import { LINE_BYTES_MAX, LineOutput } from '@muster/questions/text/line-output';

export type Log = Logger;
export type LogFormat = 'json' | 'text';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Named in each JSON line. */
  readonly node: string;
  /** Where the lines go, one at a time. */
  readonly output: { write(line: string): void };
}

export function createLog({ level, format, node, output }: LogOptions): Log {
  const writeText = (line: string): void => {
    for (const text of readableLines(line)) output.write(`${text}\n`);
  };
  const destination = format === 'json' ? output : { write: writeText };
  return pino({ level, base: { node }, serializers: { err: errorFields } }, destination);
}

/** From one look at what was dropped to the next. */
const DROPPED_INTERVAL_MS = 1_000;

export interface OpenLog {
  readonly log: Log;
  /** Lines that were written, and lines that were dropped because nobody took them. */
  readonly output: Pick<LineOutput, 'writtenCount' | 'droppedCount'>;
  /** Resolves when the last lines are written, or given up after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/**
 * A log into a descriptor that other processes may write to as well. It never waits for whoever reads it: what is not taken is
 * dropped, and once lines are taken again, one of them says how many are missing.
 */
export function openLog({ fd, ...options }: Omit<LogOptions, 'output'> & { readonly fd: number }): OpenLog {
  const output = new LineOutput({ fd, characters: options.format === 'json' ? 'ascii' : 'utf8' });
  const fit = options.format === 'json' ? fittedJson : fittedText;
  const log = createLog({ ...options, output: { write: (line) => output.write(fit(line)) } });
  let toldCount = 0;
  let writtenCount = 0;
  const timer = setInterval(() => {
    const droppedCount = output.droppedCount - toldCount;
    const isTaken = output.writtenCount > writtenCount;
    writtenCount = output.writtenCount;
    // While nothing is taken, a line about it would be dropped too, and counted, and so need another.
    if (droppedCount === 0 || !isTaken) return;
    toldCount = output.droppedCount;
    log.warn({ droppedCount }, `${droppedCount} lines of the log were dropped: whoever reads it was too slow, or gone`);
  }, DROPPED_INTERVAL_MS).unref();
  const close = (timeoutMs: number): Promise<void> => {
    clearInterval(timer);
    return output.close(timeoutMs);
  };
  return { log, output, close };
}

const STACK_CHARACTERS_MAX = 2_000;
const CAUSES_MAX = 3;

/** What a log line holds of an error. */
export interface ErrorFields {
  /** For example `TypeError`. */
  readonly type: string;
  readonly message: string;
  /** Of the system or of a library, for example `ENOSPC`; absent where there is none. */
  readonly code?: string | number;
  readonly stack?: string;
  readonly cause?: ErrorFields;
}

/** An error as plain fields: what crosses from a worker, and what `err` becomes in a line. Such fields stay as they are. */
export function errorFields(error: unknown): ErrorFields {
  return fieldsOf(error, CAUSES_MAX);
}

function fieldsOf(error: unknown, causesMax: number): ErrorFields {
  if (!(error instanceof Error)) return isFields(error) ? error : { type: typeof error, message: messageOf(error) };
  const own = { type: 'Error', message: messageOf(error) };
  try {
    const { name, code, stack, cause } = error as { [Field in 'name' | 'code' | 'stack' | 'cause']?: unknown };
    return {
      ...own,
      ...(typeof name === 'string' && { type: name }),
      ...((typeof code === 'string' || typeof code === 'number') && { code }),
      ...(typeof stack === 'string' && { stack: stack.slice(0, STACK_CHARACTERS_MAX) }),
      ...(cause !== undefined && causesMax > 0 && { cause: fieldsOf(cause, causesMax - 1) }),
    };
  } catch {
    // A field of the error threw when it was read.
    return own;
  }
}

function isFields(value: unknown): value is ErrorFields {
  return typeof value === 'object' && value !== null && 'type' in value && 'message' in value && 'stack' in value;
}

interface JsonLine {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly err?: { readonly message?: string; readonly stack?: string };
}

const WARN = 40;
const ERROR = 50;

/** A JSON line as people read it: one line, and the frames of an error's stack below it. None of them does anything to a terminal. */
export function readableLines(line: string): string[] {
  const { level, time, msg = '', err } = JSON.parse(line) as JsonLine;
  const severity = level >= ERROR ? 'ERROR  ' : level >= WARN ? 'WARN  ' : '';
  const message = err?.message ?? '';
  const cause = message === '' || msg.includes(message) ? '' : `: ${message}`;
  const frames = level >= ERROR ? (err?.stack ?? '').split('\n').filter((frame) => /^\s+at /.test(frame)) : [];
  return [`${timeOfDay(time)}  ${severity}${msg}${cause}`, ...frames].map(printable);
}

/** From the longest texts that a line may hold to the shortest. */
const TEXT_CHARACTERS_MAX = [1_500, 500, 150, 40] as const;

/** A JSON line that is too long for `LineOutput` with its texts cut, so that an error with a long stack is not lost. */
function fittedJson(line: string): string {
  if (escapedLength(line) <= LINE_BYTES_MAX) return line;
  const fields = JSON.parse(line) as unknown;
  for (const charactersMax of TEXT_CHARACTERS_MAX) {
    const shorter = `${JSON.stringify(fields, (_key, value: unknown) => cut(value, charactersMax))}\n`;
    if (escapedLength(shorter) <= LINE_BYTES_MAX) return shorter;
  }
  const { level, time, msg = '' } = fields as JsonLine;
  return `${JSON.stringify({ level, time, msg: cut(msg, TEXT_CHARACTERS_MAX[1]), isCut: true })}\n`;
}

/** A line for people takes at most four bytes a character, once `printable` has seen it. */
function fittedText(line: string): string {
  return line.length * 4 <= LINE_BYTES_MAX ? line : `${line.slice(0, LINE_BYTES_MAX / 4 - 2)}…\n`;
}

function cut(value: unknown, charactersMax: number): unknown {
  return typeof value === 'string' && value.length > charactersMax ? `${value.slice(0, charactersMax)}…` : value;
}

/** What is not ASCII takes six bytes, as `\u00e9`. */
function escapedLength(line: string): number {
  return line.length + 5 * (line.match(/[^\x20-\x7e\n]/g)?.length ?? 0);
}
