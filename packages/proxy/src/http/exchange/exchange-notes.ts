/**
 * What is written down of one request while it goes its way: the part of its record that is plain values. What becomes of the
 * request, and why, is the exchange's business.
 */
import type { PathRules, RequestHead } from '@muster/http1';
import type { Attempt, ExchangeRecord, RefusedPick } from '../record/exchange-record.ts';
import type { Termination } from '../record/termination.ts';

export abstract class ExchangeNotes implements ExchangeRecord {
  readonly head: RequestHead;
  readonly requestId: string;
  /** What its listener makes of paths. */
  readonly pathRules: PathRules;
  readonly startedMs = Date.now();
  path: string;
  pool: string | null = null;
  durationMs = 0;
  status = 0;
  answerBodyBytes = 0;
  termination: Termination = 'finished';
  detail: string | null = null;
  readonly #beganMs = performance.now();

  constructor(head: RequestHead, requestId: string, pathRules: PathRules) {
    this.head = head;
    this.path = head.pathAndQuery;
    this.requestId = requestId;
    this.pathRules = pathRules;
  }

  abstract get listener(): string;
  abstract get clientAddress(): string;
  abstract get attempts(): readonly Attempt[];
  abstract get refused(): RefusedPick | null;
  abstract get requestBodyBytes(): number;

  get method(): string {
    return this.head.method;
  }

  get authority(): string {
    return this.head.authority;
  }

  get target(): string {
    return this.head.target;
  }

  elapsedMs(): number {
    return performance.now() - this.#beganMs;
  }
}
