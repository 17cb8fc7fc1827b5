/**
 * The course of one backend's health, as it was or as it would have been: its flips, and for how long it was unhealthy. Pure.
 *
 * A course is cut into stretches: one for each prober, from where it begins to where it ends. Health goes from one stretch to the next
 * as the node carried it over; while nobody probes, a backend is not counted as unhealthy.
 */
import type { Health } from '@muster/membership';

export interface Flip {
  /** When the probe that made it ended, ms since 1970. */
  readonly timeMs: number;
  readonly from: Health;
  readonly health: 'healthy' | 'unhealthy';
  readonly target: string;
  /** Of the probe that made it; null where it passed. */
  readonly reason: string | null;
}

export class HealthCourse {
  readonly flips: Flip[] = [];
  /** How long it was unhealthy between `fromMs` and `toMs`. */
  unhealthyMs = 0;
  readonly #fromMs: number;
  readonly #toMs: number;
  #unhealthySinceMs: number | null = null;

  constructor({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }) {
    this.#fromMs = fromMs;
    this.#toMs = toMs;
  }

  /** A stretch begins, or goes on after what was not seen. */
  begin(timeMs: number, health: Health): void {
    this.end(timeMs);
    if (health === 'unhealthy') this.#unhealthySinceMs = timeMs;
  }

  turn(flip: Flip): void {
    const { timeMs, health } = flip;
    if (timeMs >= this.#fromMs && timeMs < this.#toMs) this.flips.push(flip);
    this.begin(timeMs, health);
  }

  /** Nobody probes from now on, or nothing more is known. */
  end(timeMs: number): void {
    if (this.#unhealthySinceMs === null) return;
    const sinceMs = Math.max(this.#unhealthySinceMs, this.#fromMs);
    this.unhealthyMs += Math.max(0, Math.min(timeMs, this.#toMs) - sinceMs);
    this.#unhealthySinceMs = null;
  }
}
