/**
 * Asks a question about the past: of the session's node through its admin API, or of an incident file, with neither node nor cluster. Both
 * give the same answer in the same shape.
 */
import type { Question } from '@muster/questions';
import type { IncidentPast } from '@muster/questions/past';
import { CliFailure } from './cli-failure.ts';
import type { Session } from './session.ts';

/** `file`: the path of an incident file; undefined for the session's node. Throws `CliFailure`. */
export async function ask<Query extends object, Answer extends object>(
  { client }: Session,
  question: Question<Query, Answer>,
  { query, file }: { readonly query: Query; readonly file: string | undefined },
): Promise<Answer> {
  if (file !== undefined) return askFile(file, question, query);
  if (question.isLong?.(query) === true) return client.post(question.path, query);
  return client.get(`${question.path}?${await sentQuery(query, question.moments)}`);
}

export function askFile<Query extends object, Answer extends object>(
  file: string,
  question: Question<Query, Answer>,
  query: Query,
): Promise<Answer> {
  return withIncident(file, ({ past }) => question.answer(past, query));
}

/** Opens an incident file for as long as the work lasts. What the past refuses is the failure of the command. */
export function withIncident<Result>(file: string, work: (opened: IncidentPast) => Promise<Result>): Promise<Result> {
  return orFailure(async () => {
    const { incidentPast } = await import('@muster/questions/past');
    const opened = await incidentPast(file);
    try {
      return await work(opened);
    } finally {
      await opened.incident.close();
    }
  });
}

/** A query for a URL. `12:30` means this terminal's time of day, and not that of the node's machine. Throws `CliFailure`. */
export async function sentQuery(query: object, moments: readonly string[]): Promise<string> {
  const { parseInstant } = await import('@muster/replay');
  const sent = (text: string): string => {
    const meant = parseInstant({ text, nowMs: Date.now() });
    return meant.kind === 'time' && !text.startsWith('-') ? new Date(meant.timeMs).toISOString() : text;
  };
  return orFailure(async () => {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    return new URLSearchParams(
      given.map(([name, value]) => [name, moments.includes(name) ? sent(String(value)) : String(value)]),
    ).toString();
  });
}

/** What the past, or the journal in a file, refuses, as the failure of a command. */
export async function orFailure<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    const { BrokenInvariant, MusterError } = await import('@muster/membership');
    const isRefusal = error instanceof MusterError && !(error instanceof BrokenInvariant);
    throw isRefusal && !(error instanceof CliFailure) ? new CliFailure(error.code, error.message) : error;
  }
}
