/**
 * A line of the access log, read back: where to begin when that is all there is of a request.
 *
 * Lines come as people paste them, so that what a log collector put before the JSON is passed over. Only what explains the request is
 * read; anything else on the line is left alone.
 */
import { z } from 'zod';

const text = z.string();
const number = z.number();

const attemptSchema = z
  .object({
    backend: text,
    target: text,
    outcome: text,
    isReused: z.boolean(),
    startedMs: number,
    headMs: number.nullable(),
    revision: number,
    rosterRevision: number,
    detail: text.nullable(),
  })
  .transform(({ startedMs: startedAtMs, headMs: answeredAtMs, ...attempt }) => {
    return { ...attempt, startedAtMs, answeredAtMs };
  });

const lineSchema = z
  .object({
    durationMs: number,
    node: text,
    worker: number,
    requestId: text,
    time: number,
    listener: text,
    method: text,
    authority: text,
    path: text,
    queryBytes: number,
    pool: text.nullable(),
    status: number,
    termination: text,
    detail: text.nullable(),
    revision: number.nullable().describe('of the last pick; null where there was none'),
    rosterRevision: number.nullable(),
    attemptsCount: number,
    attempts: z.array(attemptSchema).describe('the last three'),
  })
  .transform(({ node, worker, revision, rosterRevision, attemptsCount, attempts, time, detail, ...request }) => ({
    node,
    worker,
    /** It began so long before its line was written. */
    request: { ...request, timeMs: time - request.durationMs, result: detail },
    revision,
    rosterRevision,
    attemptsCount,
    attempts,
  }));

export type AccessLine = z.output<typeof lineSchema>;

export type AccessLineOutcome =
  | { readonly ok: true; readonly line: AccessLine }
  /** `message` says what is wrong and what to give instead. */
  | { readonly ok: false; readonly reason: 'not-json' | 'not-a-request'; readonly message: string };

/** Longer than any line that is written (4 KiB), with what a collector may put around it. */
const TEXT_LENGTH_MAX = 65_536;

export function parseAccessLine(given: string): AccessLineOutcome {
  const begin = given.indexOf('{');
  const end = given.lastIndexOf('}');
  if (given.length > TEXT_LENGTH_MAX || begin < 0 || end < begin) return notJson();
  let value: unknown;
  try {
    value = JSON.parse(given.slice(begin, end + 1));
  } catch {
    return notJson();
  }
  const parsed = lineSchema.safeParse(value, { reportInput: true });
  if (parsed.success) return { ok: true, line: parsed.data };
  const give = 'give the whole line of a request, as this version of muster writes it';
  return { ok: false, reason: 'not-a-request', message: `${faultText(parsed.error.issues[0]!)}; ${give}` };
}

function notJson(): AccessLineOutcome {
  const message = 'this is no line of an access log in JSON; with the log as text, ask by the request id instead';
  return { ok: false, reason: 'not-json', message };
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** `it has no attempts[0].backend`, `its worker is not a number`. */
function faultText({ path, input, ...issue }: z.core.$ZodIssue): string {
  const field = path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .slice(1);
  if (input === undefined) return `it has no ${field}`;
  const kind = issue.code === 'invalid_type' ? KINDS[issue.expected] : undefined;
  return `its ${field} is not ${kind ?? 'as it is written'}`;
}
