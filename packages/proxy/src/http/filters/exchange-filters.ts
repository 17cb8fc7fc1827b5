/**
 * The filters of one exchange: makes of each point of its way a pass through the hooks, and of what they say something that the
 * exchange can act on. There is none where a listener has no filters, and a point where no filter has a hook costs one look-up.
 */
import type { Candidate } from '@muster/membership';
import type { ResponseHead } from '@muster/http1';
import type { TimerWheel } from '../../timers/timer-wheel.ts';
import type { Attempt, ExchangeRecord } from '../record/exchange-record.ts';
import type { OwnAnswer, Termination } from '../record/termination.ts';
import { ownAnswerOf } from './filter-answer.ts';
import type { FilterChain, PlacedFilter } from './filter-chain.ts';
import { FilterRun, type Pass } from './filter-run.ts';
import { attemptView, RequestView, ResponseView, upstreamRequestView } from './filter-views.ts';
import type { OutgoingHead, ShownExchange } from './filter-views.ts';
import type { ConnectFailure, FilterAnswer, PeerCandidate, PeerChoice, ProxyFailure } from './filter.ts';

/** The exchange. */
export interface FilteredExchange extends ShownExchange {
  readonly attempts: readonly Attempt[];
  /** A hook has promised something, and the exchange cannot go on before that is there. */
  onFiltersWaiting(): void;
  answerHere(answer: OwnAnswer, termination: Termination, detail: string | null): void;
  fail(termination: Termination, detail: string | null): void;
}

/** An answer that a filter gives. */
interface GivenAnswer {
  readonly answer: OwnAnswer;
  /** Who gives it: `filter ./filters/api-key.ts`. */
  readonly by: string;
}

/** The candidates that are left, and who left them out last; null: all are. */
export type Narrowing = { readonly ids: ReadonlySet<string>; readonly by: string } | null;

/** How a request can fail for its backend's sake, once something of it was sent. */
const ASKED_ABOUT: ReadonlySet<Termination> = new Set<Termination>([
  'no_answer',
  'bad_answer',
  'answer_timeout',
  'answer_cut',
  'target_removed',
  'drain_timeout',
]);

export class ExchangeFilters {
  readonly #exchange: FilteredExchange;
  readonly #chain: FilterChain;
  readonly #run: FilterRun;
  #request: RequestView | null = null;
  #wasAsked = false;

  constructor(chain: FilterChain, exchange: FilteredExchange, wheel: TimerWheel) {
    this.#exchange = exchange;
    this.#chain = chain;
    const onFilterFailed = (detail: string) => exchange.fail('filter_failed', detail);
    this.#run = new FilterRun(chain, { onFilterFailed }, wheel);
  }

  /** A hook has promised something: the exchange goes on when that is there. */
  get isPending(): boolean {
    return this.#run.isPending;
  }

  get choosesPeers(): boolean {
    return this.#chain.has('upstreamPeer');
  }

  get changesResponses(): boolean {
    return this.#chain.has('upstreamResponseFilter');
  }

