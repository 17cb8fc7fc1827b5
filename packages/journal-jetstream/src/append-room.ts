/**
 * How much may be on its way to the server at once; the rest waits its turn, first come first served.
 *
 * Without a bound, two thousand appends of a megabyte would all lie in the client's send buffer, and the server would
 * drop the connection of a publisher that it cannot keep up with. What waits here is bounded too: past that, none enters.
 */

/** Publishes without an answer. 45,000 appends a second at 1 ms need 45. */
const REQUESTS_ON_WIRE_MAX = 512;
const BYTES_ON_WIRE_MAX = 16_777_216;
/** Of all that are inside: on the wire and waiting. */
const BYTES_INSIDE_MAX = 67_108_864;

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

export class AppendRoom {
  #requestsOnWire = 0;
  #bytesOnWire = 0;
  #bytesInside = 0;
  #waiting: Waiting[] = [];
  /** Index of the first that waits: moving the whole list at each step would cost more than the list. */
  #first = 0;

  /** Null: there is no room at all. Else resolves when it is this one's turn; `leave` must follow. */
  enter(bytes: number): Promise<void> | null {
    if (this.#bytesInside + bytes > BYTES_INSIDE_MAX) return null;
    this.#bytesInside += bytes;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, enter: resolve });
    this.#admit();
    return promise;
  }

  leave(bytes: number): void {
    this.#requestsOnWire -= 1;
    this.#bytesOnWire -= bytes;
    this.#bytesInside -= bytes;
    this.#admit();
  }

  #admit(): void {
    for (let next = this.#waiting[this.#first]; next !== undefined; next = this.#waiting[this.#first]) {
      const isFull = this.#requestsOnWire >= REQUESTS_ON_WIRE_MAX || this.#bytesOnWire + next.bytes > BYTES_ON_WIRE_MAX;
      if (isFull) return this.#forgetAdmitted();
      this.#first += 1;
      this.#requestsOnWire += 1;
      this.#bytesOnWire += next.bytes;
      next.enter();
    }
    this.#waiting = [];
    this.#first = 0;
  }

  #forgetAdmitted(): void {
    if (this.#first * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }
}
