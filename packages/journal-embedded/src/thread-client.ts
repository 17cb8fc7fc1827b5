/**
 * The journal's side of its thread: numbers what is sent, and gives every answer to the one whom it names.
 *
 * Appends of one turn of the event loop travel in one message. The number of appends without an answer is limited, and
 * so is what they weigh; past the limits an append is turned away at once, because a journal that cannot keep up must
 * say so and not grow.
 *
 * A thread that ends unasked takes nobody with it: appends that wait are answered `unknown`, requests fail, and so does
 * whatever comes after. It is not started again here; opening the journal anew is the supervisor's decision. An answer to what
 * nobody asked, or to what was answered already, is the same end: whatever else this thread says cannot be believed either.
 */
import type { Worker } from 'node:worker_threads';
import { APPENDS_IN_FLIGHT_MAX, JournalError, type AppendOutcome, type Head, type NewEvent } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type {
  AnsweredAppend,
  CommitOutcome,
  FromThread,
  ReportedFailure,
  RequestKind,
  RequestKinds,
  SubmittedAppend,
  ToThread,
} from './messages.ts';

/** What the payloads of unanswered appends may have together; one that goes over it is `unavailable`. */
const CHARACTERS_IN_FLIGHT_MAX = 67_108_864;

interface WaitingAppend {
  readonly event: NewEvent;
  readonly resolve: (outcome: AppendOutcome) => void;
}

/** An append that waits no longer, with what became of it. */
interface Settled {
  readonly append: WaitingAppend;
  readonly outcome: CommitOutcome;
}

interface WaitingRequest {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: JournalError) => void;
}

export interface ThreadListener {
  /** What one group stored, in order. Called before the appends are answered. */
  committed(events: readonly RecordedEvent[]): void;
  /** As in `FromThread`. */
  noted(text: string): void;
  rowsChecked(damage: string | null): void;
  /** `failure` has become what it is. */
  ended(): void;
}

export class ThreadClient {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #opened = Promise.withResolvers<Head>();
  readonly #exited = Promise.withResolvers<void>();
  readonly #appendsByNumber = new Map<number, WaitingAppend>();
  readonly #requestsByNumber = new Map<number, WaitingRequest>();
  #outbox: SubmittedAppend[] = [];
  #charactersInFlight = 0;
  #lastAppend = 0;
  #lastRequest = 0;
  #listener: ThreadListener | null = null;
  #failure: JournalError | null = null;

