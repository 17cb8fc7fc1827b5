/** What head starts and name look-ups are timed by. The data plane gives its timer wheel, a test a clock that it turns itself. */
import { performance } from 'node:perf_hooks';

export interface DialClock {
  /** Milliseconds since some moment; never steps. */
  nowMs(): number;
  /** Calls back once, when `delayMs` (0 or more) have passed, and keeps no process alive. Returns what calls it off. */
  after(delayMs: number, callBack: () => void): () => void;
}

/** Node's timers reach no further: 24.8 days. */
const DELAY_MAX_MS = 2_147_483_647;

export const SYSTEM_CLOCK: DialClock = {
  nowMs: () => performance.now(),
  after(delayMs, callBack) {
    const timer = setTimeout(callBack, Math.min(delayMs, DELAY_MAX_MS)).unref();
    return () => clearTimeout(timer);
  },
};
