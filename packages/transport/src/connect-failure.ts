/**
 * What a failed connect says, and of whom: the one table of it, for traffic and for probes.
 *
 * Codes are the system's, and a few of our own for what the system has no code for: names that could not be looked up, and targets
 * that are not dialled at all.
 */

import type { Dial } from './leg.ts';

/** The same names in probe outcomes, and everywhere else where a failure is told to a program. */
export type ConnectFailureKind =
  | 'connect_refused'
  | 'connect_timed_out'
  | 'connect_failed'
  | 'unreachable'
  /** The name leads nowhere, or nobody could say where it leads. */
  | 'name_not_found'
  | 'no_such_socket'
  /** The target is one that this node does not dial. */
  | 'target_refused'
  /** This machine had no port, file handle, memory or permission left: it says nothing of the target. */
  | 'local_fault';

export interface ConnectFailure {
  readonly kind: ConnectFailureKind;
  /** For people: `connection refused`. */
  readonly words: string;
}

/** From the code: `ECONNREFUSED` is `connection refused`. `detail` is told behind a colon. */
export function connectFailure(code: string, detail?: string): ConnectFailure {
  const { kind, words } = FAILURES[code] ?? { kind: 'connect_failed', words: `connect failed: ${code}` };
  return { kind, words: detail === undefined ? words : `${words}: ${detail}` };
}

/** What it means that the time for a dial is over. */
export function timeoutCode(dial: Dial | null): string {
  return dial?.isLookingUp === true ? 'NAME_TIMEOUT' : 'ETIMEDOUT';
}

/** Whether it was this machine's fault, which says nothing about the backend. */
export function isLocalFault(code: string): boolean {
  return FAILURES[code]?.kind === 'local_fault';
}

/**
 * Of several addresses of a name, the failure of the greatest gravity is told: the one that says most of the target. Where one could
 * not be tried because this machine had nothing left, it might have answered, so that is told before everything else.
 */
export function gravity(code: string): number {
  return EXHAUSTED.has(code) ? Infinity : GRAVITY[connectFailure(code).kind];
}

const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

const GRAVITY: Readonly<Record<ConnectFailureKind, number>> = {
  local_fault: 0,
  unreachable: 1,
  target_refused: 2,
  name_not_found: 3,
  no_such_socket: 3,
  connect_failed: 3,
  connect_timed_out: 3,
  connect_refused: 4,
};

const FAILURES: Readonly<Record<string, ConnectFailure>> = {
  ECONNREFUSED: { kind: 'connect_refused', words: 'connection refused' },
  ETIMEDOUT: { kind: 'connect_timed_out', words: 'connect timed out' },
  EHOSTUNREACH: { kind: 'unreachable', words: 'host unreachable' },
  ENETUNREACH: { kind: 'unreachable', words: 'network unreachable' },
  EHOSTDOWN: { kind: 'unreachable', words: 'host down' },
  ENETDOWN: { kind: 'unreachable', words: 'network down' },
  ENOTFOUND: { kind: 'name_not_found', words: 'host name not found' },
  ENODATA: { kind: 'name_not_found', words: 'host name has no address' },
  ESERVFAIL: { kind: 'name_not_found', words: 'host name not found: the name server failed' },
  EREFUSED: { kind: 'name_not_found', words: 'host name not found: the name server refused the question' },
  NAME_TIMEOUT: { kind: 'name_not_found', words: 'host name not found: the name server did not answer' },
  ENOTIMP: { kind: 'name_not_found', words: 'host name not found: the name server takes no such questions' },
  EFORMERR: { kind: 'name_not_found', words: 'host name not found: the name server did not understand the question' },
  EBADRESP: { kind: 'name_not_found', words: 'host name not found: the answer of the name server cannot be read' },
  NAME_SERVER_AWAY: { kind: 'name_not_found', words: 'host name not found: no name server could be asked' },
  NAME_BUSY: { kind: 'local_fault', words: 'not tried: too many look-ups of host names are waiting' },
  ENOENT: { kind: 'no_such_socket', words: 'no such socket' },
  ENOTSOCK: { kind: 'no_such_socket', words: 'no such socket: the file is none' },
  // A Unix socket whose backlog is full says EAGAIN where TCP would drop the packet and let the client wait.
  EAGAIN: { kind: 'connect_failed', words: 'connect failed: the backlog is full' },
  ECONNRESET: { kind: 'connect_failed', words: 'connection reset while it was made' },
  TARGET_REFUSED: { kind: 'target_refused', words: 'not dialled' },
  EMFILE: { kind: 'local_fault', words: 'not tried: this process has no file handle left' },
  ENFILE: { kind: 'local_fault', words: 'not tried: this machine has no file handle left' },
  ENOBUFS: { kind: 'local_fault', words: 'not tried: this machine has no socket buffer left' },
  ENOMEM: { kind: 'local_fault', words: 'not tried: this machine has no memory left' },
  EADDRNOTAVAIL: { kind: 'local_fault', words: 'not tried: no local address or port for this target' },
  EAFNOSUPPORT: { kind: 'local_fault', words: 'not tried: this machine has no such address family' },
  EACCES: { kind: 'local_fault', words: 'not tried: this user may not connect to the target' },
  EPERM: { kind: 'local_fault', words: 'not tried: a local rule forbids to connect to the target' },
};