  constructor(worker: Worker, path: string) {
    this.#worker = worker;
    this.#path = path;
    worker.on('message', (message: FromThread) => this.#receive(message));
    worker.on('error', (error) => this.#fail(`its thread failed: ${String(error)}`, error));
    worker.on('exit', () => {
      this.#fail('its thread ended');
      this.#exited.resolve();
    });
  }

  /** Why nothing works any more; null while everything does. */
  get failure(): JournalError | null {
    return this.#failure;
  }

  /** Resolves when the file is open and the lock is held; rejects with the refusal. */
  async opened(listener: ThreadListener): Promise<Head> {
    this.#listener = listener;
    return this.#opened.promise;
  }

  append(submitted: Omit<SubmittedAppend, 'append'>): Promise<AppendOutcome> {
    const unavailable = this.#whyUnavailable(submitted.event);
    if (unavailable !== null) return Promise.resolve({ outcome: 'unavailable', message: unavailable });
    this.#lastAppend += 1;
    const append = this.#lastAppend;
    const { event } = submitted;
    this.#charactersInFlight += event.payload.length;
    if (this.#outbox.length === 0) queueMicrotask(() => this.#sendAppends());
    this.#outbox.push({ ...submitted, append });
    return new Promise((resolve) => this.#appendsByNumber.set(append, { event, resolve }));
  }

  #whyUnavailable({ payload }: NewEvent): string | null {
    if (this.#failure !== null) return this.#failure.message;
    if (this.#appendsByNumber.size >= APPENDS_IN_FLIGHT_MAX) {
      return `the journal ${this.#path} has ${APPENDS_IN_FLIGHT_MAX} appends waiting; append again when some are answered`;
    }
    if (this.#charactersInFlight + payload.length > CHARACTERS_IN_FLIGHT_MAX) {
      const limit = `${CHARACTERS_IN_FLIGHT_MAX} characters of payloads`;
      return `the journal ${this.#path} has ${limit} waiting; append again when some are answered`;
    }
    return null;
  }

  request<Kind extends RequestKind>(kind: Kind, ask: RequestKinds[Kind]['ask']): Promise<RequestKinds[Kind]['answer']> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#lastRequest += 1;
    const request = this.#lastRequest;
    this.#post({ kind, ...ask, request } as ToThread);
    return new Promise((resolve, reject) => this.#requestsByNumber.set(request, { resolve, reject }));
  }

  /** Lets the thread answer what was sent, close the file and end. */
  async close(failure: JournalError): Promise<void> {
    if (this.#failure === null) {
      this.#sendAppends();
      this.#failure = failure;
      this.#post({ kind: 'close' });
      this.#listener?.ended();
    }
    await this.#exited.promise;
  }

  #sendAppends(): void {
    const appends = this.#outbox;
    if (appends.length === 0) return;
    this.#outbox = [];
    this.#post({ kind: 'append', appends });
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case 'opened':
        return this.#opened.resolve(message.head);
      case 'refused':
        return this.#endWith(errorOf(message));
      case 'committed':
        return this.#answerAppends(message.answers);
      case 'answer':
        return this.#takeRequest(message.request)?.resolve(message.answer as never);
      case 'request-failed':
        return this.#takeRequest(message.request)?.reject(errorOf(message));
      case 'noted':
        return this.#listener?.noted(message.text);
      case 'checked':
        return this.#listener?.rowsChecked(message.damage);
      case 'closed':
    }
  }

  /** The request that an answer names; null when there is none, which ends the journal's use. */
  #takeRequest(number: number): WaitingRequest | null {
    const request = this.#requestsByNumber.get(number);
    if (request === undefined) return this.#disbelieve(`request ${number}`);
    this.#requestsByNumber.delete(number);
    return request;
  }

  /**
   * All are looked up before anybody is told, so that a group with an answer to nothing is not believed in part. Followers are
   * told first: whoever awaits an append may look at what they hold next.
   */
  #answerAppends(answers: readonly AnsweredAppend[]): void {
    const settled: Settled[] = [];
    for (const { append: number, outcome } of answers) {
      const append = this.#appendsByNumber.get(number);
      if (append === undefined) return this.#disbelieveGroup(`append ${number}`, settled);
      this.#appendsByNumber.delete(number);
      settled.push({ append, outcome });
    }
    for (const { append } of settled) this.#charactersInFlight -= append.event.payload.length;
    const stored = settled.flatMap(({ append, outcome }) => {
      return outcome.outcome === 'appended' && !outcome.isDuplicate ? [recordedEventOf(append.event, outcome)] : [];
    });
    if (stored.length > 0) this.#listener?.committed(stored);
    for (const { append, outcome } of settled) append.resolve(answerOf(outcome));
  }

  #disbelieveGroup(what: string, settled: readonly Settled[]): void {
    this.#disbelieve(what);
    const { message } = this.#failure!;
    for (const { append } of settled) append.resolve({ outcome: 'unknown', message });
  }

  /** The invariant of the protocol is broken: each answer is to something that waits for it. */
  #disbelieve(what: string): null {
    if (this.#failure === null) {
      this.#fail(`its thread answered ${what}, which nobody waits for`);
      void this.#worker.terminate();
    }
    return null;
  }

  #fail(what: string, cause?: unknown): void {
    const remedy = 'restart the node; appends that were not answered may have been stored';
    this.#endWith(new JournalError('failed', `the journal ${this.#path} failed: ${what}; ${remedy}`, cause));
  }

  /** The first reason stays. Whoever still waits is told, and nobody waits for ever. */
  #endWith(failure: JournalError): void {
    this.#failure ??= failure;
    const { message } = this.#failure;
    this.#opened.reject(this.#failure);
    for (const { resolve } of this.#appendsByNumber.values()) resolve({ outcome: 'unknown', message });
    for (const { reject } of this.#requestsByNumber.values()) reject(this.#failure);
    this.#appendsByNumber.clear();
    this.#requestsByNumber.clear();
    this.#listener?.ended();
  }
}

function recordedEventOf(event: NewEvent, { revision, timeMs }: { revision: number; timeMs: number }): RecordedEvent {
  const { id, subject, origin, payload } = event;
  return { revision, timeMs, id, subject, origin, payload };
}

function answerOf(outcome: CommitOutcome): AppendOutcome {
  if (outcome.outcome !== 'appended') return outcome;
  const { revision, isDuplicate } = outcome;
  return { outcome: 'appended', revision, isDuplicate };
}

function errorOf({ code, message }: ReportedFailure): JournalError {
  return new JournalError(code, message);
}
