/** An acceptor that can take what waits in the kernel's queue before it closes, whatever it accepts with. */
import { FINISH_TURNS_MAX, type Acceptor } from './leg.ts';

/** Turns in a row without a connection: the first may have begun after the loop had looked at the socket. */
const QUIET_TURNS = 2;

export class FinishingAcceptor implements Acceptor {
  readonly #close: () => void;
  #acceptedCount = 0;
  #isClosed = false;
  #onClosed: (() => void) | null = null;

  constructor(close: () => void) {
    this.#close = close;
  }

  /** To be called for each connection. */
  accepted(): void {
    this.#acceptedCount++;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#close();
    this.#onClosed?.();
  }

  finish(onClosed: () => void): void {
    if (this.#isClosed) return onClosed();
    this.#onClosed = onClosed;
    let seenCount = this.#acceptedCount;
    let turnsCount = 0;
    let quietCount = 0;
    const turn = (): void => {
      if (this.#isClosed) return;
      quietCount = this.#acceptedCount === seenCount ? quietCount + 1 : 0;
      seenCount = this.#acceptedCount;
      if (quietCount >= QUIET_TURNS || ++turnsCount >= FINISH_TURNS_MAX) this.close();
      else setImmediate(turn);
    };
    setImmediate(turn);
  }
}
