/**
 * The access log: one line for each request that its listener wants logged, written by the worker that served it.
 *
 *     {"level":40,"time":1800000000000,"node":"lb-1","worker":0,"listener":"web","pool":"spells","requestId":"5f…-2a",
 *      "client":"192.0.2.1","method":"GET","authority":"example.com","path":"/spells","queryBytes":13,"status":502,
 *      "termination":"connect_failed","detail":"connection refused","durationMs":1.25,"headMs":null,"requestBytes":0,
 *      "answerBytes":22,"revision":12,"rosterRevision":14,"attemptsCount":1,"attempts":[{"backend":"spells-1",
 *      "target":"127.0.0.1:8001","outcome":"connect_failed","isReused":false,"startedMs":0,"headMs":null,"revision":12,
 *      "rosterRevision":14,"detail":"connection refused"}],
 *      "msg":"GET /spells 502 in 1.25 ms: no backend could be reached: connection refused"}
 *
 * Nothing is made for a request that is not logged. A line has at most 4 KiB, so that it is written whole: texts that others
 * choose are cut, and of more than three attempts the last three are told. Queries are never written down (`shownPath`).
 */
import {
  type Attempt,
  describeTermination,
  type ExchangeRecord,
  type HttpSettings,
  type RefusedHead,
  shownPath,
  type Termination,
} from '@muster/proxy';
import type { Log } from '../log/log.ts';

/** Refused heads with a line of their own; how many more there were is told at the end of the second. */
const REFUSED_LINES_PER_SECOND_MAX = 100;
const ATTEMPTS_TOLD_MAX = 3;

const PATH_LENGTH_MAX = 768;
const AUTHORITY_LENGTH_MAX = 255;
const REQUEST_ID_LENGTH_MAX = 128;
const DETAIL_LENGTH_MAX = 160;
const ATTEMPT_DETAIL_LENGTH_MAX = 80;
const TARGET_LENGTH_MAX = 128;
const MESSAGE_PATH_LENGTH_MAX = 128;

/** With a status below 500 these are nothing to look at. */
const ORDINARY_ENDS: ReadonlySet<Termination> = new Set(['finished', 'answered_here', 'tunnel_closed', 'no_route']);

export class AccessLog {
  readonly #log: Log;
  #refusedLinesLeft = REFUSED_LINES_PER_SECOND_MAX;
  #suppressedCount = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  exchangeOver(exchange: ExchangeRecord, { accessLog }: Pick<HttpSettings, 'accessLog'>): void {
    if (accessLog === 'off') return;
    const isFailure = exchange.status >= 500 || !ORDINARY_ENDS.has(exchange.termination);
    if (!isFailure && accessLog === 'errors') return;
    const level = isFailure ? 'warn' : 'info';
    if (!this.#log.isLevelEnabled(level)) return;
    const fields = fieldsOf(exchange);
    this.#log[level](fields, messageOf(exchange, fields));
  }

  headRefused(refused: RefusedHead, { accessLog }: Pick<HttpSettings, 'accessLog'>): void {
    if (accessLog === 'off' || !this.#log.isLevelEnabled('warn')) return;
    if (this.#refusedLinesLeft === 0) {
      this.#suppressedCount++;
      return;
    }
    this.#refusedLinesLeft--;
    const { requestId, listener, peerAddress: client, status, reason } = refused;
    this.#log.warn({ listener, requestId, client, status, reason }, `a request was refused with ${status}: ${reason}`);
  }

  /** To be called once a second. */
  secondIsOver(): void {
    this.#refusedLinesLeft = REFUSED_LINES_PER_SECOND_MAX;
    const suppressedCount = this.#suppressedCount;
    this.#suppressedCount = 0;
    if (suppressedCount > 0) this.#log.warn({ suppressedCount }, `and ${suppressedCount} more requests were refused`);
  }
}

function fieldsOf(exchange: ExchangeRecord) {
  const { attempts, detail } = exchange;
  const { path, queryBytes } = shownPath(exchange.path);
  const last = attempts.at(-1);
  const set = (exchange.refused ?? last)?.set;
  return {
    listener: exchange.listener,
    pool: exchange.pool,
    requestId: plain(exchange.requestId, REQUEST_ID_LENGTH_MAX),
    client: exchange.clientAddress,
    method: exchange.method,
    authority: plain(exchange.authority, AUTHORITY_LENGTH_MAX),
    path: plain(path, PATH_LENGTH_MAX),
    queryBytes,
    status: exchange.status,
    termination: exchange.termination,
    detail: detail === null ? null : plain(detail, DETAIL_LENGTH_MAX),
    durationMs: rounded(exchange.durationMs),
    headMs: last === undefined ? null : headMs(last),
    requestBytes: exchange.requestBodyBytes,
    answerBytes: exchange.answerBodyBytes,
    revision: set?.revision ?? null,
    rosterRevision: set?.rosterRevision ?? null,
    attemptsCount: attempts.length,
    attempts: attempts.slice(-ATTEMPTS_TOLD_MAX).map(attemptFields),
  };
}

function attemptFields(attempt: Attempt) {
  return {
    backend: attempt.backend,
    target: plain(attempt.target, TARGET_LENGTH_MAX),
    outcome: attempt.outcome,
    isReused: attempt.isReused,
    startedMs: rounded(attempt.startedAtMs),
    headMs: headMs(attempt),
    revision: attempt.set.revision,
    rosterRevision: attempt.set.rosterRevision,
    detail: attempt.detail === null ? null : plain(attempt.detail, ATTEMPT_DETAIL_LENGTH_MAX),
  };
}

/** `GET /spells 200 in 1.25 ms by spells-1`; what went wrong, in words, behind a colon. */
function messageOf({ termination, attempts }: ExchangeRecord, fields: ReturnType<typeof fieldsOf>): string {
  const { method, path, status, durationMs, detail } = fields;
  const backend = attempts.at(-1)?.backend;
  const by = backend === undefined ? '' : ` by ${backend}`;
  const answered = `${method} ${path.slice(0, MESSAGE_PATH_LENGTH_MAX)} ${status} in ${durationMs} ms${by}`;
  if (termination === 'finished') return answered;
  return `${answered}: ${describeTermination(termination)}${detail === null ? '' : `: ${detail}`}`;
}

function headMs({ answeredAtMs }: Attempt): number | null {
  return answeredAtMs < 0 ? null : rounded(answeredAtMs);
}

/** To a microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

const NOT_PLAIN = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;
const ALL_NOT_PLAIN = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;

/** Cut, and without what JSON would write as more than one character: that is percent-encoded, as in a URL. */
function plain(text: string, lengthMax: number): string {
  const cut = text.length > lengthMax ? `${text.slice(0, lengthMax - 3)}...` : text;
  if (!NOT_PLAIN.test(cut)) return cut;
  const encoded = cut.replaceAll(
    ALL_NOT_PLAIN,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  return encoded.length > lengthMax ? `${encoded.slice(0, lengthMax - 3)}...` : encoded;
}
