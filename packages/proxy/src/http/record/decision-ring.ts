/**
 * The newest decisions of a worker: for each request who was picked, from what, and what became of it. Kept for every request,
 * so that "why did this one go there" can be asked afterwards, by the id that the client and the backend were told.
 *
 *     requests that are over ──► slots, used again in turn ──asked──► plain data
 *
 * The slots are made once and copied into, which costs about 0.12 µs a request. To keep the exchanges themselves would cost
 * 0.07 µs (the garbage collector carries on what would have died young), and keep alive what nobody asked for: connections,
 * bodies held for another attempt, and every BackendSet that was picked from. What a slot holds is bounded: of a set with more
 * than 64 backends only their number, because a replay of the journal names them: the roster's revision, the facts that were
 * pending and the moment say which they were.
 *
 * A text that was cut out of a request keeps that request's head alive, 16 KiB at most by default; one that came with a body is
 * copied instead. So a full ring of 1,024 holds 2 MiB under ordinary requests.
 */
import type { DecidedAttempt, Decision, PickInputs, RefusedPick as DecidedRefusal } from '@muster/selection';
import {
  shownPath,
  type Attempt,
  type AttemptOutcome,
  type ExchangeRecord,
  type RefusedPick,
} from './exchange-record.ts';
import { KeptPick } from './pick-slot.ts';
import { describeTermination, type Termination } from './termination.ts';

const DECISIONS_KEPT_DEFAULT = 1_024;
/** Further attempts of one request are counted and not kept. */
const ATTEMPTS_KEPT_MAX = 8;

export interface DecisionQuery {
  /** Null: any. */
  readonly requestId: string | null;
  /** At most so many. */
  readonly limit: number;
  readonly withCandidates: boolean;
}

export class DecisionRing {
  readonly #slots: Slot[];
  #next = 0;

  /** How many are kept; 1 or more. */
  constructor(size: number = DECISIONS_KEPT_DEFAULT) {
    this.#slots = Array.from({ length: size }, () => new Slot());
  }

  add(exchange: ExchangeRecord): void {
    this.#slots[this.#next]!.keep(exchange);
    this.#next = this.#next + 1 === this.#slots.length ? 0 : this.#next + 1;
  }

  /** The one that was added last, with its candidates; null where there is none. */
  newest(): Decision | null {
    const slot = this.#slots.at(this.#next - 1)!;
    return slot.isUsed ? slot.decision(true) : null;
  }

  /** The newest first. */
  find({ requestId, limit, withCandidates }: DecisionQuery): Decision[] {
    const newestFirst = [...this.#slots.slice(this.#next), ...this.#slots.slice(0, this.#next)].toReversed();
    return newestFirst
      .filter((slot) => slot.isUsed && (requestId === null || slot.requestId === requestId))
      .slice(0, limit)
      .map((slot) => slot.decision(withCandidates));
  }
}

const NO_INPUTS: PickInputs = { cursor: 0, weights: null, consulted: [], inFlightTotal: 0 };

class Slot {
  isUsed = false;
  requestId = '';
  #timeMs = 0;
  #durationMs = 0;
  #listener = '';
  #method = '';
  #authority = '';
  #path = '';
  #pool: string | null = null;
  #status = 0;
  #termination: Termination = 'finished';
  #detail: string | null = null;
  #attemptsCount = 0;
  readonly #attempts: KeptAttempt[] = [new KeptAttempt()];
  #refused: KeptRefusal | null = null;

  keep(exchange: ExchangeRecord): void {
    const { attempts } = exchange;
    const hasBody = exchange.requestBodyBytes > 0;
    this.isUsed = true;
    this.requestId = hasBody ? copyOf(exchange.requestId) : exchange.requestId;
    this.#timeMs = exchange.startedMs;
    this.#durationMs = exchange.durationMs;
    this.#listener = exchange.listener;
    this.#method = hasBody ? copyOf(exchange.method) : exchange.method;
    this.#authority = hasBody ? copyOf(exchange.authority) : exchange.authority;
    this.#path = hasBody ? copyOf(exchange.path) : exchange.path;
    this.#pool = exchange.pool;
    this.#status = exchange.status;
    this.#termination = exchange.termination;
    this.#detail = exchange.detail;
    this.#attemptsCount = attempts.length;
    const keptCount = Math.min(attempts.length, ATTEMPTS_KEPT_MAX);
    for (let index = 0; index < keptCount; index++) {
      if (index === this.#attempts.length) this.#attempts.push(new KeptAttempt());
      this.#attempts[index]!.keep(attempts[index]!);
    }
    this.#refused = exchange.refused === null ? null : new KeptRefusal(exchange.refused);
  }

  decision(withCandidates: boolean): Decision {
    const words = describeTermination(this.#termination);
    return {
      requestId: this.requestId,
      timeMs: this.#timeMs,
      durationMs: this.#durationMs,
      listener: this.#listener,
      method: this.#method,
      authority: this.#authority,
      ...shownPath(this.#path),
      pool: this.#pool,
      status: this.#status,
      termination: this.#termination,
      result: this.#detail === null ? words : `${words}: ${this.#detail}`,
      attemptsCount: this.#attemptsCount,
      attempts: this.#attempts.slice(0, this.#attemptsCount).map((attempt) => attempt.decided(withCandidates)),
      refused: this.#refused?.decided(withCandidates) ?? null,
    };
  }
}

class KeptAttempt {
  #backend = '';
  #target = '';
  readonly #pick = new KeptPick();
  #inputs: PickInputs = NO_INPUTS;
  #keyHash = 0;
  #isReused = false;
  #startedAtMs = 0;
  #answeredAtMs = 0;
  #outcome: AttemptOutcome = 'pending';
  #detail: string | null = null;

  keep(attempt: Attempt): void {
    this.#backend = attempt.backend;
    this.#target = attempt.target;
    this.#pick.keep(attempt.set, attempt);
    this.#inputs = attempt.inputs;
    this.#keyHash = attempt.keyHash;
    this.#isReused = attempt.isReused;
    this.#startedAtMs = attempt.startedAtMs;
    this.#answeredAtMs = attempt.answeredAtMs;
    this.#outcome = attempt.outcome;
    this.#detail = attempt.detail;
  }

  decided(withCandidates: boolean): DecidedAttempt {
    return {
      backend: this.#backend,
      target: this.#target,
      ...this.#pick.decided(withCandidates),
      inputs: this.#inputs,
      keyHash: this.#keyHash,
      isReused: this.#isReused,
      startedAtMs: this.#startedAtMs,
      answeredAtMs: this.#answeredAtMs < 0 ? null : this.#answeredAtMs,
      outcome: this.#outcome,
      detail: this.#detail,
    };
  }
}

/** Made for each request that found nobody, which are few or cost nothing else. */
class KeptRefusal {
  readonly #reason: string;
  readonly #pick = new KeptPick();

  constructor(refused: RefusedPick) {
    this.#reason = refused.reason;
    this.#pick.keep(refused.set, refused);
  }

  decided(withCandidates: boolean): DecidedRefusal {
    return { reason: this.#reason, ...this.#pick.decided(withCandidates) };
  }
}

/** A text with memory of its own: what V8 cuts out of a text refers to the whole. */
function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
