/**
 * Requests that arrive together are answered one a turn of the event loop, in the order of their arrival: fifty commands at once, a
 * millisecond each, would otherwise be one turn that holds everything else up.
 *
 * As many wait as there are connections, since one connection has one request at a time.
 */
export class OwnTurns {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when it is the caller's turn. */
  next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    if (this.#waiting.length === 1) setImmediate(() => this.#begin());
    return promise;
  }

  #begin(): void {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(() => this.#begin());
  }
}
