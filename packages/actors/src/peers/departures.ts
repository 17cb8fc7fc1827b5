/**
 * Members that somebody took out on purpose, and those whose name was given another target: so that a heartbeat of one of
 * them can be answered with who did it.
 *
 * Bounded: the newest `DEPARTURES_MAX`. A node that does not remember one, or has begun to serve since, answers `unknown`.
 */
import { forgetOldest } from '../newest-map.ts';

const DEPARTURES_MAX = 10_000;

export interface Departure {
  /** The event that did it. */
  readonly revision: number;
  readonly origin: string | null;
  readonly reason: string | null;
}

export class Departures {
  /** By the member and its target, in the order in which they left. */
  readonly #departureByStanding = new Map<string, Departure>();

  remember(standing: string, departure: Departure): void {
    this.#departureByStanding.delete(standing);
    this.#departureByStanding.set(standing, departure);
    forgetOldest(this.#departureByStanding, DEPARTURES_MAX);
  }

  forget(standing: string): void {
    this.#departureByStanding.delete(standing);
  }

  find(standing: string): Departure | null {
    return this.#departureByStanding.get(standing) ?? null;
  }

  /** Their revisions are of a history that is no longer served. */
  clear(): void {
    this.#departureByStanding.clear();
  }
}
