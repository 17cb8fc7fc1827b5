/**
 * The simulated backends: what answers behind each target, for probes and for traffic alike, and a record of which request
 * reached which of them.
 *
 * Requests are numbered, so that a backend can tell which one it is reading: `GET /r17 HTTP/1.1`, or a line `t17` on a
 * relayed connection, which it sends back.
 */
import type { StartProbe } from '@muster/actors';
import type { SimulatedClock } from '@muster/actors/testing';
import type { Probe, ProbeOutcome } from '@muster/probes';
import type { TargetState } from '../schedule/schedule.ts';
import type { ProcessClock } from './process-clock.ts';
import type { FarSide, SimulatedLeg } from './simulated-leg.ts';

const PASSED: ProbeOutcome = { passed: true, durationMs: 1 };
const HTTP_REQUEST = /^(GET|POST) \/(r\d+) HTTP\/1\.1\r\n(?:[^\r]+\r\n)*?\r\n/;
const CONTENT_LENGTH = /\r\nContent-Length: (\d+)\r\n/i;

/** The bytes of one request on one connection to a backend. */
export interface Touch {
  readonly target: string;
  readonly connection: number;
  readonly method: 'GET' | 'POST' | 'relayed';
  /** Whether the connection had carried another request before. */
  readonly isReused: boolean;
  /** Whether a byte of an answer was sent back. */
  hasAnswered: boolean;
  /** Whether the backend's side ended or reset the connection before it answered, or the data plane closed it: null while open. */
  end: 'by-backend' | 'by-proxy' | null;
}

export class SimulatedTarget {
  readonly address: string;
  state: TargetState = 'answering';
  /** How long a dial, and an answer, takes. */
  dialMs = 0;
  answerMs = 0;
  readonly connections = new Set<BackendConnection>();

  constructor(address: string) {
    this.address = address;
  }

  /** Whether a request that is sent to it is answered at once. */
  get isPrompt(): boolean {
    return this.state === 'answering' && this.dialMs === 0 && this.answerMs === 0;
  }

  /** The process behind it dies: its connections are reset. */
  resetAll(): void {
    for (const connection of this.connections) connection.reset();
  }
}

export class SimulatedTargets {
  readonly clock: SimulatedClock;
  /** In the order in which each request's bytes came. */
  readonly touchesByRequest = new Map<string, Touch[]>();
  readonly #byAddress = new Map<string, SimulatedTarget>();
  #connectionsCount = 0;

  constructor(clock: SimulatedClock) {
    this.clock = clock;
  }

  at(address: string): SimulatedTarget {
    let target = this.#byAddress.get(address);
    if (target === undefined) this.#byAddress.set(address, (target = new SimulatedTarget(address)));
    return target;
  }

  all(): Iterable<SimulatedTarget> {
    return this.#byAddress.values();
  }

  connect(target: SimulatedTarget, leg: SimulatedLeg): BackendConnection {
    this.#connectionsCount += 1;
    return new BackendConnection(this.#connectionsCount, { targets: this, target, leg });
  }

  touched(request: string, touch: Touch): Touch {
    const touches = this.touchesByRequest.get(request);
    if (touches === undefined) this.touchesByRequest.set(request, [touch]);
    else touches.push(touch);
    return touch;
  }

  /** One probe from a process; `isReachable` says whether its machine can reach a target now. */
  probe(clock: ProcessClock, isReachable: (target: string) => boolean): StartProbe {
    return (address, policy): Probe => {
      const outcome = outcomeOf(isReachable(address) ? this.at(address).state : 'silent', 'http' in policy);
      if (outcome !== null) return { outcome: Promise.resolve(outcome), abort: () => undefined };
      const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
      const timer = clock.setTimeout(() => {
        resolve(failed('connect_timed_out', 'connect timed out'));
      }, policy.timeoutMs);
      const abort = (): void => {
        clock.clearTimeout(timer);
        resolve(failed('aborted', 'aborted'));
      };
      return { outcome: promise, abort };
    };
  }
}

/** The backend's side of one connection. */
export class BackendConnection implements FarSide {
  readonly id: number;
  readonly target: SimulatedTarget;
  readonly leg: SimulatedLeg;
  readonly #targets: SimulatedTargets;
  #received = '';
  #requestsCount = 0;
  #current: Touch | null = null;

