/**
 * Reading the heads of one connection, with the last one in mind.
 *
 * A client that keeps its connection sends the same fields again and again, and often only another target; a backend answers
 * alike within a second. So a reader keeps the last head that it accepted, as text and as what was read of it. Where the next
 * text is the same, character by character, so is its meaning, and it is not taken apart again: that saves a third of the work
 * that a small request costs. It is the observation that HPACK rests on (RFC 7541), without its table.
 *
 * What is kept is a request's fields with its method and version, the target for its path's normal form alone, and a response's head as a whole; of heads
 * that came in a read of at most `KEPT_CHARACTERS_MAX`, since what is kept of a text keeps all of it. So a connection holds at
 * most that much for it.
 *
 * Every head that is handed out is the caller's own, to be changed as it likes.
 */
import { CR } from './characters.ts';
import type { HeadLimits, RequestRules } from './head-rules.ts';
import { headEnd } from './head-text.ts';
import { answerHeadEnd, MENDABLE, mendedHead } from './mended-head.ts';
import { HeadProblem } from './problem.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';
import { LINE, normalise, readCommonLine } from './request-line.ts';
import { parseResponseHead, ResponseHead } from './response-head.ts';

const KEPT_CHARACTERS_MAX = 2_048;

export class RequestHeadReader {
  /** Index just past the head that was read last; -1 where it is not all there. */
  end = -1;
  #kept: RequestHead | null = null;
  /** What followed the request line, to the end. */
  #keptFields = '';
  #keptRules: RequestRules | null = null;

  /** Reads the head that begins at `from`; null while it is not all there. */
  read(text: string, from: number, rules: RequestRules): RequestHead | HeadProblem | null {
    const repeated =
      this.#kept === null || this.#keptRules !== rules ? null : this.#readRepeated(this.#kept, text, from);
    if (repeated !== null && isWithin(rules, repeated, this.end - from)) return repeated;
    this.end = headEnd(text, from);
    if (this.end < 0) return null;
    const head = parseRequestHead(text, from, this.end, rules);
    if (!(head instanceof HeadProblem)) this.#keep(head, text, { from, rules });
    return head;
  }

