/**
 * The in-flight counts that a pick looked at, in that order. Its entries are used again by the next pick, because it is
 * written for every request and read for the few that are recorded.
 */
import type { Candidate } from '@muster/membership';
import type { Consultation, PickRequest } from './selection-policy.ts';

export class Consulted {
  /** Right after `end`. */
  readonly list: { -readonly [Key in keyof Consultation]: Consultation[Key] }[] = [];
  #count = 0;

  begin(): void {
    this.#count = 0;
  }

  inFlightOf(backend: Candidate, request: PickRequest): number {
    const inFlight = request.inFlightOf(backend);
    const entry = this.list[this.#count];
    if (entry === undefined) this.list.push({ id: backend.id, inFlight });
    else {
      entry.id = backend.id;
      entry.inFlight = inFlight;
    }
    this.#count += 1;
    return inFlight;
  }

  end(): void {
    if (this.list.length > this.#count) this.list.length = this.#count;
  }
}
