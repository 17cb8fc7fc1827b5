/**
 * The filters of one listener, as its requests use them: for each point of the way those that have a hook there, in the order in which
 * they are called. Made once when they are loaded; immutable but for the count of what `logging` failed at.
 */
import { messageOf } from '@muster/membership';
import { HOOK_NAMES, HOOK_TIMEOUT_MS, IS_REVERSED_BY_HOOK, type Filter, type HookName } from './filter.ts';

/** A filter and where it came from. */
export interface FilterModule {
  /** The path as the listener names it: `./filters/canary.ts`. */
  readonly path: string;
  readonly filter: Filter<unknown>;
}

/** A module in its place: `index` counts as the listener names them. */
export interface PlacedFilter extends FilterModule {
  readonly index: number;
}

/** A line for the log: a `logging` hook failed. */
export interface LoggingFailure {
  readonly path: string;
  readonly message: string;
  /** Failures since the last line that had none of their own. */
  readonly suppressedCount: number;
}

export interface FilterChainOptions {
  /** Default: `HOOK_TIMEOUT_MS`. */
  readonly hookTimeoutMs?: number;
  /** Told at most once per 5 s. Default: nobody. */
  readonly onLoggingFailure?: (failure: LoggingFailure) => void;
}

const QUIET_MS = 5_000;

export class FilterChain {
  readonly hookTimeoutMs: number;
  readonly count: number;
  readonly byHook: Readonly<Record<HookName, readonly PlacedFilter[]>>;
  readonly #onLoggingFailure: ((failure: LoggingFailure) => void) | undefined;
  #toldAtMs = -Infinity;
  #suppressedCount = 0;

  constructor(modules: readonly FilterModule[], { hookTimeoutMs, onLoggingFailure }: FilterChainOptions = {}) {
    this.hookTimeoutMs = hookTimeoutMs ?? HOOK_TIMEOUT_MS;
    this.#onLoggingFailure = onLoggingFailure;
    this.count = modules.length;
    const placed = modules.map((module, index) => ({ ...module, index }));
    this.byHook = Object.fromEntries(HOOK_NAMES.map((hook) => [hook, inOrder(placed, hook)])) as FilterChain['byHook'];
  }

  has(hook: HookName): boolean {
    return this.byHook[hook].length > 0;
  }

  loggingFailed({ path }: FilterModule, error: unknown): void {
    const nowMs = performance.now();
    if (nowMs - this.#toldAtMs < QUIET_MS) {
      this.#suppressedCount++;
      return;
    }
    this.#onLoggingFailure?.({ path, message: thrownLine(error), suppressedCount: this.#suppressedCount });
    this.#toldAtMs = nowMs;
    this.#suppressedCount = 0;
  }
}

function inOrder(placed: readonly PlacedFilter[], hook: HookName): readonly PlacedFilter[] {
  const having = placed.filter(({ filter }) => filter[hook] !== undefined);
  return IS_REVERSED_BY_HOOK[hook] ? having.toReversed() : having;
}

const MESSAGE_LENGTH_MAX = 300;

/** What was thrown, in one line. Never throws, whatever it is. */
export function thrownLine(error: unknown): string {
  return messageOf(error).replaceAll(/\s+/g, ' ').slice(0, MESSAGE_LENGTH_MAX);
}
