/**
 * One connection with one deadline and one end: what all transports share. The first of success, failure, timeout and
 * abort settles the attempt and releases the socket; whatever comes later is ignored.
 *
 * Cost is the point here, since a node makes thousands of attempts a second. A timer per attempt is cheap, because Node
 * keeps timers of equal duration in one list; an `AbortSignal.timeout` per attempt costs about 30 µs more, on top of the
 * 50 µs of all the rest. Most of what is left are wake-ups of the event loop: attempts that are started in batches, a few
 * times a second, cost half of what they cost one by one.
 */

import type { Address } from '@muster/membership';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { ABORTED, failureFromError, failureFromTimeout, type ProbeFailure } from './failure.ts';
import type { Probe, ProbeOptions, ProbeOutcome } from './probe.ts';

/** Ends the attempt: passed with null, failed with the failure. */
export type Settle = (failure: ProbeFailure | null) => void;

/** Starts connecting; `onConnect` runs once when the connection is there, and decides how the attempt goes on. */
export function startAttempt(
  { target, timeoutMs }: ProbeOptions,
  onConnect: (socket: Socket, settle: Settle) => void,
): Probe {
  const startedAtMs = performance.now();
  const { promise: outcome, resolve } = Promise.withResolvers<ProbeOutcome>();
  const socket = connect(target.kind === 'tcp' ? { host: target.host, port: target.port } : { path: target.path });
  let isSettled = false;

  const settle: Settle = (failure) => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(timer);
    release(socket, target);
    const durationMs = performance.now() - startedAtMs;
    resolve(failure === null ? { passed: true, durationMs } : { passed: false, ...failure, durationMs });
  };
  const timer = setTimeout(() => settle(failureFromTimeout(!socket.connecting, timeoutMs)), timeoutMs);
  socket.on('connect', () => onConnect(socket, settle));
  // The handler stays for the socket's whole life: an error after the end must not become an uncaught one.
  socket.on('error', (error) => settle(failureFromError(error)));
  return { outcome, abort: () => settle(ABORTED) };
}

/**
 * Closes with RST, as HAProxy does after a check, so that thousands of probes a second leave no TIME_WAIT behind. A
 * connection that is still being made cannot be reset, Node would wait for it; Unix sockets know no reset.
 */
function release(socket: Socket, target: Address): void {
  if (target.kind === 'tcp' && !socket.connecting && !socket.destroyed) socket.resetAndDestroy();
  else socket.destroy();
}
