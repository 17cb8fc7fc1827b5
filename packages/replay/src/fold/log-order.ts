/**
 * Whether events stand in the log as they must: each revision once, rising, none missing.
 *
 * A revision that comes again or goes back, or is missing though a node was there, is damage, and ends the reading at once.
 * Other missing revisions and an event id that comes twice are only suspicious: a shared journal may skip numbers, and a publisher that never got its answer may append
 * the same again hours later. A hash that a node recorded afterwards, and that the log still folds to, clears the suspicion;
 * without one the log is refused.
 */
import type { RecordedEvent } from '@muster/membership';
import { ReplayError } from '../log/replay-error.ts';

/** Ids that are remembered, to notice one that comes twice; beyond that they are forgotten and begun anew. */
const IDS_MAX = 50_000;

export interface LogOrderOptions {
  /** Of the source, for messages. */
  readonly name: string;
  /** The next event is expected right after it. */
  readonly afterRevision: number;
  /** Whether some node was at one of these revisions (inclusive): then an event was there. */
  readonly wasReached: (from: number, to: number) => boolean;
}

export class LogOrder {
  readonly #name: string;
  readonly #wasReached: (from: number, to: number) => boolean;
  #revision: number;
  readonly #revisionById = new Map<string, number>();
  /** Looked at when an event comes that has no better witness than its id. */
  #unnoted: Pick<RecordedEvent, 'id' | 'revision'>[] = [];
  #suspicion: ReplayError | null = null;

  constructor({ name, afterRevision, wasReached }: LogOrderOptions) {
    this.#name = name;
    this.#wasReached = wasReached;
    this.#revision = afterRevision;
  }

  /**
   * Takes the next event. `isWitnessed`: a hash is recorded right after it, which says more than its id. Throws `ReplayError`
   * `doubled-event`, `out-of-order` or `gap`.
   */
  next({ revision, id }: RecordedEvent, isWitnessed: boolean): void {
    if (revision === this.#revision) throw this.#doubled(revision, `revision ${revision} comes twice`);
    if (revision < this.#revision) {
      const message = `${this.#name}: revision ${revision} comes after revision ${this.#revision}; the log is damaged there`;
      throw new ReplayError('out-of-order', message, { revision });
    }
    if (revision > this.#revision + 1) this.#skipped(this.#revision + 1, revision - 1);
    this.#revision = revision;
    this.#unnoted.push({ id, revision });
    if (isWitnessed && this.#unnoted.length < IDS_MAX) return;
    for (const noted of this.#unnoted) this.#noteId(noted);
    this.#unnoted = [];
  }

  #noteId({ id, revision }: Pick<RecordedEvent, 'id' | 'revision'>): void {
    const earlier = this.#revisionById.get(id);
    if (earlier !== undefined) {
      this.#suspicion ??= this.#doubled(revision, `event ${id} stands at revision ${earlier} and again at ${revision}`);
    }
    if (this.#revisionById.size >= IDS_MAX) this.#revisionById.clear();
    this.#revisionById.set(id, revision);
  }

  /** The log ends here, though it should reach `revision`. */
  endsBefore(revision: number): void {
    if (revision > this.#revision) this.#skipped(this.#revision + 1, revision);
  }

  /** A recorded hash agrees: what was suspicious is as it should be. */
  clear(): void {
    this.#suspicion = null;
  }

  /** The first thing that is suspicious and was not cleared; null where all is well. */
  get suspicion(): ReplayError | null {
    return this.#suspicion;
  }

  #skipped(from: number, to: number): void {
    if (this.#wasReached(from, to)) throw this.#gap(from, to, 'though a node recorded a hash there');
    this.#suspicion ??= this.#gap(from, to, 'and no hash that a node recorded later shows that nothing was there');
  }

  #doubled(revision: number, what: string): ReplayError {
    return new ReplayError('doubled-event', `${this.#name}: ${what}; the log is damaged there`, { revision });
  }

  #gap(from: number, to: number, why: string): ReplayError {
    const missing = from === to ? `revision ${from} is missing` : `revisions ${from} to ${to} are missing`;
    return new ReplayError('gap', `${this.#name}: ${missing}, ${why}; restore the log`, { revision: from });
  }
}
