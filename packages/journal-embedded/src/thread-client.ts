/**
 * The journal's side of its thread: numbers what is sent, and gives every answer to whom it belongs.
 *
 * Appends of one turn of the event loop travel in one message. The number of appends without an answer is limited, and
 * so is what they weigh; past the limits an append is turned away at once, because a journal that cannot keep up must
 * say so and not grow.
 *
 * A thread that ends unasked takes nobody with it: appends that wait are answered `unknown`, requests fail, and so does
 * whatever comes after. It is not started again here; opening the journal anew is the supervisor's decision.
 */
import type { Worker } from 'node:worker_threads';
import { APPENDS_IN_FLIGHT_MAX, JournalError, type AppendOutcome, type Head, type NewEvent } from '@muster/journal';
import type { RecordedEvent } from '@muster/membership';
import type {
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

interface WaitingRequest {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: JournalError) => void;
}

export interface ThreadListener {
  /** What one group stored, in order. Called before the appends are answered. */
  committed(events: readonly RecordedEvent[]): void;
  /** `failure` has become what it is. */
  ended(): void;
}

export class ThreadClient {
  readonly #worker: Worker;
  readonly #path: string;
  readonly #opened = Promise.withResolvers<Head>();
  readonly #exited = Promise.withResolvers<void>();
  readonly #appends = new Map<number, WaitingAppend>();
  readonly #requests = new Map<number, WaitingRequest>();
  #outbox: SubmittedAppend[] = [];
  #charactersInFlight = 0;
  #lastSequence = 0;
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

  append(append: Omit<SubmittedAppend, 'sequence'>): Promise<AppendOutcome> {
    const unavailable = this.#whyUnavailable(append.event);
    if (unavailable !== null) return Promise.resolve({ outcome: 'unavailable', message: unavailable });
    const sequence = this.#nextSequence();
    const { event } = append;
    this.#charactersInFlight += event.payload.length;
    if (this.#outbox.length === 0) queueMicrotask(() => this.#sendAppends());
    this.#outbox.push({ sequence, ...append });
    return new Promise((resolve) => this.#appends.set(sequence, { event, resolve }));
  }

  #whyUnavailable({ payload }: NewEvent): string | null {
    if (this.#failure !== null) return this.#failure.message;
    if (this.#appends.size >= APPENDS_IN_FLIGHT_MAX) {
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
    const sequence = this.#nextSequence();
    this.#post({ kind, sequence, ...ask } as ToThread);
    return new Promise((resolve, reject) => this.#requests.set(sequence, { resolve, reject }));
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

  #nextSequence(): number {
    this.#lastSequence += 1;
    return this.#lastSequence;
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
        return this.#answerAppends(message.firstSequence, message.outcomes);
      case 'answer':
        return this.#takeRequest(message.sequence).resolve(message.answer as never);
      case 'request-failed':
        return this.#takeRequest(message.sequence).reject(errorOf(message));
      case 'closed':
    }
  }

  #takeRequest(sequence: number): WaitingRequest {
    const request = this.#requests.get(sequence)!;
    this.#requests.delete(sequence);
    return request;
  }

  /** Followers first: whoever awaits an append may look at what they hold next. */
  #answerAppends(firstSequence: number, outcomes: readonly CommitOutcome[]): void {
    const stored: RecordedEvent[] = [];
    const answers = outcomes.map((outcome, index) => {
      const { event, resolve } = this.#appends.get(firstSequence + index)!;
      if (outcome.outcome === 'appended' && !outcome.isDuplicate) stored.push(recordedEventOf(event, outcome));
      return () => resolve(answerOf(outcome));
    });
    if (stored.length > 0) this.#listener?.committed(stored);
    for (const [index, answer] of answers.entries()) {
      this.#charactersInFlight -= this.#appends.get(firstSequence + index)!.event.payload.length;
      this.#appends.delete(firstSequence + index);
      answer();
    }
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
    for (const { resolve } of this.#appends.values()) resolve({ outcome: 'unknown', message });
    for (const { reject } of this.#requests.values()) reject(this.#failure);
    this.#appends.clear();
    this.#requests.clear();
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
