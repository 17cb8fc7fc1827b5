/**
 * From what went wrong to a code and to words. The only place where the system's error codes are read.
 */

import type { ProbeFailureCode } from './probe.ts';

/** The part of a failed outcome that says why. */
export interface ProbeFailure {
  readonly code: ProbeFailureCode;
  readonly reason: string;
}

export const ABORTED: ProbeFailure = { code: 'aborted', reason: 'aborted' };
export const NOT_HTTP: ProbeFailure = { code: 'not_http', reason: 'the answer is not HTTP/1' };
export const CLOSED_EARLY: ProbeFailure = { code: 'closed_early', reason: 'connection closed before an answer' };

const FAILURES_BY_ERROR_CODE: Readonly<Record<string, ProbeFailure>> = {
  ECONNREFUSED: { code: 'connect_refused', reason: 'connect refused' },
  ETIMEDOUT: { code: 'connect_timed_out', reason: 'connect timed out' },
  EHOSTUNREACH: { code: 'unreachable', reason: 'host unreachable' },
  ENETUNREACH: { code: 'unreachable', reason: 'network unreachable' },
  ENOTFOUND: { code: 'name_not_found', reason: 'host name not found' },
  EAI_AGAIN: { code: 'name_not_found', reason: 'host name not found: the name server did not answer' },
  ENOENT: { code: 'no_such_socket', reason: 'no such socket' },
  ENOTSOCK: { code: 'no_such_socket', reason: 'no such socket: the file is none' },
  ECONNRESET: { code: 'closed_early', reason: 'connection reset before an answer' },
  EPIPE: CLOSED_EARLY,
  // A Unix socket whose backlog is full says EAGAIN where TCP would drop the packet and let the client wait.
  EAGAIN: { code: 'connect_failed', reason: 'connect failed: the backlog is full' },
  EMFILE: { code: 'local_fault', reason: 'not tried: this process has no file handle left' },
  ENFILE: { code: 'local_fault', reason: 'not tried: this machine has no file handle left' },
  EADDRNOTAVAIL: { code: 'local_fault', reason: 'not tried: no local address or port for this target' },
  EACCES: { code: 'local_fault', reason: 'not tried: this user may not connect to the target' },
  EPERM: { code: 'local_fault', reason: 'not tried: a local rule forbids to connect to the target' },
};

/** What a socket's `error` event means for a probe. */
export function failureFromError(error: Error): ProbeFailure {
  const errorCode = 'code' in error ? String(error.code) : error.message;
  return FAILURES_BY_ERROR_CODE[errorCode] ?? { code: 'connect_failed', reason: `connect failed: ${errorCode}` };
}

/** What it means that `timeoutMs` have passed, before or after the connection was there. */
export function failureFromTimeout(isConnected: boolean, timeoutMs: number): ProbeFailure {
  return isConnected
    ? { code: 'no_answer', reason: `no answer in ${formatDuration(timeoutMs)}` }
    : { code: 'connect_timed_out', reason: `connect timed out after ${formatDuration(timeoutMs)}` };
}

/** `2 s`, `1.5 s`, `400 ms`. */
function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${durationMs} ms` : `${Number((durationMs / 1000).toFixed(3))} s`;
}
