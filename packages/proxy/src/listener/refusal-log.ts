/**
 * Tells the log that a listener refuses connections: the first one at once, then at most one line per 5 s that says
 * how many there were since. A node under load without a backend must not turn its log into a second incident.
 */
import type { ConnectionRefusal } from './listener-stats.ts';
import { WheelTimer, type TimerOwner, type TimerWheel } from '../timers/timer-wheel.ts';

const QUIET_MS = 5_000;

export interface RefusalLine {
  readonly listener: string;
  /** Null where it is not known which. */
  readonly pool: string | null;
  readonly reason: ConnectionRefusal | 'accept_failed';
  /** Connections that were refused since the last line and had none of their own. */
  readonly suppressedCount: number;
}

export class RefusalLog implements TimerOwner {
  readonly #wheel: TimerWheel;
  readonly #write: (line: RefusalLine) => void;
  readonly #timer = new WheelTimer(this);
  #last: Omit<RefusalLine, 'suppressedCount'> | null = null;
  #suppressedCount = 0;

  constructor(wheel: TimerWheel, write: (line: RefusalLine) => void) {
    this.#wheel = wheel;
    this.#write = write;
  }

  refused(line: Omit<RefusalLine, 'suppressedCount'>): void {
    this.#last = line;
    if (this.#timer.isSet) {
      this.#suppressedCount++;
      return;
    }
    this.#write({ ...line, suppressedCount: 0 });
    this.#wheel.set(this.#timer, QUIET_MS);
  }

  onTimer(): void {
    if (this.#suppressedCount === 0) return;
    this.#write({ ...this.#last!, suppressedCount: this.#suppressedCount });
    this.#suppressedCount = 0;
    this.#wheel.set(this.#timer, QUIET_MS);
  }

  close(): void {
    this.#wheel.clear(this.#timer);
  }
}
