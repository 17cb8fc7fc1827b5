/**
 * The timer wheel: every timeout of a worker, on one interval.
 *
 * A hashed wheel (Varghese and Lauck, 1987, scheme 6): 512 slots of 100 ms, each a doubly linked list; a timer whose
 * deadline is more than one turn away is looked at once a turn (51.2 s). Setting and clearing are O(1) without
 * allocation, and the current tick is a number that a connection can store as "active now" for nothing.
 *
 * Coarse on purpose: a timeout fires up to one tick late, never early. The clock must not go backwards.
 */
export const TICK_MS = 100;
const SLOT_COUNT = 512;

export interface TimerOwner {
  onTimer(): void;
}

/** One timeout, set and cleared any number of times. */
export class WheelTimer {
  readonly owner: TimerOwner;
  deadlineTick = 0;
  previous: WheelTimer = this;
  next: WheelTimer = this;

  constructor(owner: TimerOwner) {
    this.owner = owner;
  }

  get isSet(): boolean {
    return this.next !== this;
  }
}

export interface TimerWheelOptions {
  /** Milliseconds of a monotonic clock. */
  readonly nowMs: () => number;
}

export class TimerWheel {
  /** The number of whole ticks since the wheel was made, as of the last time it turned. */
  tick = 0;
  readonly #nowMs: () => number;
  readonly #startMs: number;
  readonly #slots = Array.from({ length: SLOT_COUNT }, () => new WheelTimer({ onTimer: () => undefined }));

  constructor({ nowMs }: TimerWheelOptions) {
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  /** Sets or moves the timer. It fires in `delayMs`, plus at most one tick; at the next tick for 0 or less. */
  set(timer: WheelTimer, delayMs: number): void {
    this.setTick(timer, this.tickIn(delayMs));
  }

  /** The first tick that is not before `delayMs` from now by the clock, however late the wheel is. */
  tickIn(delayMs: number): number {
    const elapsedMs = this.#nowMs() - this.#startMs;
    return Math.max(Math.ceil((elapsedMs + delayMs) / TICK_MS), Math.floor(elapsedMs / TICK_MS) + 1);
  }

  /** The same for a tick that has not come yet; reads no clock. */
  setTick(timer: WheelTimer, tick: number): void {
    unlink(timer);
    timer.deadlineTick = tick;
    const slot = this.#slots[timer.deadlineTick % SLOT_COUNT]!;
    timer.previous = slot.previous;
    timer.next = slot;
    slot.previous.next = timer;
    slot.previous = timer;
  }

  /** Calls back once, as `set` says. Returns what calls it off. */
  after(delayMs: number, callBack: () => void): () => void {
    const timer = new WheelTimer({ onTimer: callBack });
    this.set(timer, delayMs);
    return () => this.clear(timer);
  }

  clear(timer: WheelTimer): void {
    unlink(timer);
  }

  /** Fires what is due. To be called about once a tick; after a stall it makes up for the ticks that were missed. */
  turn(): void {
    const target = this.#elapsedTicks();
    const slotsToVisit = Math.min(target - this.tick, SLOT_COUNT);
    const first = target - slotsToVisit + 1;
    this.tick = target;
    for (let tick = first; tick <= target; tick++) this.#fire(this.#slots[tick % SLOT_COUNT]!);
  }

  #fire(slot: WheelTimer): void {
    // What is due is moved to a list of its own first: an owner may set, clear or free any timer while it is told.
    const due = new WheelTimer(slot.owner);
    for (let timer = slot.next; timer !== slot;) {
      const { next } = timer;
      if (timer.deadlineTick <= this.tick) {
        unlink(timer);
        timer.previous = due.previous;
        timer.next = due;
        due.previous.next = timer;
        due.previous = timer;
      }
      timer = next;
    }
    while (due.next !== due) {
      const timer = due.next;
      unlink(timer);
      timer.owner.onTimer();
    }
  }

  #elapsedTicks(): number {
    return Math.floor((this.#nowMs() - this.#startMs) / TICK_MS);
  }
}

function unlink(timer: WheelTimer): void {
  timer.previous.next = timer.next;
  timer.next.previous = timer.previous;
  timer.previous = timer;
  timer.next = timer;
}
