/**
 * A line of the access log, read back: where to begin when that is all there is of a request.
 *
 * Lines come as people paste them, so that what a log collector put before the JSON is passed over. Only what explains the request is
 * read; anything else on the line is left alone.
 */
import type { ExplainedRequest } from './explained-request.ts';

/** One of the attempts on a line, which has the last three. */
export interface AccessLineAttempt {
  readonly backend: string;
  readonly target: string;
  readonly outcome: string;
  readonly isReused: boolean;
  /** Milliseconds since the request began. */
  readonly startedAtMs: number;
  readonly answeredAtMs: number | null;
  readonly revision: number;
  readonly rosterRevision: number;
  readonly detail: string | null;
}

export interface AccessLine {
  readonly node: string;
  readonly worker: number;
  /** Its `timeMs` is the line's time without its duration. */
  readonly request: ExplainedRequest;
  /** Of the last pick; null where there was none. */
  readonly revision: number | null;
  readonly rosterRevision: number | null;
  readonly attemptsCount: number;
  readonly attempts: readonly AccessLineAttempt[];
}

export type AccessLineOutcome =
  | { readonly ok: true; readonly line: AccessLine }
  /** `message` says what is wrong and what to give instead. */
  | { readonly ok: false; readonly reason: 'not-json' | 'not-a-request'; readonly message: string };

/** Longer than any line that is written (4 KiB), with what a collector may put around it. */
const TEXT_LENGTH_MAX = 65_536;

export function parseAccessLine(text: string): AccessLineOutcome {
  const begin = text.indexOf('{');
  const end = text.lastIndexOf('}');
  if (text.length > TEXT_LENGTH_MAX || begin < 0 || end < begin) return notJson();
  let value: unknown;
  try {
    value = JSON.parse(text.slice(begin, end + 1));
  } catch {
    return notJson();
  }
  try {
    return { ok: true, line: lineOf(new Fields(value, '')) };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    const give = 'give the whole line of a request, as this version of muster writes it';
    return { ok: false, reason: 'not-a-request', message: `${error.message}; ${give}` };
  }
}

function notJson(): AccessLineOutcome {
  const message = 'this is no line of an access log in JSON; with the log as text, ask by the request id instead';
  return { ok: false, reason: 'not-json', message };
}

function lineOf(line: Fields): AccessLine {
  const durationMs = line.number('durationMs');
  return {
    node: line.text('node'),
    worker: line.number('worker'),
    request: {
      requestId: line.text('requestId'),
      timeMs: line.number('time') - durationMs,
      durationMs,
      listener: line.text('listener'),
      method: line.text('method'),
      authority: line.text('authority'),
      path: line.text('path'),
      queryBytes: line.number('queryBytes'),
      pool: line.textOrNull('pool'),
      status: line.number('status'),
      termination: line.text('termination'),
      result: line.textOrNull('detail'),
    },
    revision: line.numberOrNull('revision'),
    rosterRevision: line.numberOrNull('rosterRevision'),
    attemptsCount: line.number('attemptsCount'),
    attempts: line.list('attempts').map(attemptOf),
  };
}

function attemptOf(attempt: Fields): AccessLineAttempt {
  return {
    backend: attempt.text('backend'),
    target: attempt.text('target'),
    outcome: attempt.text('outcome'),
    isReused: attempt.flag('isReused'),
    startedAtMs: attempt.number('startedMs'),
    answeredAtMs: attempt.numberOrNull('headMs'),
    revision: attempt.number('revision'),
    rosterRevision: attempt.number('rosterRevision'),
    detail: attempt.textOrNull('detail'),
  };
}

class FieldError extends Error {}

/** The fields of an object that somebody gave us, each checked when it is read. */
class Fields {
  readonly #value: Readonly<Record<string, unknown>>;
  /** For messages: where the object stands, `attempts[0].`. */
  readonly #place: string;

  constructor(value: unknown, place: string) {
    if (typeof value !== 'object' || value === null)
      throw new FieldError(`${place === '' ? 'the line' : `its ${place.slice(0, -1)}`} is not an object`);
    this.#value = value as Readonly<Record<string, unknown>>;
    this.#place = place;
  }

  text(name: string): string {
    return this.#read(name, 'a text', (value) => typeof value === 'string') as string;
  }

  textOrNull(name: string): string | null {
    return this.#value[name] === null ? null : this.text(name);
  }

  number(name: string): number {
    return this.#read(name, 'a number', (value) => Number.isFinite(value)) as number;
  }

  numberOrNull(name: string): number | null {
    return this.#value[name] === null ? null : this.number(name);
  }

  flag(name: string): boolean {
    return this.#read(name, 'true or false', (value) => typeof value === 'boolean') as boolean;
  }

  list(name: string): Fields[] {
    const values = this.#read(name, 'a list', Array.isArray) as unknown[];
    return values.map((value, index) => new Fields(value, `${this.#place}${name}[${index}].`));
  }

  #read(name: string, what: string, isRight: (value: unknown) => boolean): unknown {
    const value = this.#value[name];
    if (value === undefined) throw new FieldError(`it has no ${this.#place}${name}`);
    if (!isRight(value)) throw new FieldError(`its ${this.#place}${name} is not ${what}`);
    return value;
  }
}
