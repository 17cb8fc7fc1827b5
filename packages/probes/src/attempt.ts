/**
 * One connection with one deadline and one end: what all transports share. The first of success, failure, timeout and
 * abort settles the attempt and releases the connection; whatever comes later is ignored.
 *
 * The connection is had in the way that traffic has it, by the same `Dialler`: the same addresses of a name in the same order, past
 * the same guard.
 *
 * Cost is the point here, since a node makes thousands of attempts a second. A timer per attempt is cheap, because Node
 * keeps timers of equal duration in one list; an `AbortSignal.timeout` per attempt costs about 30 µs more. Most of what is left are
 * wake-ups of the event loop: attempts that are started in batches, a few times a second, cost half of what they cost one by one.
 */

import { connectFailure, timeoutCode, type Dial, type DialOwner, type Leg, type LegOwner } from '@muster/transport';
import { performance } from 'node:perf_hooks';
import { ABORTED, RESET_EARLY, connectTimedOut, noAnswer, type ProbeFailure } from './failure.ts';
import type { Probe, ProbeOptions, ProbeOutcome } from './probe.ts';

/** What a probe does with its connection. */
export interface Conversation {
  /** Said when the connection is there; null: nothing is said or read, and the attempt has passed. */
  readonly request: string | null;
  /** Bytes have come. Null while the outcome is open. */
  onBytes(bytes: Buffer): ProbeFailure | 'passed' | null;
  /** The target will send no more. */
  onEnd(): ProbeFailure | 'passed';
}

/** Starts connecting. */
export function startAttempt(options: ProbeOptions, conversation: Conversation): Probe {
  return new Attempt(options, conversation);
}

/**
 * The TCP probe: passes when the target accepts a connection, says nothing and closes at once. It shows that somebody listens, not that the
 * service works; a Unix socket is probed the same way.
 */
export function probeTcp(options: ProbeOptions): Probe {
  return startAttempt(options, NOTHING_SAID);
}

const NOTHING_SAID: Conversation = { request: null, onBytes: () => 'passed', onEnd: () => 'passed' };

class Attempt implements Probe, DialOwner, LegOwner {
  readonly outcome: Promise<ProbeOutcome>;
  readonly #conversation: Conversation;
  readonly #startedAtMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #resolve: (outcome: ProbeOutcome) => void;
  readonly #timeoutMs: number;
  #dial: Dial | null;
  #leg: Leg | null = null;
  #isSettled = false;

  constructor({ dialler, target, timeoutMs }: ProbeOptions, conversation: Conversation) {
    const { promise, resolve } = Promise.withResolvers<ProbeOutcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    this.#conversation = conversation;
    this.#timeoutMs = timeoutMs;
    this.#timer = setTimeout(() => this.#timeIsOver(), timeoutMs);
    this.#dial = dialler.dial(target, this);
  }

  abort(): void {
    this.#settle(ABORTED);
  }

  onConnected(leg: Leg): void {
    this.#dial = null;
    this.#leg = leg;
    leg.owner = this;
    const { request } = this.#conversation;
    if (request === null) return this.#settle('passed');
    leg.start();
    // A target that takes no bytes may have said why: what comes of the connection is told by its end.
    leg.writeText(request);
  }

  onConnectFailed(code: string, detail?: string): void {
    this.#dial = null;
    const { kind, words } = connectFailure(code, detail);
    this.#settle({ code: kind, reason: words });
  }

  onBytes(_leg: Leg, bytes: Buffer): void {
    const found = this.#conversation.onBytes(bytes);
    if (found !== null) this.#settle(found);
  }

  onEnd(): void {
    this.#settle(this.#conversation.onEnd());
  }

  onReset(): void {
    this.#settle(RESET_EARLY);
  }

  /** Nothing is done: what the target said before is still to be read, and the connection's end follows. */
  onWriteFailed(): void {}

  onDrained(): void {}

  #timeIsOver(): void {
    if (this.#dial === null) return this.#settle(noAnswer(this.#timeoutMs));
    this.#settle(connectTimedOut(timeoutCode(this.#dial), this.#timeoutMs));
  }

  #settle(found: ProbeFailure | 'passed'): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#dial?.close();
    // With RST, as HAProxy does after a check, so that thousands of probes a second leave no TIME_WAIT behind.
    this.#leg?.reset();
    const durationMs = performance.now() - this.#startedAtMs;
    this.#resolve(found === 'passed' ? { passed: true, durationMs } : { passed: false, ...found, durationMs });
  }
}
