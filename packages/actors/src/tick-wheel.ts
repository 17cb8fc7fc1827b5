/**
 * Leases by the moment when each is to be looked at: a hashed wheel without a size (Varghese and Lauck, 1987).
 *
 * A heartbeat does not touch it. A lease is looked at when the deadline that it had at the last look is over; if it was
 * heard meanwhile, it is put in again under its new deadline. So with a lease of three heartbeats, one look pays for three of them,
 * and a sweep costs what is due and not what is held.
 */
import type { Lease } from './peers/lease.ts';

export class LeaseWheel {
  readonly #tickMs: number;
  readonly #leasesByTick = new Map<number, Set<Lease>>();
  /** The newest tick that was taken. */
  #tick: number;

  constructor({ tickMs, nowMs }: { readonly tickMs: number; readonly nowMs: number }) {
    this.#tickMs = tickMs;
    this.#tick = Math.floor(nowMs / tickMs);
  }

  /** Puts a lease in, or elsewhere: it is taken at `atMs` or up to a tick later, and after the present sweep. */
  put(lease: Lease, atMs: number): void {
    this.remove(lease);
    const tick = Math.max(Math.ceil(atMs / this.#tickMs), this.#tick + 1);
    lease.tick = tick;
    const leases = this.#leasesByTick.get(tick);
    if (leases === undefined) this.#leasesByTick.set(tick, new Set([lease]));
    else leases.add(lease);
  }

  remove(lease: Lease): void {
    if (lease.tick === null) return;
    const leases = this.#leasesByTick.get(lease.tick);
    leases?.delete(lease);
    if (leases?.size === 0) this.#leasesByTick.delete(lease.tick);
    lease.tick = null;
  }

  /** Takes out what is due. */
  takeDue(nowMs: number): Lease[] {
    const due: Lease[] = [];
    for (const present = Math.floor(nowMs / this.#tickMs); this.#tick < present;) {
      this.#tick += 1;
      const leases = this.#leasesByTick.get(this.#tick);
      if (leases === undefined) continue;
      this.#leasesByTick.delete(this.#tick);
      for (const lease of leases) {
        lease.tick = null;
        due.push(lease);
      }
    }
    return due;
  }
}
