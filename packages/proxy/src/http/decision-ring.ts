/**
 * The newest decisions of a worker: for each request who was picked, from what, and what became of it. Kept for every request,
 * so that "why did this one go there" can be asked afterwards, by the id that the client and the backend were told.
 *
 *     requests that are over ──► slots, used again in turn ──asked──► plain data
 *
 * The slots are made once and copied into, which costs about 0.12 µs a request. To keep the exchanges themselves would cost
 * 0.07 µs (the garbage collector carries on what would have died young), and keep alive what nobody asked for: connections,
 * bodies held for another attempt, and every BackendSet that was picked from. What a slot holds is bounded: of a set with more
 * than `CANDIDATES_KEPT_MAX` backends only their number, because its revision says which they were and a replay of the journal
 * names them.
 *
 * A text that was cut out of a request keeps that request's head alive, 16 KiB at most by default; one that came with a body is
 * copied instead. So a full ring of 1,024 holds 2 MiB under ordinary requests.
 */
import type { BackendSet, Candidate, PoolSpec } from '@muster/membership';
import type { PickInputs } from '@muster/selection';
import type { Attempt, AttemptOutcome, ExchangeRecord } from './exchange-record.ts';
import { shownPath } from './shown-path.ts';
import { describeTermination, type Termination } from './termination.ts';

const DECISIONS_KEPT_DEFAULT = 1_024;
/** A pool with more backends is kept as their number. */
const CANDIDATES_KEPT_MAX = 64;
/** Further attempts of one request are counted and not kept. */
const ATTEMPTS_KEPT_MAX = 8;

/** One attempt, as plain data. */
export interface DecidedAttempt {
  readonly backend: string;
  readonly target: string;
  /** The newest event that the set which it was picked from rests on. */
  readonly revision: number;
  readonly policy: PoolSpec['policy'];
  readonly isPanic: boolean;
  /** How many backends there were to pick from, those that had been tried included. */
  readonly candidatesCount: number;
  /** In the order that the policy sees; null where they were not asked for, or are more than 64. */
  readonly candidates: readonly Candidate[] | null;
  /** What the policy looked at besides. */
  readonly inputs: PickInputs;
  /** 0 where the policy does not hash. */
  readonly keyHash: number;
  readonly triedIds: readonly string[];
  /** Those that filters left; null: all of them were, or they are more than 64. */
  readonly onlyIds: readonly string[] | null;
  readonly isReused: boolean;
  /** Milliseconds since the request began. */
  readonly startedAtMs: number;
  /** The same; null where the head of an answer never came. */
  readonly answeredAtMs: number | null;
  readonly outcome: AttemptOutcome;
  readonly detail: string | null;
}

/** What was decided about one request, as plain data. */
export interface Decision {
  readonly requestId: string;
  /** When it began, ms since 1970. */
  readonly timeMs: number;
  readonly durationMs: number;
  readonly listener: string;
  readonly method: string;
  readonly authority: string;
  /** Without the query. */
  readonly path: string;
  readonly queryBytes: number;
  /** Null where no route led anywhere. */
  readonly pool: string | null;
  /** What the client was told; 0: nothing. */
  readonly status: number;
  readonly termination: Termination;
  /** The termination in words, and what is known besides: `no backend could be reached: connection refused`. */
  readonly result: string;
  readonly attemptsCount: number;
  /** In order; the first eight. */
  readonly attempts: readonly DecidedAttempt[];
}

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

  /** The newest first. */
  find({ requestId, limit, withCandidates }: DecisionQuery): Decision[] {
    const newestFirst = [...this.#slots.slice(this.#next), ...this.#slots.slice(0, this.#next)].toReversed();
    return newestFirst
      .filter((slot) => slot.isUsed && (requestId === null || slot.requestId === requestId))
      .slice(0, limit)
      .map((slot) => slot.decision(withCandidates));
  }
}

const NO_TEXTS: readonly string[] = [];
const NO_INPUTS: PickInputs = { cursor: 0, weights: null, consulted: [], inFlightTotal: 0 };

class Slot {
  isUsed = false;
  requestId = '';
  #timeMs = 0;
  #durationMs = 0;
  #listener = '';
  #method = '';
  #authority = '';
  #target = '';
  #pool: string | null = null;
  #status = 0;
  #termination: Termination = 'finished';
  #detail: string | null = null;
  #attemptsCount = 0;
  readonly #attempts: KeptAttempt[] = [new KeptAttempt()];

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
    this.#target = hasBody ? copyOf(exchange.target) : exchange.target;
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
      ...shownPath(this.#target),
      pool: this.#pool,
      status: this.#status,
      termination: this.#termination,
      result: this.#detail === null ? words : `${words}: ${this.#detail}`,
      attemptsCount: this.#attemptsCount,
      attempts: this.#attempts.slice(0, this.#attemptsCount).map((attempt) => attempt.decided(withCandidates)),
    };
  }
}

class KeptAttempt {
  #backend = '';
  #target = '';
  #revision = 0;
  #policy: PoolSpec['policy'] = 'round_robin';
  #isPanic = false;
  #candidatesCount = 0;
  #candidates: BackendSet['backends'] | null = null;
  #inputs: PickInputs = NO_INPUTS;
  #keyHash = 0;
  #triedIds: readonly string[] = NO_TEXTS;
  #onlyIds: readonly string[] | null = null;
  #isReused = false;
  #startedAtMs = 0;
  #answeredAtMs = 0;
  #outcome: AttemptOutcome = 'pending';
  #detail: string | null = null;

  keep(attempt: Attempt): void {
    const { backends, revision, isPanic, spec } = attempt.set;
    this.#backend = attempt.backend;
    this.#target = attempt.target;
    this.#revision = revision;
    this.#policy = spec.policy;
    this.#isPanic = isPanic;
    this.#candidatesCount = backends.length;
    this.#candidates = backends.length > CANDIDATES_KEPT_MAX ? null : backends;
    this.#inputs = attempt.inputs;
    this.#keyHash = attempt.keyHash;
    this.#triedIds = attempt.triedIds;
    const { onlyIds } = attempt;
    this.#onlyIds = onlyIds === null || onlyIds.length > CANDIDATES_KEPT_MAX ? null : onlyIds;
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
      revision: this.#revision,
      policy: this.#policy,
      isPanic: this.#isPanic,
      candidatesCount: this.#candidatesCount,
      candidates: withCandidates ? this.#candidates : null,
      inputs: this.#inputs,
      keyHash: this.#keyHash,
      triedIds: this.#triedIds,
      onlyIds: this.#onlyIds,
      isReused: this.#isReused,
      startedAtMs: this.#startedAtMs,
      answeredAtMs: this.#answeredAtMs < 0 ? null : this.#answeredAtMs,
      outcome: this.#outcome,
      detail: this.#detail,
    };
  }
}

/** A text with memory of its own: what V8 cuts out of a text refers to the whole. */
function copyOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
