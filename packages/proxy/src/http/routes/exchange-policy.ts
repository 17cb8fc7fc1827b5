/**
 * What one exchange may do and how long each step may take: what its listener and its pool say together, with all defaults. It is made
 * once for each pair of them and handed to the exchange when it is routed, so that nobody on its way asks a spec.
 *
 *     listener's settings ┐
 *                         ├─► ExchangePolicy ──► exchange, attempts, streams
 *     pool's spec         ┘      a rule of a route would be a third that is resolved here
 */
import { HEAD_LIMITS, type HeadLimits } from '@muster/http1';
import type { PoolSpec } from '@muster/membership';
import { MAX_WAITING_DEFAULT, RETRY_BUDGET_RATIO_DEFAULT } from '../../pool/waiting-line.ts';

/** What a pool allows the answers of its backends: how large their heads may be, and how many come before. */
export interface AnswerRules extends HeadLimits {
  /** Interim answers (1xx) to one request. A backend that sends more will never come to the point. */
  readonly maxInterim: number;
}

/** Which connections are kept for another request. */
export interface KeepAlivePolicy {
  readonly maxIdle: number;
  readonly idleTimeoutMs: number;
  readonly maxAgeMs: number;
}

export interface ExchangePolicy {
  /** How long the next piece of a body may take, on either side. */
  readonly bodyTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** From the end of a request, or from an interim answer, to the next head. */
  readonly answerTimeoutMs: number;
  /** How long a request waits for a connection, or for its turn to be tried again. */
  readonly waitTimeoutMs: number;
  readonly maxWaiting: number;
  /** Infinity: no limit. */
  readonly maxConnectionsPerBackend: number;
  /** The part of the requests under way that may be tried again at a time. */
  readonly retryBudgetRatio: number;
  readonly answers: AnswerRules;
  readonly keepAlive: KeepAlivePolicy;
}

const MAX_INTERIM = 32;
const ANSWER_TIMEOUT_MS = 60_000;
const MAX_IDLE_CONNECTIONS = 128;
const UPSTREAM_IDLE_TIMEOUT_MS = 60_000;
const UPSTREAM_MAX_AGE_MS = 3_600_000;

/** The policies of one listener's exchanges, by pool spec. */
export class PolicyTable {
  readonly #bodyTimeoutMs: number;
  readonly #bySpec = new WeakMap<PoolSpec, ExchangePolicy>();
  /** Most exchanges in a row go to the same pool. */
  #newestSpec: PoolSpec | null = null;
  #newest: ExchangePolicy | null = null;

  constructor({ bodyTimeoutMs }: { readonly bodyTimeoutMs: number }) {
    this.#bodyTimeoutMs = bodyTimeoutMs;
  }

  for(spec: PoolSpec): ExchangePolicy {
    if (this.#newest !== null && this.#newestSpec === spec) return this.#newest;
    let policy = this.#bySpec.get(spec);
    if (policy === undefined) this.#bySpec.set(spec, (policy = this.#resolve(spec)));
    this.#newestSpec = spec;
    return (this.#newest = policy);
  }

  #resolve(spec: PoolSpec): ExchangePolicy {
    return {
      bodyTimeoutMs: this.#bodyTimeoutMs,
      connectTimeoutMs: spec.connectTimeoutMs,
      answerTimeoutMs: spec.responseHeaderTimeoutMs ?? ANSWER_TIMEOUT_MS,
      waitTimeoutMs: spec.waitTimeoutMs ?? spec.connectTimeoutMs,
      maxWaiting: spec.maxWaitingRequests ?? MAX_WAITING_DEFAULT,
      maxConnectionsPerBackend: spec.maxConnectionsPerBackend ?? Infinity,
      retryBudgetRatio: spec.retryBudgetRatio ?? RETRY_BUDGET_RATIO_DEFAULT,
      answers: {
        maxHeadBytes: spec.maxAnswerHeadBytes ?? HEAD_LIMITS.maxHeadBytes,
        maxFields: spec.maxAnswerFields ?? HEAD_LIMITS.maxFields,
        maxInterim: spec.maxInterimAnswers ?? MAX_INTERIM,
      },
      keepAlive: {
        maxIdle: spec.maxIdleConnectionsPerBackend ?? MAX_IDLE_CONNECTIONS,
        idleTimeoutMs: spec.upstreamIdleTimeoutMs ?? UPSTREAM_IDLE_TIMEOUT_MS,
        maxAgeMs: spec.upstreamMaxAgeMs ?? UPSTREAM_MAX_AGE_MS,
      },
    };
  }
}
