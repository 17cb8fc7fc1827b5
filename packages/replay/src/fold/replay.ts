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
import { foldAgain, foldChecked, type Base, type CheckedRoster, type FoldRequest } from './checked-fold.ts';
import type { HashCheck } from './hash-check.ts';
import { resolveInstant, type Instant } from '../log/instant.ts';
import { ProvenRanges } from './proven-ranges.ts';
import { ReplayError } from '../log/replay-error.ts';
import type { ReplaySource } from '../log/replay-source.ts';
import { compacted, oldestRevision, startingBase } from '../log/starting-roster.ts';

export interface ReplayOptions {
  /** What is kept in memory between questions. */
  readonly checkpoints?: CheckpointOptions;
}

export interface VerifyOptions {
  /** The first event to be folded. Default: the oldest that the log has. */
  readonly fromRevision?: number;
  /** Inclusive. Default: the newest. */
  readonly toRevision?: number;
  readonly onProgress?: (revision: number) => void;
  /** Ends it with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface Verification {
  /** The state that it began with is that after this one; 0: the empty one. */
  readonly afterRevision: number;
  readonly toRevision: number;
  /** Revisions with a recorded hash, each equal to the log's. */
  readonly comparedCount: number;
  /** Of the last state. */
  readonly check: HashCheck;
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

  /**
   * Folds the whole log, or a part of it, and compares it with every hash that was recorded; throws as `rosterAt` does, at the
   * first revision that is not as it was. What it leaves behind makes every later question about this part a short one.
   * Some 35 s of the processor for a million events about 10,000 backends, half of it for what it leaves.
   */
  verify(options?: VerifyOptions): Promise<Verification>;

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
    const answer = await this.#fold(base, { head, toRevision: revision });
    if (head.epoch === this.#epoch) this.#checkpoints.remember(answer.roster);
    return answer;
  }

  /** What is found on the way is kept, if the journal has still the same history. */
  async #fold(base: Base, { head, toRevision }: Pick<FoldRequest, 'head' | 'toRevision'>): Promise<CheckedRoster> {
    const from = base.roster.revision;
    const passed: Roster[] = [];
    const { spacingRevisions } = this.#checkpoints;
    const onRoster = (roster: Roster): void => {
      if (roster.revision - (passed.at(-1)?.revision ?? from) >= spacingRevisions) passed.push(roster);
    };
    const request = { source: this.source, head, base, toRevision, onRoster };
    const proof = this.#proven.proofOf(from, toRevision);
    const answer =
      proof === null
        ? await foldChecked(request)
        : { roster: await foldAgain(request), check: { ...proof, comparedCount: 0 } };
    if (head.epoch !== this.#epoch) return answer;
    if (answer.check.outcome === 'checked') this.#proven.add(from, answer.check);
    for (const roster of passed) this.#checkpoints.offerLater(roster);
    return answer;
  }

  async verify({ fromRevision, toRevision, onProgress, signal }: VerifyOptions = {}): Promise<Verification> {
    const head = await this.#head();
    const to = toRevision ?? head.revision;
    this.#refuseBeyond(to, head);
    const oldest = await oldestRevision(this.source, head);
    const afterRevision = Math.max(oldest ?? 0, Math.min(to, (fromRevision ?? 1) - 1));
    let { roster, check } = await this.rosterAt(afterRevision);
    let comparedCount = 0;
    for (let at = afterRevision; at < to; onProgress?.(at)) {
      signal?.throwIfAborted();
      at = Math.min(to, at + this.#checkpoints.spacingRevisions);
      ({ roster, check } = await this.#fold({ roster, recordedBy: recordedByOf(check) }, { head, toRevision: at }));
      if (check.outcome !== 'unchecked') comparedCount += check.comparedCount;
      if (head.epoch === this.#epoch) this.#checkpoints.offer(roster);
    }
    return { afterRevision, toRevision: to, comparedCount, check };
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
    const stored = await startingBase(this.source, head, revision);
    return stored.roster.revision >= nearest ? stored : this.#checkpoint(revision);
  }

  #checkpoint(atOrBefore: number): Base {
    const roster = this.#checkpoints.nearest(atOrBefore)!;
    const proof = this.#proven.proofOf(roster.revision, roster.revision);
    return { roster, recordedBy: proof?.recordedBy ?? null };
  }
}

function recordedByOf(check: HashCheck): string | null {
  return check.outcome === 'checked' ? check.recordedBy : null;
}
