/**
 * The attempts of one exchange: which backend is tried next, on which connection, and what became of each.
 *
 * It keeps the limits: attempts per request, each with a backend that was not tried; retries under way in the pool (one that is
 * beyond the budget waits its turn); connections per backend (a request that finds all of them full waits in line). Whether
 * another attempt may be made at all is the exchange's decision, because it knows what was sent.
 */
import type { Candidate } from '@muster/membership';
import type { PickInputs } from '@muster/selection';
import type { HashKeySource, Pick, ProxiedPool } from '../../pool/proxied-pool.ts';
import type { Waiting, WaitingLine } from '../../pool/waiting-line.ts';
import { VERDICT_BY_OUTCOME, verdictOfAnswer } from '../record/backend-verdict.ts';
import type { Attempt, AttemptOutcome, RefusedPick } from '../record/exchange-record.ts';
import type { ExchangeFilters, Narrowing } from '../filters/exchange-filters.ts';
import type { Termination } from '../record/termination.ts';
import type { ExchangePolicy, PolicyTable } from '../routes/exchange-policy.ts';
import type { UpstreamOpener, UpstreamStream, UpstreamUser } from './streams.ts';

type Picked = Pick & { ok: true };
type OpenAttempt = { -readonly [Key in keyof Attempt]: Attempt[Key] };

/** The exchange. */
export interface AttemptUser extends UpstreamUser, HashKeySource {
  /** Null: there are none. */
  readonly filters: ExchangeFilters | null;
  /** Milliseconds since it began. */
  elapsedMs(): number;
  /** A connection is being dialled, or was kept alive and can be written to. */
  onConnection(upstream: UpstreamStream): void;
  /** Nobody can be had. */
  fail(termination: Termination, detail: string | null): void;
  /** It waits for room or for its turn; `onConnection` or `fail` follows. */
  onWaiting(timeoutMs: number): void;
}

/** What all exchanges of a listener make their attempts with. */
interface AttemptMeans {
  readonly upstreams: UpstreamOpener;
  readonly settings: { readonly policies: PolicyTable };
}

export class Attempts implements Waiting {
  /** Whether the last target was not dialled because this node does not dial it. */
  #isTargetRefused = false;
  readonly list: OpenAttempt[] = [];
  /** The last pick, where it found nobody. */
  refused: RefusedPick | null = null;
  readonly pool: ProxiedPool;
  readonly #user: AttemptUser;
  readonly #upstreams: UpstreamOpener;
  readonly #policies: PolicyTable;
  #triedIds: readonly string[] = NONE_TRIED;
  #policy: ExchangePolicy | null = null;
  #backend: Candidate | null = null;
  /** The next connection must be a new one. */
  #isFreshWanted = false;
  /** Whose kept-alive connection had ended. */
  #staleId: string | null = null;
  #holdsRetry = false;
  /** What the backend said, before filters changed it; 0 without an answer. */
  #answeredStatus = 0;
  #line: WaitingLine | null = null;
  /** What filters left to pick from; undefined: they are still to be asked about this attempt. */
  #narrowing: Narrowing | undefined;

  constructor(user: AttemptUser, pool: ProxiedPool, { upstreams, settings }: AttemptMeans) {
    this.#user = user;
    this.pool = pool;
    this.#upstreams = upstreams;
    this.#policies = settings.policies;
    this.#narrowing = user.filters?.choosesPeers === true ? undefined : null;
    pool.retryBudget.requestsCount++;
  }

  /** By the spec of the set that was picked from last; throws before the first pick. */
  get policy(): ExchangePolicy {
    return this.#policy!;
  }

  get isWaiting(): boolean {
    return this.#line !== null;
  }

  /** It has waited for too long. */
  waitedInVain(): void {
    this.#user.fail(this.#line === this.pool.retryLine ? 'retries_exhausted' : 'wait_timeout', null);
  }

