/**
 * Time: the clock of a node, whose timers fire together, on ticks, and waits by whatever clock.
 *
 * Probes that start one by one wake the event loop one by one, and a wake-up costs as much as the probe: at 2,000 TCP
 * probes a second, 146 µs a probe with 1 ms timers, 65 to 85 µs when they start in batches every 50 ms. So deadlines are
 * rounded up to the next tick, and one interval serves them all. While no timer is set, nothing ticks.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from './ports.ts';
import { TickWheel, type WheelEntry } from './tick-wheel.ts';

const TICK_MS_DEFAULT = 50;

interface Timer extends WheelEntry {
  readonly fn: () => void;
}

/** `tickMs`: 1 to 1,000; default 50. */
export function coarseClock({ tickMs = TICK_MS_DEFAULT }: { readonly tickMs?: number } = {}): Clock {
  return new CoarseClock(tickMs);
}

class CoarseClock implements Clock {
  readonly #tickMs: number;
  readonly #wheel: TickWheel<Timer>;
  #interval: NodeJS.Timeout | null = null;

  constructor(tickMs: number) {
    this.#tickMs = tickMs;
    this.#wheel = new TickWheel({ tickMs, nowMs: performance.now() });
  }

  now(): number {
    return Date.now();
  }

  elapsedMs(): number {
    return performance.now();
  }

  setTimeout(fn: () => void, delayMs: number): unknown {
    // The wheel stood still while it was empty, and is brought to the present first.
    if (this.#interval === null) this.#start();
    const timer: Timer = { fn, tick: null };
    this.#wheel.put(timer, performance.now() + delayMs);
    return timer;
  }

  clearTimeout(id: unknown): void {
    if (id === undefined || id === null) return;
    this.#wheel.remove(id as Timer);
    this.#stopWhereEmpty();
  }

  #start(): void {
    this.#turn();
    this.#interval = setInterval(() => this.#turn(), this.#tickMs);
  }

  #stopWhereEmpty(): void {
    if (this.#interval === null || !this.#wheel.isEmpty) return;
    clearInterval(this.#interval);
    this.#interval = null;
  }

  /** Fires what is due, also what a stall has made late, in the order of the ticks. */
  #turn(): void {
    for (const { fn } of this.#wheel.takeDue(performance.now())) fn();
    this.#stopWhereEmpty();
  }
}

/** Resolves after `delayMs`, or as soon as the signal says so. Never rejects. */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimeout(resolve, delayMs);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort);
  await promise;
  signal.removeEventListener('abort', onAbort);
  clock.clearTimeout(timer);
}

/** What `work` comes to, or `late` after `timeoutMs`; it goes on by itself then. Rejects as `work` does. */
export async function inTime<Result>(
  work: Promise<Result>,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<Result | 'late'> {
  const { promise, resolve } = Promise.withResolvers<'late'>();
  const timer = clock.setTimeout(() => resolve('late'), timeoutMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clock.clearTimeout(timer);
  }
}
