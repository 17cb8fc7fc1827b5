/**
 * The HTTP probe: one GET, passed when the answer's status is expected and the answer is one that traffic can use (`answer.ts`).
 * No TLS and no redirects.
 */

import type { Address } from '@muster/membership';
import { startAttempt, type Conversation } from './attempt.ts';
import { ANSWER_LIMITS, ProbeAnswer, type AnswerLimits } from './answer.ts';
import type { Probe, ProbeOptions } from './probe.ts';

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
  /** Default: 16 KiB, 100 fields, 32 interim answers. */
  readonly limits?: AnswerLimits;
}

/** Asks once. Throws a `RangeError` when path or host could not stand in a request line, which config should have refused. */
export function probeHttp(options: HttpProbeOptions): Probe {
  return startAttempt(options, new HttpConversation(requestText(options), options));
}

class HttpConversation extends ProbeAnswer implements Conversation {
  readonly request: string;

  constructor(request: string, { expectedStatuses, limits = ANSWER_LIMITS }: HttpProbeOptions) {
    super(limits, (status) => expectedStatuses.some(({ from, to }) => from <= status && status <= to));
    this.request = request;
  }
}

function requestText({ target, path, host = hostOf(target) }: HttpProbeOptions): string {
  if (!/^\/[\x21-\x7e]*$/.test(path)) throw new RangeError(`not a request path: ${JSON.stringify(path)}`);
  if (!/^[\x21-\x7e]+$/.test(host)) throw new RangeError(`not a host: ${JSON.stringify(host)}`);
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: muster-probe\r\nConnection: close\r\n\r\n`;
}

/** An IPv6 zone is this host's own affair, and never sent (RFC 6874, 4). */
function hostOf(target: Address): string {
  if (target.kind === 'unix') return 'localhost';
  const host = target.host.replace(/%.*/, '');
  return `${host.includes(':') ? `[${host}]` : host}:${target.port}`;
}