  #readRepeated(kept: RequestHead, text: string, from: number): RequestHead | null {
    const fieldsFrom = text.indexOf('\n', from) + 1;
    const end = fieldsFrom + this.#keptFields.length;
    if (text.slice(fieldsFrom, end) !== this.#keptFields) return null;
    const head = new RequestHead();
    if (text.charCodeAt(fieldsFrom - 2) !== CR) return null;
    const line = readCommonLine(head, text, from, fieldsFrom - 2);
    if (line === LINE.uncommon || head.method !== kept.method || head.isHttp10 !== kept.isHttp10) return null;
    if (line === LINE.unusual) {
      if (head.target === kept.target) head.pathAndQuery = kept.pathAndQuery;
      else if (normalise(head, this.#keptRules!.path) !== null) return null;
    }
    // The very text that is known to the hash tables already.
    head.method = kept.method;
    copyFields(kept, head);
    this.end = end;
    return head;
  }

  #keep(head: RequestHead, text: string, { from, rules }: { from: number; rules: RequestRules }): void {
    this.#kept = null;
    if (head.targetForm !== 'origin' || text.length > KEPT_CHARACTERS_MAX) return;
    this.#kept = new RequestHead();
    this.#kept.method = head.method;
    this.#kept.isHttp10 = head.isHttp10;
    this.#kept.target = head.target;
    this.#kept.pathAndQuery = head.pathAndQuery;
    copyFields(head, this.#kept);
    this.#keptFields = text.slice(text.indexOf('\n', from) + 1, this.end);
    this.#keptRules = rules;
  }
}

export class ResponseHeadReader {
  /** Index just past the head that was read last; -1 where it is not all there. */
  end = -1;
  #kept: ResponseHead | null = null;
  #keptText = '';
  #keptMethod = '';
  #keptLimits: HeadLimits | null = null;

  /**
   * Reads the head that begins at `from`, of an answer to a request with that method; null while it is not all there. What a proxy may
   * mend is mended (`mended-head.ts`).
   */
  // oxlint-disable-next-line max-params -- An object around the indices would be made for every response.
  read(text: string, from: number, limits: HeadLimits, requestMethod: string): ResponseHead | HeadProblem | null {
    const keptEnd = from + this.#keptText.length;
    const isKept = this.#kept !== null && this.#keptLimits === limits;
    const isRepeated = isKept && text.slice(from, keptEnd) === this.#keptText;
    if (isRepeated && requestMethod === this.#keptMethod) {
      this.end = keptEnd;
      return copyOf(this.#kept!);
    }
    this.end = answerHeadEnd(text, from);
    if (this.end < 0) return null;
    const head = this.#parse(text, from, limits, requestMethod);
    if (!(head instanceof HeadProblem)) this.#keep(head, text, { from, limits, requestMethod });
    return head;
  }

  /** Strictly; and where that fails, strictly once more as it should have come. */
  // oxlint-disable-next-line max-params -- As above.
  #parse(text: string, from: number, limits: HeadLimits, requestMethod: string): ResponseHead | HeadProblem {
    const head = parseResponseHead(text, from, this.end, limits, requestMethod);
    if (!(head instanceof HeadProblem) || !MENDABLE.has(head.reason)) return head;
    const mended = mendedHead(text.slice(from, this.end));
    if (mended === null) return head;
    // It was found to be small enough as it came.
    const again = parseResponseHead(mended, 0, mended.length, { ...limits, maxHeadBytes: Infinity }, requestMethod);
    // Who writes heads like that may be as careless about where a body ends: its connection serves nobody else.
    if (again instanceof ResponseHead) again.isPersistent = false;
    return again;
  }

  #keep(head: ResponseHead, text: string, { from, limits, requestMethod }: ReadWith): void {
    const isKept = text.length <= KEPT_CHARACTERS_MAX;
    this.#kept = isKept ? copyOf(head) : null;
    this.#keptText = isKept ? text.slice(from, this.end) : '';
    this.#keptMethod = requestMethod;
    this.#keptLimits = limits;
  }
}

interface ReadWith {
  readonly from: number;
  readonly limits: HeadLimits;
  readonly requestMethod: string;
}

/** The two limits that a head with another target may exceed. */
function isWithin(limits: RequestRules, { target }: RequestHead, headBytes: number): boolean {
  return target.length <= limits.maxTargetBytes && headBytes <= limits.maxHeadBytes;
}

/** All that is read of a request's fields. One by one, because spreading costs more than reading. */
function copyFields(from: RequestHead, to: RequestHead): void {
  to.authority = from.authority;
  to.framing = from.framing;
  to.contentLength = from.contentLength;
  to.isPersistent = from.isPersistent;
  to.upgrade = from.upgrade;
  to.expectsContinue = from.expectsContinue;
  to.acceptsTrailers = from.acceptsTrailers;
  to.maxForwards = from.maxForwards;
  to.fields = from.fields;
  to.forwardedFor = from.forwardedFor;
  to.forwardedProto = from.forwardedProto;
  to.forwardedHost = from.forwardedHost;
  to.forwarded = from.forwarded;
  to.requestId = from.requestId;
  to.nominated = from.nominated;
  to.said = from.said;
  to.proxyFields = from.proxyFields;
}

function copyOf(from: ResponseHead): ResponseHead {
  const to = new ResponseHead();
  to.status = from.status;
  to.reason = from.reason;
  to.isHttp10 = from.isHttp10;
  to.minorVersion = from.minorVersion;
  to.framing = from.framing;
  to.contentLength = from.contentLength;
  to.isPersistent = from.isPersistent;
  to.upgrade = from.upgrade;
  to.fields = from.fields;
  to.hasDate = from.hasDate;
  to.nominated = from.nominated;
  return to;
}
