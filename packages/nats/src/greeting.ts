/**
 * Whether a NATS server is there: it greets who connects with a line `INFO {…}`.
 *
 * Asked before each connection is made. A server that takes connections and then says nothing (stopped, or cut off) would else
 * leave the client library with a socket that it never closes, and the process with a reason to stay alive.
 */
import { connect } from 'node:net';

/** How long a server may take to greet. */
const GREETING_TIMEOUT_MS = 2_000;

/** Null once it has greeted, else what it did instead, for people: `refused the connection`. Never rejects. */
export async function greetingFailure(
  { host, port }: { host: string; port: number },
  signal: AbortSignal,
): Promise<string | null> {
  if (signal.aborted) return 'was not asked';
  const socket = connect({ host, port });
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const timer = setTimeout(() => resolve(`does not answer within ${GREETING_TIMEOUT_MS} ms`), GREETING_TIMEOUT_MS);
  const onAbort = () => resolve('was not asked to the end');
  signal.addEventListener('abort', onAbort);
  socket.once('data', (head) => resolve(head.toString('latin1').startsWith('INFO ') ? null : 'is not a NATS server'));
  socket.once('end', () => resolve('closed the connection'));
  socket.once('error', (error: NodeJS.ErrnoException) => resolve(connectFailure(error)));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

/** One text per cause, whatever Node calls it. */
export function connectFailure({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused the connection';
    case 'ECONNRESET':
    case 'EPIPE':
      return 'closed the connection';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `has a name that cannot be resolved (${code})`;
    default:
      return `cannot be reached: ${message === '' ? (code ?? 'no reason given') : message}`;
  }
}
