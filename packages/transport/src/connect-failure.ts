/** What a failed connect says, and of whom. */

/** In words, from the code: `ECONNREFUSED` is `connection refused`; with the detail behind a colon, where there is one. */
export function describeConnectFailure(code: string, detail?: string): string {
  const words = WORDS[code] ?? code;
  return detail === undefined ? words : `${words}: ${detail}`;
}

/** Whether it was this machine's fault (no descriptors, ports or memory left), which says nothing about the backend. */
export function isLocalFault(code: string): boolean {
  return LOCAL_FAULTS.has(code);
}

const LOCAL_FAULTS = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'EACCES', 'EPERM', 'ENOBUFS', 'ENOMEM']);

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ETIMEDOUT: 'connect timeout',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'host name not found',
  ENOENT: 'no such socket',
  EACCES: 'permission denied',
  EMFILE: 'too many open files',
  TARGET_REFUSED: 'not dialled',
};
