/**
 * Whether a client is read, and who notices that it leaves while it is not.
 *
 * A reset is told to whoever reads or writes. While neither happens (the body of a request has nowhere to go, or more was sent
 * ahead than is kept) the kernel is looked at once a second, and before something of the request is sent.
 */
import type { Leg } from '@muster/transport';
import { WheelTimer, type TimerOwner, type TimerWheel } from '../../timers/timer-wheel.ts';

const LOOK_MS = 1_000;

export class ReadPause implements TimerOwner {
  isPaused = false;
  readonly #leg: Leg;
  readonly #wheel: TimerWheel;
  readonly #onGone: () => void;
  /** Made with the first pause. It stays set when reading goes on, because pauses come and go with every piece of a body. */
  #timer: WheelTimer | null = null;

  /** `onGone` is told that the client has reset its connection while it was not read. */
  constructor(leg: Leg, wheel: TimerWheel, onGone: () => void) {
    this.#leg = leg;
    this.#wheel = wheel;
    this.#onGone = onGone;
  }

  /** May be repeated. */
  pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.#leg.pause();
    this.#timer ??= new WheelTimer(this);
    if (!this.#timer.isSet) this.#wheel.set(this.#timer, LOOK_MS);
  }

  resume(): void {
    this.isPaused = false;
    this.#leg.resume();
  }

  get hasLostClient(): boolean {
    return this.isPaused && this.#leg.isPeerGone();
  }

  /** Nobody looks any more: the connection is closed, or the leg is somebody else's. */
  dispose(): void {
    if (this.#timer !== null) this.#wheel.clear(this.#timer);
  }

  onTimer(): void {
    if (!this.isPaused) return;
    if (this.#leg.isPeerGone()) this.#onGone();
    else this.#wheel.set(this.#timer!, LOOK_MS);
  }
}
