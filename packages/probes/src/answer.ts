/**
 * The answer to a probe, read by the parser that traffic reads answers with and held to the same limits: what a probe calls an
 * answer, a client gets.
 *
 *     interim heads, at most 32 ──► head: is its status expected? ──► body, to its end or 64 KiB ──► passed
 *
 * The body is read because a faulty one makes traffic fail too: chunks that are none, or an end before the length that was promised. A
 * body that ends with its connection has nothing that could be wrong, so the head is enough there.
 */

import {
  CHUNKED_LIMITS,
  ChunkedBody,
  HEAD_LIMITS,
  HeadProblem,
  partialResponseProblem,
  ResponseHeadReader,
  type HeadLimits,
  type ResponseHead,
} from '@muster/http1';
import { textOf } from '@muster/transport';
import { ANSWER_CUT, CLOSED_EARLY, badAnswer, failureFromProblem, type ProbeFailure } from './failure.ts';

/** How much of a body is read. What comes after it is the target's business. */
const BODY_BYTES_MAX = 65_536;

/** What an answer may cost, by the pool's own limits. */
export interface AnswerLimits extends HeadLimits {
  /** Interim answers (1xx) before the answer. */
  readonly maxInterim: number;
}

/** The limits of a pool that sets none. */
export const ANSWER_LIMITS: AnswerLimits = { ...HEAD_LIMITS, maxInterim: 32 };

type Found = ProbeFailure | 'passed';

export class ProbeAnswer {
  readonly #limits: AnswerLimits;
  readonly #isExpected: (status: number) => boolean;
  readonly #heads = new ResponseHeadReader();
  #text = '';
  #interimCount = 0;
  #body: ProbeBody | null = null;

  constructor(limits: AnswerLimits, isExpected: (status: number) => boolean) {
    this.#limits = limits;
    this.#isExpected = isExpected;
  }

  /** Null while more must come. */
  onBytes(bytes: Buffer): Found | null {
    if (this.#body !== null) return this.#body.read(bytes, 0);
    const shift = this.#text.length;
    const text = this.#text + textOf(bytes);
    let from = 0;
    for (;;) {
      const head = this.#heads.read(text, from, this.#limits, 'GET');
      if (head === null) return this.#keepPartial(text, from);
      const { end } = this.#heads;
      if (head instanceof HeadProblem) return failureFromProblem(head);
      if (head.status === 101) return badAnswer('it switches to a protocol that was not asked for');
      if (head.status >= 200) return this.#headCame(head, bytes, end - shift);
      if (++this.#interimCount > this.#limits.maxInterim) return badAnswer('too many interim answers');
      from = end;
    }
  }

  onEnd(): Found {
    return this.#body === null ? CLOSED_EARLY : ANSWER_CUT;
  }

  #keepPartial(text: string, from: number): ProbeFailure | null {
    const problem = partialResponseProblem(text, from, this.#limits);
    this.#text = text.slice(from);
    return problem === null ? null : failureFromProblem(problem);
  }

  #headCame(head: ResponseHead, bytes: Buffer, bodyFrom: number): Found | null {
    if (!this.#isExpected(head.status)) return { code: 'status_unexpected', reason: `status ${head.status}` };
    this.#body = new ProbeBody(head);
    return this.#body.read(bytes, bodyFrom);
  }
}

class ProbeBody {
  readonly #chunked: ChunkedBody | null;
  #leftBytes: number;
  #readBytes = 0;

  constructor({ framing, contentLength, nominated }: ResponseHead) {
    this.#chunked = framing === 'chunked' ? new ChunkedBody(CHUNKED_LIMITS, nominated) : null;
    this.#leftBytes = contentLength;
  }

  read(bytes: Buffer, from: number): Found | null {
    const byteCount = bytes.length - from;
    this.#readBytes += byteCount;
    this.#leftBytes -= byteCount;
    this.#chunked?.read(bytes, from);
    if (this.#chunked?.problem) return failureFromProblem(this.#chunked.problem);
    const isComplete = this.#chunked === null ? this.#leftBytes <= 0 : this.#chunked.isComplete;
    return isComplete || this.#readBytes >= BODY_BYTES_MAX ? 'passed' : null;
  }
}
