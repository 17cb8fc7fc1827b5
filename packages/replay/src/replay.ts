/**
 * The time machine: any moment's revision, and any revision's roster, compared with what nodes recorded before it is given out.
 *
 *     replay = createReplay(source)
 *     instant = await replay.resolve('-5m')            ► { revision: 4711, … }
 *     { roster, check } = await replay.rosterAt(4711)
 *
 * A roster is folded by the very function that nodes fold with, from the nearest one that is at hand: a stored snapshot,
 * or what an earlier question left behind. The source is only read. Questions may be asked side by side.
 */
import type { RecordedEvent, Roster } from '@muster/membership';
import type { Head } from '@muster/journal';
import { Checkpoints, type CheckpointOptions } from './checkpoints.ts';
import { foldAgain, foldChecked, type Base, type CheckedRoster } from './checked-fold.ts';
import { resolveInstant, type Instant } from './instant.ts';
import { ProvenRanges } from './proven-ranges.ts';
import { ReplayError } from './replay-error.ts';
import type { ReplaySource } from './replay-source.ts';
import { compacted, startingRoster } from './starting-roster.ts';

export interface ReplayOptions {
  /** What is kept in memory between questions. */
  readonly checkpoints?: CheckpointOptions;
}

export interface Replay {
  readonly source: ReplaySource;

  /**
   * The moment that a text names: a revision (`1234`), a time (ISO, or `HH:MM[:SS]` of today), so long ago (`-90s`, `-5m`, `-2h`,
   * `-1d`), `now`, or an event's id. `nowMs`: ms since 1970. Throws `ReplayError` `unknown-instant` or `compacted`.
   */
  resolve(text: string, nowMs: number): Promise<Instant>;

  /**
   * The roster at a revision, 0 for before the first event. Where the log skips a number, as after the event before it. Throws
   * `ReplayError` where the log is not what nodes recorded, or has not got it.
   */
  rosterAt(revision: number): Promise<CheckedRoster>;

  /** The event at a revision; null where the log skips it. Throws `ReplayError` `compacted` or `unknown-instant`. */
  eventAt(revision: number): Promise<RecordedEvent | null>;
}

export function createReplay(source: ReplaySource, options: ReplayOptions = {}): Replay {
  return new LogReplay(source, options);
}

class LogReplay implements Replay {
  readonly source: ReplaySource;
  readonly #checkpoints: Checkpoints;
  readonly #proven = new ProvenRanges();
  /** The history that everything kept belongs to. */
  #epoch: string | null = null;

  constructor(source: ReplaySource, options: ReplayOptions) {
    this.source = source;
    this.#checkpoints = new Checkpoints(options.checkpoints);
  }

  async resolve(text: string, nowMs: number): Promise<Instant> {
    return resolveInstant(this.source, await this.#head(), { text, nowMs });
  }

  async rosterAt(revision: number): Promise<CheckedRoster> {
    const head = await this.#head();
    this.#refuseBeyond(revision, head);
    const base = await this.#baseFor(revision, head);
    const proof = this.#proven.proofOf(base.roster.revision, revision);
    const onRoster = (roster: Roster): void => this.#checkpoints.offerLater(roster);
    const request = { source: this.source, head, base, toRevision: revision, onRoster };
    const answer = proof === null ? await foldChecked(request) : { roster: await foldAgain(request), check: proof };
    if (head.epoch !== this.#epoch) return answer;
    if (answer.check.outcome === 'checked') this.#proven.add(base.roster.revision, answer.check);
    this.#checkpoints.remember(answer.roster);
    return answer;
  }

  async eventAt(revision: number): Promise<RecordedEvent | null> {
    const head = await this.#head();
    this.#refuseBeyond(revision, head);
    if (revision < head.firstRevision) throw await compacted(this.source, head, `revision ${revision}`);
    for await (const event of this.source.read({ fromRevision: revision, toRevision: revision })) return event;
    return null;
  }

  async #head(): Promise<Head> {
    const head = await this.source.head();
    if (head.epoch !== this.#epoch) {
      this.#checkpoints.clear();
      this.#proven.clear();
      this.#epoch = head.epoch;
    }
    return head;
  }

  #refuseBeyond(revision: number, head: Head): void {
    if (!Number.isSafeInteger(revision) || revision < 0) {
      throw new ReplayError('unknown-instant', `${revision} is not a revision; they are whole numbers from 0 on`);
    }
    if (revision <= head.revision) return;
    const message = `${this.source.name} has no revision ${revision}: the newest is ${head.revision}`;
    throw new ReplayError('unknown-instant', message, { revision: head.revision });
  }

  /** What is in memory, if it is near; else a stored snapshot, unless what is in memory is nearer still. */
  async #baseFor(revision: number, head: Head): Promise<Base> {
    const nearest = this.#checkpoints.nearestRevision(revision) ?? -1;
    if (nearest >= 0 && revision - nearest <= this.#checkpoints.spacingRevisions) return this.#checkpoint(revision);
    const stored = await startingRoster(this.source, head, revision);
    return stored.roster.revision >= nearest ? stored : this.#checkpoint(revision);
  }

  #checkpoint(atOrBefore: number): Base {
    const roster = this.#checkpoints.nearest(atOrBefore)!;
    const proof = this.#proven.proofOf(roster.revision, roster.revision);
    return { roster, recordedBy: proof?.recordedBy ?? null };
  }
}
