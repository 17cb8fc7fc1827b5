/**
 * The HTTP probe: one GET, passed when the answer's status is expected. Only the status line is read; then the connection
 * is closed, whatever else the target still sends. On a plain socket and not on `node:http`, which costs several times as
 * much and would follow rules of agents and pools that a probe must not have.
 *
 * No TLS, no redirects, no look at the body.
 */

import type { Address } from '@muster/membership';
import type { Socket } from 'node:net';
import { startAttempt, type Settle } from './attempt.ts';
import { CLOSED_EARLY, NOT_HTTP } from './failure.ts';
import type { Probe, ProbeOptions } from './probe.ts';
import { readStatus } from './status-line.ts';

/** An answer whose status is not known after this many bytes is not HTTP: 16 KiB. */
const HEAD_BYTES_MAX = 16 * 1024;

/** Both ends count, e.g. `{ from: 200, to: 399 }`. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export interface HttpProbeOptions extends ProbeOptions {
  /** The request's target in origin form, e.g. `/healthz?full=1`. */
  readonly path: string;
  /** The `Host` field; by default the target itself, and `localhost` for a Unix socket. */
  readonly host?: string;
  readonly expectedStatuses: readonly StatusRange[];
}

/** Asks once. Throws a `RangeError` when path or host could not stand in a request line, which config should have refused. */
export function probeHttp(options: HttpProbeOptions): Probe {
  const request = requestText(options);
  return startAttempt(options, (socket, settle) => {
    socket.write(request, 'latin1');
    readAnswer(socket, options.expectedStatuses, settle);
  });
}

function readAnswer(socket: Socket, expectedStatuses: readonly StatusRange[], settle: Settle): void {
  let head = '';
  socket.on('data', (chunk: Buffer) => {
    head += chunk.toString('latin1', 0, HEAD_BYTES_MAX);
    const read = readStatus(head);
    switch (read.kind) {
      case 'incomplete':
        if (head.length >= HEAD_BYTES_MAX) settle(NOT_HTTP);
        return;
      case 'not_http':
        settle(NOT_HTTP);
        return;
      case 'status': {
        const { status } = read;
        const isExpected = expectedStatuses.some(({ from, to }) => from <= status && status <= to);
        settle(isExpected ? null : { code: 'status_unexpected', reason: `status ${status}` });
      }
    }
  });
  socket.on('end', () => settle(CLOSED_EARLY));
}

function requestText({ target, path, host = hostOf(target) }: HttpProbeOptions): string {
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new RangeError(`not a request path: ${JSON.stringify(path)}`);
  if (!/^[\x21-\x7e]+$/.test(host)) throw new RangeError(`not a host: ${JSON.stringify(host)}`);
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: muster-probe\r\nConnection: close\r\n\r\n`;
}

function hostOf(target: Address): string {
  if (target.kind === 'unix') return 'localhost';
  return `${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}