  constructor(
    id: number,
    { targets, target, leg }: { targets: SimulatedTargets; target: SimulatedTarget; leg: SimulatedLeg },
  ) {
    this.id = id;
    this.#targets = targets;
    this.target = target;
    this.leg = leg;
    leg.farSide = this;
    target.connections.add(this);
  }

  onWritten(text: string): void {
    this.#received += text;
    while (this.#readOne());
  }

  onEnded(): void {
    this.leg.deliverEnd();
  }

  onClosed(): void {
    this.target.connections.delete(this);
    if (this.#current !== null) this.#current.end ??= 'by-proxy';
  }

  reset(): void {
    this.target.connections.delete(this);
    if (this.#current !== null) this.#current.end ??= 'by-backend';
    this.leg.deliverReset();
  }

  /** Reads one request, whole or not; true when there may be another behind it. */
  #readOne(): boolean {
    const line = /^(t\d+)\n/.exec(this.#received);
    if (line !== null) {
      this.#received = this.#received.slice(line[0].length);
      this.#begin(line[1]!, 'relayed');
      this.#answerSoon(`${line[1]} ${this.target.address}\n`);
      return true;
    }
    const head = HTTP_REQUEST.exec(this.#received);
    if (head === null) return false;
    const bodyBytes = Number(CONTENT_LENGTH.exec(head[0])?.[1] ?? 0);
    if (this.#current === null) this.#begin(head[2]!, head[1] as Touch['method']);
    const bytes = head[0].length + bodyBytes;
    if (this.#received.length < bytes) return false;
    this.#received = this.#received.slice(bytes);
    const body = `${head[2]} ${this.target.address}`;
    const status = this.target.state === 'failing' ? '500 Internal Server Error' : '200 OK';
    this.#answerSoon(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    return true;
  }

  #begin(request: string, method: Touch['method']): void {
    this.#requestsCount += 1;
    this.#current = this.#targets.touched(request, {
      target: this.target.address,
      connection: this.id,
      method,
      isReused: this.#requestsCount > 1,
      hasAnswered: false,
      end: null,
    });
  }

  #answerSoon(text: string): void {
    const touch = this.#current!;
    this.#current = touch.method === 'relayed' ? touch : null;
    const { state, answerMs } = this.target;
    if (state === 'silent') return;
    const answer = (): void => {
      if (this.leg.isClosed || touch.end !== null) return;
      if (this.target.state === 'dropping') return this.reset();
      touch.hasAnswered = true;
      this.leg.deliver(text);
    };
    this.#current = touch;
    const finish = (): void => {
      if (this.#current === touch && touch.method !== 'relayed') this.#current = null;
    };
    if (answerMs === 0) {
      answer();
      finish();
    } else {
      this.#targets.clock.setTimeout(() => {
        answer();
        finish();
      }, answerMs);
    }
  }
}

function outcomeOf(state: TargetState, isHttp: boolean): ProbeOutcome | null {
  switch (state) {
    case 'answering':
      return PASSED;
    case 'failing':
      return isHttp ? failed('status_unexpected', 'status 500') : PASSED;
    case 'dropping':
      return isHttp ? failed('closed_early', 'connection reset before an answer') : PASSED;
    case 'refusing':
      return failed('connect_refused', 'connection refused');
    case 'silent':
      return null;
  }
}

function failed(code: Extract<ProbeOutcome, { passed: false }>['code'], reason: string): ProbeOutcome {
  return { passed: false, code, reason, durationMs: 1 };
}