  /** Answers, or goes on with the path as it is now; the fields are in the head then. */
  filterRequest(goOn: (path: string) => void): void {
    const request = this.#requestView();
    let given: GivenAnswer | null = null;
    this.#start({
      hook: 'requestFilter',
      subject: request,
      take: (result, filter) => (given = givenAnswer(result, filter)) !== null,
      onDone: () => {
        request.close();
        if (given !== null) return this.#exchange.answerHere(given.answer, 'answered_here', given.by);
        if (request.fields.isChanged) this.#exchange.head.fields = request.fields.toText();
        goOn(request.path);
      },
    });
  }

  /** `candidates` are not none. */
  choosePeer(pool: string, candidates: readonly Candidate[], onDone: (narrowing: Narrowing) => void): void {
    const attempt = this.#exchange.attempts.length + 1;
    let left: readonly PeerCandidate[] = candidates.map(({ id, target, weight }) => ({ id, target, weight }));
    let by: string | null = null;
    const request = this.#requestView();
    const choice: PeerChoice = {
      request,
      pool,
      attempt,
      get candidates() {
        return left;
      },
    };
    this.#start({
      hook: 'upstreamPeer',
      subject: choice,
      take: (result, { path }) => {
        const wanted = wantedIds(result);
        if (wanted === null) return false;
        left = left.filter(({ id }) => wanted.includes(id));
        by = path;
        return left.length === 0;
      },
      onDone: () => onDone(by === null ? null : { ids: new Set(left.map(({ id }) => id)), by: `filter ${by}` }),
    });
  }

  /** `onDone`: the fields as they are to be sent. */
  filterUpstreamRequest(head: OutgoingHead, onDone: (fields: string) => void): void {
    if (!this.#chain.has('upstreamRequestFilter')) return onDone(head.fields);
    const view = upstreamRequestView(attemptView(this.#requestView(), this.#exchange.attempts), head);
    const onAllCalled = (): void => {
      view.fields.close();
      onDone(view.fields.toText());
    };
    this.#start({ hook: 'upstreamRequestFilter', subject: view, take: nothingToTake, onDone: onAllCalled });
  }

  /** `onDone`: the changes are in the head. The client's body may go on meanwhile. */
  filterResponse(head: ResponseHead, onDone: () => void): void {
    const view = new ResponseView(attemptView(this.#requestView(), this.#exchange.attempts), head);
    const onAllCalled = (): void => {
      view.apply();
      onDone();
    };
    this.#run.start({ hook: 'upstreamResponseFilter', subject: view, take: nothingToTake, onDone: onAllCalled });
  }

  /** Nothing was sent. Fails as `termination` where there shall be no further attempt. */
  connectFailed(failure: Pick<ConnectFailure, 'code' | 'detail'>, termination: Termination, goOn: () => void): void {
    if (!this.#chain.has('failToConnect')) return goOn();
    let mayRetry = true;
    this.#start({
      hook: 'failToConnect',
      subject: { ...attemptView(this.#requestView(), this.#exchange.attempts), ...failure } satisfies ConnectFailure,
      take: (result) => {
        mayRetry &&= saysRetry(result);
        return false;
      },
      onDone: () => (mayRetry ? goOn() : this.#exchange.fail(termination, failure.detail)),
    });
  }

  /** Whether `proxyFailed` has to be called: once at most, and not for what is the client's or Muster's own fault. */
  isAskedAbout(termination: Termination): boolean {
    return !this.#wasAsked && ASKED_ABOUT.has(termination) && this.#chain.has('errorWhileProxy');
  }

  /** Something was sent. Answers in place of the failure, or fails with it after all. */
  proxyFailed(failure: Pick<ProxyFailure, 'reason' | 'detail' | 'isAnswerBegun'>): void {
    this.#wasAsked = true;
    const { attempts } = this.#exchange;
    let given: GivenAnswer | null = null;
    this.#start({
      hook: 'errorWhileProxy',
      subject: {
        ...attemptView(this.#requestView(), attempts),
        isReused: attempts.at(-1)!.isReused,
        ...failure,
      } satisfies ProxyFailure,
      take: (result, filter) => {
        const offered = givenAnswer(result, filter);
        if (!failure.isAnswerBegun) given = offered;
        return given !== null;
      },
      onDone: () => {
        const { reason, detail } = failure;
        if (given === null) this.#exchange.fail(reason, detail);
        else this.#exchange.answerHere(given.answer, 'answered_here', `${given.by}, in place of ${reason}`);
      },
    });
  }

  /** What a hook still promises is of no interest any more. */
  abandon(): void {
    this.#run.abandon();
  }

  /** The exchange is over. */
  finish(record: ExchangeRecord): void {
    this.#run.finish(record);
  }

  #start(pass: Pass): void {
    this.#run.start(pass);
    if (this.#run.isPending) this.#exchange.onFiltersWaiting();
  }

  #requestView(): RequestView {
    return (this.#request ??= new RequestView(this.#exchange));
  }
}

function nothingToTake(): false {
  return false;
}

function givenAnswer(result: unknown, { path }: PlacedFilter): GivenAnswer | null {
  if (result === undefined) return null;
  if (typeof result !== 'object' || result === null) throw new TypeError('it returned neither an answer nor nothing');
  return { answer: ownAnswerOf(result as FilterAnswer), by: `filter ${path}` };
}

function wantedIds(result: unknown): readonly string[] | null {
  if (result === undefined) return null;
  if (typeof result === 'string') return [result];
  if (Array.isArray(result) && result.every((id) => typeof id === 'string')) return result;
  throw new TypeError('it returned neither the id of a backend, nor a list of ids, nor nothing');
}

function saysRetry(result: unknown): boolean {
  if (result === undefined) return true;
  const { retry } = (result ?? {}) as { retry?: unknown };
  if (typeof retry !== 'boolean') throw new TypeError('it returned neither { retry: false } nor nothing');
  return retry;
}
