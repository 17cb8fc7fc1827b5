/**
 * A filter: what a listener's requests pass through in TypeScript of your own. A module names its hooks in its default export;
 * each is called at one point of a request's way, with what is known there and with a context that lives as long as the request.
 *
 *     client ──► requestFilter ──► (route) ──► upstreamPeer ──► dial ──► upstreamRequestFilter ──► backend
 *                     │ answer                     ▲              │ failToConnect                    │
 *                     ▼                            └──────────────┘ next attempt                     │ errorWhileProxy
 *     client ◄────────┴──────────────────────────────────── upstreamResponseFilter ◄─────────────────┘
 *                                             logging: always, last
 *
 * The hooks and their order are Pingora's (its `phase.md`), and so is its promise that `failToConnect` is called only when nothing
 * was sent. Two gaps of it are closed: an attempt that follows is offered only backends that were not tried, and no hook can
 * make a request that is not idempotent be sent twice.
 *
 * **Order of several filters.** On the way to the backend (`requestFilter`, `upstreamPeer`, `upstreamRequestFilter`) they are called as
 * the listener names them; with what comes back (all others) from the last to the first. So the first filter sees the request as the
 * client sent it and the answer as the client gets it, and a pair of changes nests. Envoy, Koa, Tower and Caddy do the same.
 *
 * **Waiting.** A hook may return a promise. Until it settles, the request waits: the client is not read, a client that leaves
 * ends the wait, and so does a backend that leaves its pool. After 5 s (`HOOK_TIMEOUT_MS`) the hook has failed. What does not return
 * at all, such as an endless loop, cannot be stopped: it stands still with the whole worker.
 *
 * **Failing.** A hook that throws, rejects, takes too long or returns what it may not costs its request a 500 (`filter_failed`), and
 * nothing else. In `logging` it costs a line in the log. What a hook leaves behind, a timer's callback or a promise that nobody awaits,
 * is no part of the hook any more: when that throws, Node ends the worker, and the node starts another.
 *
 * Bodies do not pass through filters. Types alone are imported from here, because Node strips them: a filter file needs no
 * package to be installed beside it.
 *
 *     import type { Filter } from '@muster/proxy';
 *
 *     export default {
 *       requestFilter({ path }) {
 *         return path.startsWith('/internal/') ? { status: 404 } : undefined;
 *       },
 *     } satisfies Filter;
 */
import type { ExchangeRecord } from '../record/exchange-record.ts';
import type { Termination } from '../record/termination.ts';

/** A hook may do its work at once or promise it. */
type Awaitable<Result> = Result | Promise<Result>;

/** Fields as they can be read. Names are compared without case. */
export interface FilterFields {
  /** The first value, without whitespace around it, or null. */
  get(name: string): string | null;
  /** All values, in their order. */
  getAll(name: string): string[];
  has(name: string): boolean;
  /** Name and value of each, in their order. */
  entries(): Iterable<readonly [name: string, value: string]>;
}

/**
 * Fields that may be changed. Throws a TypeError for what must not be sent (control characters, characters above U+00FF), for the
 * fields that say how a message is framed, sent or addressed (Content-Length, Transfer-Encoding, Connection, Host, …), and for those
 * that Muster itself writes at this point.
 */
export interface MutableFields extends FilterFields {
  /** Leaves one field of that name: in the first one's place, or at the end. */
  set(name: string, value: string): void;
  /** Adds one at the end, also where one of that name is there. */
  append(name: string, value: string): void;
  /** Removes all of that name; returns whether there was one. */
  delete(name: string): boolean;
}

/** The request as the later hooks see it: what `requestFilter` made of it. */
export interface FilterRequest {
  /** X-Request-Id, the client's or made here. */
  readonly requestId: string;
  readonly listener: string;
  /** The peer's address, or the client's where a trusted proxy named it; '' for a Unix socket. */
  readonly clientAddress: string;
  readonly method: string;
  /** As the client sent it: '/cart?id=7', 'http://shop.example/cart?id=7' or '*'. */
  readonly target: string;
  /** Host and, where it was given, port; '' for an HTTP/1.0 request without Host. */
  readonly authority: string;
  /**
   * Path and query, before a route strips its prefix. The path is in its normal form, which is what routes match and the backend gets:
   * no needless escapes, no dot segments, no `//` (see the listener's `escapedSlashes`, `emptySegments`, `pathParameters`).
   */
  readonly path: string;
  /** The end-to-end fields; without Host, X-Request-Id, X-Forwarded-* and Forwarded. */
  readonly fields: FilterFields;
}

/** The request in `requestFilter`, which comes before the route: a path that is changed here is routed by what it says now. */
export interface IncomingRequest extends FilterRequest {
  /** What is set is brought to its normal form; throws a TypeError where it is no path that a client could send. */
  path: string;
  readonly fields: MutableFields;
}

/** An answer that Muster gives in place of a backend. */
export interface FilterAnswer {
  /** 200 to 599. */
  readonly status: number;
  /** Without Content-Length, Connection, Date and the like, which are written here. Default: none. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Text is sent as UTF-8, and as `text/plain` where no Content-Type is given. At most 1 MiB. Default: empty. */
  readonly body?: string | Uint8Array;
}

