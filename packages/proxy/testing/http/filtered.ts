/** A proxy whose one listener has filters, for the tests of what they may do with requests on the wire. */
import { ProxyHarness } from '../proxy-harness.ts';
import type { ExchangeRecord } from '../../src/http/record/exchange-record.ts';
import { expectNothingUnderWay } from './scripted.ts';
import { FilterChain, type LoggingFailure } from '../../src/http/filters/filter-chain.ts';
import type { Filter } from '../../src/http/filters/filter.ts';

/** Nobody listens there. */
export const NOWHERE = '127.0.0.1:1';

export class Filtered implements AsyncDisposable {
  readonly harness: ProxyHarness;
  readonly loggingFailures: LoggingFailure[] = [];
  /** Requests that are over, oldest first; copies. */
  readonly records: Pick<ExchangeRecord, 'termination' | 'detail' | 'status' | 'attempts'>[] = [];
  filters: FilterChain;
  port = 0;

  constructor(filters: readonly Filter<unknown>[], hookTimeoutMs: number) {
    const modules = filters.map((filter, index) => ({
      path: `./${'abc'[index]}.ts`,
      filter,
    }));
    const onLoggingFailure = (failure: LoggingFailure) => void this.loggingFailures.push(failure);
    this.filters = new FilterChain(modules, { hookTimeoutMs, onLoggingFailure });
    this.harness = new ProxyHarness({
      filtersOf: () => this.filters,
      onExchange: ({ termination, detail, status, attempts }) =>
        this.records.push({ termination, detail, status, attempts: attempts.map((attempt) => ({ ...attempt })) }),
    });
  }

  /** The pool p, and a listener with the filters a, b, …; backends are the test's to add. */
  static async by(filters: readonly Filter<unknown>[], { hookTimeoutMs = 5_000 } = {}): Promise<Filtered> {
    const filtered = new Filtered(filters, hookTimeoutMs);
    filtered.harness.pool({ connectAttempts: 3 });
    filtered.port = await filtered.harness.listen({ protocol: 'http', filters: ['./a.ts'] });
    return filtered;
  }

  get last() {
    return this.records.at(-1)!;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.harness[Symbol.asyncDispose]();
  }

  /** No request, connection or place in a line is left over. */
  expectNothingUnderWay(): Promise<void> {
    return expectNothingUnderWay(this.harness);
  }
}

/** A promise that somebody else keeps, and the moment at which it was asked for. */
export class Gate<Result = void> {
  readonly #asked = Promise.withResolvers<void>();
  readonly #kept = Promise.withResolvers<Result>();

  /** In a hook. */
  pass(): Promise<Result> {
    this.#asked.resolve();
    return this.#kept.promise;
  }

  get reached(): Promise<void> {
    return this.#asked.promise;
  }

  open(result: Result): void {
    this.#kept.resolve(result);
  }
}
