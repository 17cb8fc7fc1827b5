/**
 * What is due when, in ticks: a hashed wheel without a size (Varghese and Lauck, 1987). The entries of a tick are a set, found by the
 * tick's number, so that putting in and taking out are O(1), and a turn costs what is due and not what is held.
 *
 * Never early; late by up to one tick.
 */

/** Something that has a place in a wheel. */
export interface WheelEntry {
  /** The tick at which it is due; null while it is in no wheel. Written by the wheel alone. */
  tick: number | null;
}

export class TickWheel<Entry extends WheelEntry> {
  readonly #tickMs: number;
  readonly #entriesByTick = new Map<number, Set<Entry>>();
  /** The newest tick of which the entries were taken, or are being taken. */
  #tick: number;
  /** The tick that it was when entries were last taken: what is put in is due after it. */
  #present: number;

  constructor({ tickMs, nowMs }: { readonly tickMs: number; readonly nowMs: number }) {
    this.#tickMs = tickMs;
    this.#tick = this.#present = Math.floor(nowMs / tickMs);
  }

  get isEmpty(): boolean {
    return this.#entriesByTick.size === 0;
  }

  /** Puts an entry in, or elsewhere: it is due at `atMs` or up to a tick later, and never in the turn that is under way. */
  put(entry: Entry, atMs: number): void {
    this.remove(entry);
    const tick = Math.max(Math.ceil(atMs / this.#tickMs), this.#present + 1);
    entry.tick = tick;
    const entries = this.#entriesByTick.get(tick);
    if (entries === undefined) this.#entriesByTick.set(tick, new Set([entry]));
    else entries.add(entry);
  }

  remove(entry: Entry): void {
    if (entry.tick === null) return;
    const entries = this.#entriesByTick.get(entry.tick);
    entries?.delete(entry);
    if (entries?.size === 0) this.#entriesByTick.delete(entry.tick);
    entry.tick = null;
  }

  /** Takes out what is due, tick after tick, each entry just before it is handed over: one may still remove another of its tick. */
  *takeDue(nowMs: number): Generator<Entry, void> {
    this.#present = Math.max(this.#present, Math.floor(nowMs / this.#tickMs));
    while (this.#tick < this.#present && !this.isEmpty) {
      this.#tick += 1;
      for (const entry of this.#entriesByTick.get(this.#tick) ?? []) {
        this.remove(entry);
        yield entry;
      }
    }
    this.#tick = this.#present;
  }
}
