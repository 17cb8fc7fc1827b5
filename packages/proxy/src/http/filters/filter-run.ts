/**
 * One request's way through its listener's filters: calls the hooks of one point after another, waits where one promises something,
 * and makes a failure of whatever goes wrong in one.
 *
 *     start(pass) ──► hook ──► hook ──► … ──► pass.onDone()         all within the call, where no hook promises anything
 *                      │ promise
 *                      └─ wait ─► settled ─► hook ─► … ─► pass.onDone()
 *                           ├─ too late, or rejected ─► owner.onFilterFailed()
 *                           └─ abandon(): nobody is told anything
 *
 * At most one pass is under way at a time. It knows nothing of HTTP: what is handed to hooks, and what their results mean, is in the
 * pass.
 */
import { Deadline } from '../../timers/deadline.ts';
import type { TimerWheel } from '../../timers/timer-wheel.ts';
import type { ExchangeRecord } from '../record/exchange-record.ts';
import { thrownLine, type FilterChain, type PlacedFilter } from './filter-chain.ts';
import type { HookName } from './filter.ts';

/** One point of the way. */
export interface Pass {
  readonly hook: Exclude<HookName, 'logging'>;
  /** What each hook is handed. */
  readonly subject: object;
  /** Takes what a hook returned; throws a TypeError where it may not be that. Returns true where no further hook is to be called. */
  take(result: unknown, filter: PlacedFilter): boolean;
  onDone(): void;
}

export interface FilterRunOwner {
  /** A hook failed: `detail` for people, `filter ./a.ts: requestFilter threw: …`. */
  onFilterFailed(detail: string): void;
}

type AnyHook = (subject: object, context: unknown) => unknown;

export class FilterRun {
  readonly chain: FilterChain;
  readonly #owner: FilterRunOwner;
  readonly #wheel: TimerWheel;
  /** Made when the first hook of a filter is about to be called. */
  readonly #contexts: ({ readonly value: unknown } | undefined)[] = [];
  #deadline: Deadline | null = null;
  #pass: Pass | null = null;
  /** Whose promise is waited for. */
  #awaited: PlacedFilter | null = null;

  constructor(chain: FilterChain, owner: FilterRunOwner, wheel: TimerWheel) {
    this.chain = chain;
    this.#owner = owner;
    this.#wheel = wheel;
  }

  /** A hook has promised something, and `onDone` or a failure is still to come. */
  get isPending(): boolean {
    return this.#pass !== null;
  }

  /** Calls the hooks. A pass that is under way is abandoned. */
  start(pass: Pass): void {
    this.#pass = pass;
    this.#callFrom(pass, 0);
  }

  /** What is still promised is of no interest any more. May be repeated. */
  abandon(): void {
    this.#pass = null;
    this.#deadline?.dispose();
  }

  /** The request is over: tells `logging`. */
  finish(record: ExchangeRecord): void {
    this.abandon();
    for (const placed of this.chain.byHook.logging) {
      try {
        const result: unknown = placed.filter.logging!(record, this.#contextOf(placed));
        if (isThenable(result)) adopted(result).catch((error: unknown) => this.chain.loggingFailed(placed, error));
      } catch (error) {
        this.chain.loggingFailed(placed, error);
      }
    }
  }

  #callFrom(pass: Pass, first: number): void {
    const filters = this.chain.byHook[pass.hook];
    for (let index = first; index < filters.length; index++) {
      const placed = filters[index]!;
      try {
        const context = this.#contextOf(placed);
        const result = (placed.filter[pass.hook] as AnyHook).call(placed.filter, pass.subject, context);
        if (isThenable(result)) return this.#await(pass, index, result);
        if (pass.take(result, placed)) break;
      } catch (error) {
        return this.#failed(pass, placed, `threw: ${thrownLine(error)}`);
      }
    }
    this.#pass = null;
    pass.onDone();
  }

  #await(pass: Pass, index: number, promised: PromiseLike<unknown>): void {
    const placed = this.chain.byHook[pass.hook][index]!;
    this.#awaited = placed;
    this.#deadline ??= new Deadline(this.#wheel, () => this.#timedOut());
    this.#deadline.set(this.chain.hookTimeoutMs);
    adopted(promised).then(
      (result) => this.#settled(pass, index, result),
      (error: unknown) => {
        if (this.#pass === pass) this.#failed(pass, placed, `rejected: ${thrownLine(error)}`);
      },
    );
  }

  #settled(pass: Pass, index: number, result: unknown): void {
    if (this.#pass !== pass) return;
    this.#deadline!.clear();
    const placed = this.chain.byHook[pass.hook][index]!;
    let isLast: boolean;
    try {
      isLast = pass.take(result, placed);
    } catch (error) {
      return this.#failed(pass, placed, `threw: ${thrownLine(error)}`);
    }
    this.#callFrom(pass, isLast ? Infinity : index + 1);
  }

  #timedOut(): void {
    if (this.#pass === null) return;
    this.#failed(this.#pass, this.#awaited!, `did not settle within ${this.chain.hookTimeoutMs} ms`);
  }

  #failed({ hook }: Pass, { path }: PlacedFilter, what: string): void {
    this.abandon();
    this.#owner.onFilterFailed(`filter ${path}: ${hook} ${what}`);
  }

  #contextOf({ index, filter }: PlacedFilter): unknown {
    return (this.#contexts[index] ??= { value: contextOf(filter) }).value;
  }
}

/** A promise is refused, and one that is rejected must not be left to nobody. */
function contextOf(filter: PlacedFilter['filter']): unknown {
  const value: unknown = filter.newContext?.();
  if (!isThenable(value)) return value;
  adopted(value).catch(() => undefined);
  throw new TypeError('newContext returned a promise: what it promises would not be there in time');
}

/** A promise of our own, which settles once, whatever a filter's does. */
function adopted(promised: PromiseLike<unknown>): Promise<unknown> {
  return new Promise((resolve) => resolve(promised));
}

function isThenable(result: unknown): result is PromiseLike<unknown> {
  return typeof result === 'object' && result !== null && typeof (result as { then?: unknown }).then === 'function';
}
