/** What hooks are handed: a request or an answer, with as much of it open to change as the point of the way allows. */
import {
  HeadProblem,
  REQUEST_RULES,
  describeProblem,
  parseRequestHead,
  type PathRules,
  type RequestHead,
  type ResponseHead,
} from '@muster/http1';
import type { Attempt } from '../record/exchange-record.ts';
import { FieldList, RESERVED_IN_ANSWERS, RESERVED_IN_REQUESTS, RESERVED_UPSTREAM } from './field-list.ts';
import type { FilterRequest, IncomingRequest, UpstreamRequest, UpstreamResponse } from './filter.ts';
import { checkStatus, isBodiless } from './filter-answer.ts';

/** Not imported: an ES import of `node:http` evaluates all its exports, and its `WebSocket` loads undici, 50 ms in each worker. */
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** The exchange, as far as it is shown. */
export interface ShownExchange {
  readonly head: RequestHead;
  readonly requestId: string;
  readonly listener: string;
  readonly clientAddress: string;
  /** What its listener makes of paths. */
  readonly pathRules: PathRules;
}

/** One per exchange: open in `requestFilter`, read by all later hooks. */
export class RequestView implements IncomingRequest {
  readonly requestId: string;
  readonly listener: string;
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly fields: FieldList;
  readonly #exchange: ShownExchange;
  #path: string;
  #isClosed = false;

  constructor(exchange: ShownExchange) {
    const { head, requestId, listener } = exchange;
    this.#exchange = exchange;
    this.requestId = requestId;
    this.listener = listener;
    this.method = head.method;
    this.target = head.target;
    this.authority = head.authority;
    this.fields = new FieldList(head.fields, RESERVED_IN_REQUESTS);
    this.#path = head.pathAndQuery;
  }

  get clientAddress(): string {
    return this.#exchange.clientAddress;
  }

  get path(): string {
    return this.#path;
  }

  set path(path: string) {
    if (this.#isClosed) throw new TypeError('path cannot be changed here: the route has been found already');
    if (path !== this.#path) this.#path = checkedPath(path, this.#exchange.pathRules);
  }

  /** The route is looked up: from now on all of it can only be read. */
  close(): void {
    this.#isClosed = true;
    this.fields.close();
  }
}

/** By the parser that reads clients' requests, so that a filter can send nothing that they cannot. Returns the normal form. */
function checkedPath(path: string, pathRules: PathRules): string {
  const text = `GET ${path} HTTP/1.1\r\nHost: host\r\n\r\n`;
  const head = parseRequestHead(text, 0, text.length, { ...REQUEST_RULES, path: pathRules });
  if (head instanceof HeadProblem)
    throw new TypeError(`${JSON.stringify(path)} is no path: ${describeProblem(head.reason)}`);
  if (head.targetForm !== 'origin') throw new TypeError(`${JSON.stringify(path)} is no path: it begins with "/"`);
  return head.pathAndQuery;
}

/** The attempt that a hook is told of. */
export interface AttemptView {
  readonly request: FilterRequest;
  readonly backend: string;
  readonly target: string;
  readonly attempt: number;
}

/** Of the newest attempt. */
export function attemptView(request: FilterRequest, attempts: readonly Attempt[]): AttemptView {
  const { backend, target } = attempts.at(-1)!;
  return { request, backend, target, attempt: attempts.length };
}

/** What is about to be sent. */
export interface OutgoingHead {
  readonly path: string;
  readonly host: string;
  /** All fields but those that are the connection's own. */
  readonly fields: string;
  readonly isReused: boolean;
}

export function upstreamRequestView(
  view: AttemptView,
  { path, host, fields, isReused }: OutgoingHead,
): UpstreamRequest & { readonly fields: FieldList } {
  return { ...view, path, host, isReused, fields: new FieldList(fields, RESERVED_UPSTREAM) };
}

export class ResponseView implements UpstreamResponse {
  readonly request: FilterRequest;
  readonly backend: string;
  readonly target: string;
  readonly attempt: number;
  readonly fields: FieldList;
  readonly #head: ResponseHead;
  #status: number;

  constructor({ request, backend, target, attempt }: AttemptView, head: ResponseHead) {
    this.request = request;
    this.backend = backend;
    this.target = target;
    this.attempt = attempt;
    this.fields = new FieldList(head.fields, RESERVED_IN_ANSWERS);
    this.#head = head;
    this.#status = head.status;
  }

  get status(): number {
    return this.#status;
  }

  set status(status: number) {
    checkStatus(status);
    if (status !== this.#status && (isBodiless(status) || isBodiless(this.#status))) {
      throw new TypeError(
        `an answer of status ${this.#status} cannot become one of ${status}: that would change its body`,
      );
    }
    this.#status = status;
  }

  /** Puts what was changed into the head that goes to the client. */
  apply(): void {
    const head = this.#head;
    this.fields.close();
    if (this.#status !== head.status) {
      head.status = this.#status;
      head.reason = STATUS_CODES[this.#status] ?? '';
    }
    if (!this.fields.isChanged) return;
    head.fields = this.fields.toText();
    // What a filter took away is written by Muster, and what it added is not written a second time.
    head.hasDate = this.fields.has('date');
    head.hasRequestId = this.fields.has('x-request-id');
  }
}