/** A backend that an attempt may be made with. */
export interface PeerCandidate {
  readonly id: string;
  readonly target: string;
  /** Its share, relative to the other candidates. */
  readonly weight: number;
}

/** What `upstreamPeer` chooses from. */
export interface PeerChoice {
  readonly request: FilterRequest;
  readonly pool: string;
  /** 1 for the first attempt. */
  readonly attempt: number;
  /** In the order of their ids. Never empty, and without those that this request has tried. */
  readonly candidates: readonly PeerCandidate[];
}

/** The request as one backend gets it. */
export interface UpstreamRequest {
  readonly request: FilterRequest;
  readonly backend: string;
  readonly target: string;
  readonly attempt: number;
  /** Whether the connection has served another request before. */
  readonly isReused: boolean;
  /** Path and query as they are sent, a stripped prefix taken off. */
  readonly path: string;
  /** The Host as it is sent. */
  readonly host: string;
  /** X-Request-Id, X-Forwarded-*, Forwarded and Via among them. Changes hold for this attempt alone. */
  readonly fields: MutableFields;
}

/** The final answer of a backend: not an interim one (1xx), not one that switches protocols, and none of Muster's own. */
export interface UpstreamResponse {
  readonly request: FilterRequest;
  readonly backend: string;
  readonly target: string;
  readonly attempt: number;
  /** May be set to 200 to 599; 204 and 304 stay, and nothing else becomes one of them, because they decide about the body. */
  status: number;
  readonly fields: MutableFields;
}

/** A connection that could not be had: nothing was sent. */
export interface ConnectFailure {
  readonly request: FilterRequest;
  readonly backend: string;
  readonly target: string;
  readonly attempt: number;
  /**
   * The system's, such as ECONNREFUSED or ENOTFOUND; ETIMEDOUT for the connect timeout, NAME_TIMEOUT where the host name was still
   * looked up, TARGET_REFUSED where the node dials no such target.
   */
  readonly code: string;
  /** The same for people: `connection refused`. */
  readonly detail: string;
}

/** A request that failed for its backend's sake after something of it was sent. Muster will not send it again. */
export interface ProxyFailure {
  readonly request: FilterRequest;
  readonly backend: string;
  readonly target: string;
  readonly attempt: number;
  readonly isReused: boolean;
  /** `no_answer`, `bad_answer`, `answer_timeout`, `answer_cut`, `target_removed` or `drain_timeout`. */
  readonly reason: Termination;
  /** More about it, for people; null where there is nothing to add. */
  readonly detail: string | null;
  /** A part of the answer is with the client already: nobody can answer any more. */
  readonly isAnswerBegun: boolean;
}

/** The hooks, all of which may be left out. What one returns beyond what it may is an error. */
export interface FilterHooks<Context> {
  /** Once per request, before anything else. An answer ends the request here (`answered_here`); later filters do not see it. */
  requestFilter?(request: IncomingRequest, context: Context): Awaitable<FilterAnswer | void>;
  /**
   * Once per attempt. The id of one backend, or those of some, among which the pool's policy picks; nothing: all of them. Ids that
   * are no candidates are ignored, so a backend may be named that is not there now. When nobody is left, the first attempt is
   * answered 503 (`no_healthy_backend`), and a later one leaves the failure before it as it was.
   */
  upstreamPeer?(choice: PeerChoice, context: Context): Awaitable<string | readonly string[] | void>;
  /** Once per attempt, when there is a connection and before a byte is sent on it. */
  upstreamRequestFilter?(request: UpstreamRequest, context: Context): Awaitable<void>;
  /** Once, before the first byte of the answer goes to the client. */
  upstreamResponseFilter?(response: UpstreamResponse, context: Context): Awaitable<void>;
  /** `retry: false`: there is no further attempt. All filters are told; one that says so is enough. */
  failToConnect?(failure: ConnectFailure, context: Context): Awaitable<{ readonly retry: boolean } | void>;
  /** May answer in place of the 502 or 504, unless the answer has begun. The first answer is given; others are not asked then. */
  errorWhileProxy?(failure: ProxyFailure, context: Context): Awaitable<FilterAnswer | void>;
  /** When the request is over, whatever became of it. Nobody waits for what it promises. */
  logging?(record: ExchangeRecord, context: Context): Awaitable<void>;
}

/** `Context`: what the hooks of one request share; undefined where there is no `newContext`. */
export type Filter<Context = undefined> = FilterHooks<Context> &
  (undefined extends Context
    ? { newContext?(): Context }
    : {
        /** Makes a request's context, when its first hook is about to be called. Not a promise. */
        newContext(): Context;
      });

/** The points of a request's way. */
export type HookName = keyof FilterHooks<unknown>;

/** Whether filters are called from the last to the first there. */
export const IS_REVERSED_BY_HOOK: Readonly<Record<HookName, boolean>> = {
  requestFilter: false,
  upstreamPeer: false,
  upstreamRequestFilter: false,
  upstreamResponseFilter: true,
  failToConnect: true,
  errorWhileProxy: true,
  logging: true,
};

export const HOOK_NAMES = Object.keys(IS_REVERSED_BY_HOOK) as readonly HookName[];

/** A hook that promises something has so long to keep it. */
export const HOOK_TIMEOUT_MS = 5_000;
