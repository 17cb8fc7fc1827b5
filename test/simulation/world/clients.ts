/**
 * The simulated clients: HTTP over kept-alive connections, and relayed connections that stay open. Each request has a number of
 * its own, and an answer that belongs to another request is noticed.
 */
import type { Report } from './finding.ts';
import type { FarSide, SimulatedLeg } from './simulated-leg.ts';

export type Method = 'GET' | 'POST';

/** What became of a request: a status, or how its connection ended first; null while it is under way. */
type RequestEnd = number | 'closed' | null;

export interface ClientRequest {
  readonly id: string;
  end: RequestEnd;
}

const BODY = 'a spell';
const ANSWER = /^HTTP\/1\.1 (\d{3}) [^\r]*\r\n((?:[^\r]+\r\n)*?)\r\n/;
const CONTENT_LENGTH = /(?:^|\n)content-length: (\d+)\r\n/i;

/** One connection that asks one thing after another. */
export class HttpClient implements FarSide {
  readonly leg: SimulatedLeg;
  readonly #report: Report;
  #received = '';
  #request: ClientRequest | null = null;
  isClosed = false;

  constructor(leg: SimulatedLeg, report: Report) {
    this.leg = leg;
    this.#report = report;
    leg.farSide = this;
  }

  get isIdle(): boolean {
    return !this.isClosed && this.#request === null;
  }

  ask(id: string, method: Method): ClientRequest {
    const request: ClientRequest = { id, end: null };
    this.#request = request;
    const body = method === 'POST' ? `Content-Length: ${BODY.length}\r\n\r\n${BODY}` : '\r\n';
    this.leg.deliver(`${method} /${id} HTTP/1.1\r\nHost: spells\r\n${body}`);
    return request;
  }

  onWritten(text: string): void {
    this.#received += text;
    const head = ANSWER.exec(this.#received);
    if (head === null || this.#request === null) return;
    const bodyBytes = Number(CONTENT_LENGTH.exec(head[2]!)?.[1] ?? 0);
    const bytes = head[0].length + bodyBytes;
    if (this.#received.length < bytes) return;
    const status = Number(head[1]);
    const body = this.#received.slice(head[0].length, bytes);
    const { id } = this.#request;
    if (status === 200 && body.split(' ')[0] !== id) this.#report('I5', `request ${id} got the answer "${body}"`);
    this.#received = this.#received.slice(bytes);
    this.#request.end = status;
    this.#request = null;
  }

  onEnded(): void {
    this.onClosed();
    this.leg.deliverEnd();
  }

  onClosed(): void {
    this.isClosed = true;
    if (this.#request !== null) this.#request.end ??= 'closed';
    this.#request = null;
  }

  close(): void {
    this.onClosed();
    this.leg.deliverReset();
  }
}

/** One relayed connection. */
export class RelayClient implements FarSide {
  readonly leg: SimulatedLeg;
  /** The target at the other end, as it said itself; null before it answered. */
  target: string | null = null;
  isClosed = false;

  constructor(leg: SimulatedLeg) {
    this.leg = leg;
    leg.farSide = this;
  }

  say(id: string): void {
    this.leg.deliver(`${id}\n`);
  }

  onWritten(text: string): void {
    this.target = text.trim().split(' ').at(-1) ?? null;
  }

  onEnded(): void {
    this.leg.deliverEnd();
  }

  onClosed(): void {
    this.isClosed = true;
  }

  close(): void {
    this.isClosed = true;
    this.leg.deliverReset();
  }
}