  /** The first attempt, or another one. */
  next(): void {
    const { pool } = this;
    const isRetry = this.list.length > 0;
    if (isRetry && !this.#mayRetry()) return this.#wait(pool.retryLine);
    if (this.#narrowing === undefined) return this.#narrow(this.#user.filters!);
    const picked = this.#pick();
    if (!picked.ok) return this.#nobody(picked);
    this.#stopWaiting();
    this.#begin(picked);
  }

  /**
   * A backend that was killed loses its connections one after another, and its listening socket last: what is dialled meanwhile is
   * accepted and lost as well. So a request that is sent again goes elsewhere where it can.
   */
  #pick(): Pick {
    const { pool } = this;
    if (this.#staleId !== null) {
      const elsewhere = pool.pick([...this.#triedIds, this.#staleId], this.#user, this.#narrowing?.ids);
      if (elsewhere.ok) return elsewhere;
    }
    return pool.pick(this.#triedIds, this.#user, this.#narrowing?.ids);
  }

  onRoom(): void {
    if (this.#line === this.pool.retryLine && !this.#mayRetry()) return;
    this.next();
  }

  /** The attempt under way has come to its end without the head of an answer. `failure`: what counts against the backend, if that does. */
  end(outcome: AttemptOutcome, detail: string | null, failure: string | null): void {
    const attempt = this.list.at(-1)!;
    attempt.outcome = outcome;
    attempt.detail = detail;
    if (failure !== null && VERDICT_BY_OUTCOME[outcome] === 'failed') this.pool.tally.failed(this.#backend!, failure);
  }

  /** No connection was had; `end` follows. */
  connectFailed(code: string): void {
    this.pool.stats.connectFailures++;
    this.#isTargetRefused = code === 'TARGET_REFUSED';
    if (this.#isTargetRefused) this.#notDialled();
  }

  /** Where others are left, it was no attempt of theirs; once for each backend, since filters may leave no other. */
  #notDialled(): void {
    const { backend, target } = this.list.at(-1)!;
    const isRepeated = this.list.slice(0, -1).some((earlier) => earlier.backend === backend);
    if (this.pool.notDialled(target) && !isRepeated) this.#triedIds = this.#triedIds.slice(0, -1);
  }

  /** The head of an answer came; what it says of the backend is known when the exchange is over. */
  answered(status: number): void {
    const attempt = this.list.at(-1)!;
    attempt.outcome = 'answered';
    attempt.answeredAtMs = this.#user.elapsedMs();
    this.#answeredStatus = status;
  }

  /** A kept-alive connection that had ended says nothing about its backend, which may be tried again; on a new one. */
  forgetStale(): void {
    this.#staleId = this.#triedIds.at(-1)!;
    this.#triedIds = this.#triedIds.slice(0, -1);
    this.#isFreshWanted = true;
  }

  /** The exchange is over. */
  close(termination: Termination): void {
    const { retryBudget, retryLine } = this.pool;
    this.#stopWaiting();
    const last = this.list.at(-1);
    if (last?.outcome === 'pending') last.outcome = 'cancelled';
    else if (last?.outcome === 'answered') this.#judge(termination);
    retryBudget.requestsCount--;
    if (!this.#holdsRetry) return;
    retryBudget.giveBack();
    retryLine.serveOne();
  }

  #judge(termination: Termination): void {
    const status = this.#answeredStatus;
    const verdict = verdictOfAnswer(status, termination);
    const { tally } = this.pool;
    if (verdict === 'well') tally.succeeded(this.#backend!.id);
    else if (verdict === 'failed') {
      tally.failed(this.#backend!, termination === 'answer_cut' ? 'an answer that broke off' : `status ${status}`);
    }
  }

  /** Once per attempt, however long it waits for room afterwards. */
  #narrow(filters: ExchangeFilters): void {
    this.#stopWaiting();
    const candidates = this.pool.candidates(this.#triedIds);
    const goOn = (narrowing: Narrowing): void => {
      this.#narrowing = narrowing;
      this.next();
    };
    if (candidates.length === 0) goOn(null);
    else filters.choosePeer(this.pool.id, candidates, goOn);
  }

  #begin(picked: Picked): void {
    const { backend, target, spec } = picked;
    const policy = this.#policies.for(spec);
    this.#policy = policy;
    this.#backend = backend;
    this.refused = null;
    const reused = this.#isFreshWanted ? null : this.#upstreams.takeIdle(target, this.#user);
    this.list.push(this.#attemptOf(picked, reused !== null));
    if (this.#user.filters?.choosesPeers === true) this.#narrowing = undefined;
    this.#triedIds = this.#triedIds.length === 0 ? [backend.id] : [...this.#triedIds, backend.id];
    target.enter();
    if (this.list.length > 1) this.pool.stats.retries++;
    if (reused !== null) return this.#user.onConnection(reused);
    const { waitingLine } = this.pool;
    // Who wants a new connection although there are idle ones takes the place of the oldest of them.
    const isFull = target.connections.size >= policy.maxConnectionsPerBackend;
    if (isFull) target.idle[0]?.closeIdle();
    const { connectTimeoutMs } = policy;
    const onRoom = () => waitingLine.serveOne();
    this.#user.onConnection(this.#upstreams.dial(target, this.#user, { connectTimeoutMs, onRoom }));
  }

  #attemptOf(picked: Picked, isReused: boolean): OpenAttempt {
    const { backend, set, inputs, keyHash, triedIds, fullIds, undialledIds, isStrict } = picked;
    return {
      backend: backend.id,
      target: backend.target,
      set,
      inputs: copyOf(inputs),
      keyHash,
      triedIds,
      fullIds,
      undialledIds,
      isStrict,
      onlyIds: this.#onlyIds(),
      isReused,
      startedAtMs: this.list.length === 0 ? 0 : this.#user.elapsedMs(),
      answeredAtMs: -1,
      outcome: 'pending',
      detail: null,
    };
  }

  #mayRetry(): boolean {
    if (this.#holdsRetry) return true;
    this.#holdsRetry = this.pool.retryBudget.take(this.#policy!.retryBudgetRatio);
    return this.#holdsRetry;
  }

  #onlyIds(): readonly string[] | null {
    return this.#narrowing ? [...this.#narrowing.ids] : null;
  }

  #nobody({ reason, set, ...passed }: Pick & { ok: false }): void {
    if (set !== null) this.refused = { reason, set, ...passed, isStrict: false, onlyIds: this.#onlyIds() };
    if (reason === 'backends_full') return this.#wait(this.pool.waitingLine);
    const last = this.list.at(-1);
    if (reason === 'unknown_pool') return this.#user.fail('unknown_pool', `there is no pool ${this.pool.id}`);
    if (last === undefined) {
      const narrowed = this.#narrowing ? `, to which ${this.#narrowing.by} leaves no backend that is there` : '';
      return this.#user.fail('no_healthy_backend', `pool ${this.pool.id}${narrowed}`);
    }
    if (last.outcome === 'connect_timeout') return this.#user.fail('connect_timeout', last.detail);
    if (this.#isTargetRefused) return this.#user.fail('target_refused', last.detail);
    this.#user.fail(last.outcome === 'stale' ? 'no_answer' : 'connect_failed', last.detail);
  }

  #wait(line: WaitingLine): void {
    if (this.#line === line) return;
    this.#stopWaiting();
    const { spec } = this.pool;
    const policy = spec === null ? this.#policy! : this.#policies.for(spec);
    if (!line.join(this, policy.maxWaiting)) {
      return this.#user.fail(line === this.pool.retryLine ? 'retries_exhausted' : 'backends_full', null);
    }
    this.#line = line;
    this.#user.onWaiting(policy.waitTimeoutMs);
  }

  #stopWaiting(): void {
    this.#line?.leave(this);
    this.#line = null;
  }
}

const NONE_TRIED: readonly string[] = [];

/** The policy's own are good until its next pick. */
function copyOf(inputs: Readonly<PickInputs>): PickInputs {
  const { consulted } = inputs;
  return consulted.length === 0 ? { ...inputs } : { ...inputs, consulted: consulted.map((one) => ({ ...one })) };
}
