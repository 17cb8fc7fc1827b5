/** What went wrong with a probe, as a code and in words, beyond what can be wrong with any connect (`connectFailure`). */

import { describeProblem, type BodyProblem, type HeadProblem } from '@muster/http1';
import { connectFailure } from '@muster/transport';
import type { ProbeFailureCode } from './probe.ts';

/** The part of a failed outcome that says why. */
export interface ProbeFailure {
  readonly code: ProbeFailureCode;
  readonly reason: string;
}

export const ABORTED: ProbeFailure = { code: 'aborted', reason: 'aborted' };
const NOT_HTTP: ProbeFailure = { code: 'not_http', reason: 'the answer is not HTTP/1' };
export const CLOSED_EARLY: ProbeFailure = { code: 'closed_early', reason: 'connection closed before an answer' };
export const RESET_EARLY: ProbeFailure = { code: 'closed_early', reason: 'connection reset before an answer' };
export const ANSWER_CUT: ProbeFailure = { code: 'closed_early', reason: 'connection closed within the answer' };

/** The answer is one that traffic refuses: `the answer is not well-formed: there is more than one Content-Length`. */
export function badAnswer(what: string): ProbeFailure {
  return { code: 'bad_answer', reason: `the answer is not well-formed: ${what}` };
}

export function failureFromProblem({ reason }: HeadProblem | BodyProblem): ProbeFailure {
  return reason === 'status_line' ? NOT_HTTP : badAnswer(describeProblem(reason));
}

/** The time was over before the connection was there; `code` is ETIMEDOUT, or says that its name was still looked up. */
export function connectTimedOut(code: string, timeoutMs: number): ProbeFailure {
  const { kind, words } = connectFailure(code);
  return { code: kind, reason: `${words} ${code === 'ETIMEDOUT' ? 'after' : 'in'} ${formatDuration(timeoutMs)}` };
}

/** The connection was there, and the answer was not complete. */
export function noAnswer(timeoutMs: number): ProbeFailure {
  return { code: 'no_answer', reason: `no answer in ${formatDuration(timeoutMs)}` };
}

/** `2 s`, `1.5 s`, `400 ms`. */
function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${durationMs} ms` : `${Number((durationMs / 1000).toFixed(3))} s`;
}
