/**
 * Which address of a name answered last, where that was not its first: so a dead first address costs its head start once, and not
 * with each connection.
 *
 * It is forgotten after ten minutes, so that a first address that is alive again is found out by one connection.
 */
import type { DialClock } from './names/resolver-settings.ts';

const REMEMBERED_MS = 600_000;
/** The one that was learnt first makes room for another. */
const REMEMBERED_MAX = 16_384;

export class ReachedAddresses {
  readonly #clock: DialClock;
  readonly #byTarget = new Map<string, { readonly address: string; readonly untilMs: number }>();

  constructor(clock: DialClock) {
    this.#clock = clock;
  }

  /** `addresses` with the one first that answered last. `target` is HOST:PORT, since one port may be dead on one address alone. */
  inOrder(target: string, addresses: readonly string[]): readonly string[] {
    const reached = this.#byTarget.get(target);
    if (reached === undefined) return addresses;
    if (this.#clock.nowMs() >= reached.untilMs || !addresses.includes(reached.address)) {
      this.#byTarget.delete(target);
      return addresses;
    }
    return [reached.address, ...addresses.filter((address) => address !== reached.address)];
  }

  /** To be told where it was not the one that `inOrder` put first. */
  answered(target: string, address: string): void {
    if (this.#byTarget.size >= REMEMBERED_MAX) {
      for (const oldest of this.#byTarget.keys()) {
        this.#byTarget.delete(oldest);
        break;
      }
    }
    this.#byTarget.set(target, { address, untilMs: this.#clock.nowMs() + REMEMBERED_MS });
  }
}
