/**
 * The fold, compared on its way with every hash that nodes recorded: the self-check before any answer.
 *
 *     base ──────── events ────────► wanted ─ ─ ─ ─ a little further ─ ─ ─ ► the next recorded hash
 *       ╵      ╵ ╵   ╵    ╵  ╵          ╵ (if there is none right here)        ╵
 *     compared wherever a hash was recorded
 *
 * At a revision for which several nodes recorded hashes, one that agrees is enough: the log is what that node folded, and
 * the others were wrong (and are named). Where none agrees, the log is not what it was, and there is no answer.
 */
import { foldBatch, rosterHash, type RecordedEvent, type Roster } from '@muster/membership';
import type { Head } from '@muster/journal';
import type { Disagreement, HashCheck } from './hash-check.ts';
import { recordedHashes, type RecordedHash, type RecordedHashes } from './hash-points.ts';
import { LogOrder } from './log-order.ts';
import { ReplayError } from '../log/replay-error.ts';
import type { ReplaySource } from '../log/replay-source.ts';

/** How many revisions beyond the wanted one a recorded hash may lie to be folded to: half a second of work. */
const AHEAD_REVISIONS_MAX = 50_000;
/** Events folded in one go, and so without giving way to other work: some 8 ms. */
const BATCH_EVENTS = 1_000;
/** Characters of payloads in one go; the event that passes it is the last. */
const BATCH_CHARACTERS_MAX = 1_048_576;
/** Nodes that disagree are named up to this many. */
const DISAGREEING_MAX = 16;

/** Where a fold begins. */
export interface Base {
  readonly roster: Roster;
  /** Who vouches for it: `the snapshot at revision 1000`; null for nobody, or where nothing needs to. */
  readonly recordedBy: string | null;
}

export interface FoldRequest {
  readonly source: ReplaySource;
  readonly head: Head;
  readonly base: Base;
  /** At or after the base's. */
  readonly toRevision: number;
  /** Shown every roster on the way, at least each `BATCH_EVENTS`. They are immutable, and may be kept. */
  readonly onRoster?: (roster: Roster) => void;
}

/** A roster as the log has it, and what that was compared with. */
export interface CheckedRoster {
  readonly roster: Roster;
  readonly check: HashCheck;
}

/** Throws `ReplayError` where the log is not what nodes recorded, and `JournalError` where it cannot be read. */
export async function foldChecked(request: FoldRequest): Promise<CheckedRoster> {
  const { source, head, base, toRevision } = request;
  const { revision: fromRevision, timeMs: fromMs } = base.roster;
  const hashes = await recordedHashes(source, { epoch: head.epoch, fromRevision, fromMs, toRevision });
  const fold = new ComparedFold(request, hashes);
  await fold.advanceTo(toRevision);
  const { roster } = fold;
  const witnessRevision = nextRecorded(hashes, toRevision);
  if (fold.comparedRevision !== toRevision && witnessRevision !== null) await fold.advanceTo(witnessRevision);
  if (!fold.isProven(toRevision)) await advanceToSnapshot(fold, request);
  if (fold.order.suspicion !== null) throw fold.order.suspicion;
  return { roster, check: await fold.check(toRevision) };
}

/** Without comparing: for a part of the log that was compared before. */
export async function foldAgain(request: FoldRequest): Promise<Roster> {
  const fold = new ComparedFold(request, new Map());
  await fold.advanceTo(request.toRevision);
  return fold.roster;
}

/** The nearest revision with a recorded hash at or after this one, if it is near enough. */
function nextRecorded(hashes: RecordedHashes, revision: number): number | null {
  if (hashes.has(revision)) return revision;
  let nearest = Infinity;
  for (const recorded of hashes.keys()) if (recorded > revision && recorded < nearest) nearest = recorded;
  return nearest <= revision + AHEAD_REVISIONS_MAX ? nearest : null;
}

/** No node's hash is there to compare with: a stored snapshot has one, too. */
async function advanceToSnapshot(fold: ComparedFold, request: FoldRequest): Promise<void> {
  const { source, head, toRevision } = request;
  const furthest = Math.min(head.revision, toRevision + AHEAD_REVISIONS_MAX);
  if (furthest <= fold.roster.revision) return;
  const stored = await source.loadSnapshot(furthest);
  if (stored === null || stored.epoch !== head.epoch || stored.revision <= fold.roster.revision) return;
  await fold.advanceTo(stored.revision);
  fold.compare([{ node: null, hash: stored.hash }]);
}

/** A hash of a node, or (null) of a stored snapshot at the same revision. */
type Witness = RecordedHash | { readonly node: null; readonly hash: string };

class ComparedFold {
  roster: Roster;
  readonly order: LogOrder;
  readonly #request: FoldRequest;
  readonly #hashes: RecordedHashes;
  #agreed: { readonly revision: number; readonly hash: string; readonly recordedBy: string } | null;
  #comparedCount = 0;
  /** The first event after the last agreement; null for none yet. */
  #suspectRevision: number | null = null;
  readonly #disagreeing = new Map<string, Disagreement>();

  constructor(request: FoldRequest, hashes: RecordedHashes) {
    const { roster, recordedBy } = request.base;
    this.#request = request;
    this.#hashes = hashes;
    this.roster = roster;
    this.order = new LogOrder({
      name: request.source.name,
      afterRevision: roster.revision,
      wasReached: (from, to) => isRecordedBetween(hashes, from, to),
    });
    this.#agreed = recordedBy === null ? null : { revision: roster.revision, hash: rosterHash(roster), recordedBy };
    this.#compareAt(roster);
  }

  get comparedRevision(): number | null {
    return this.#agreed?.revision ?? null;
  }

  isProven(revision: number): boolean {
    return this.#agreed !== null && this.#agreed.revision >= revision;
  }

  /** Folds on. The log may have no event at `revision` itself. */
  async advanceTo(revision: number): Promise<void> {
    if (revision <= this.roster.revision) return;
    const { source, onRoster } = this.#request;
    let batch: RecordedEvent[] = [];
    let characters = 0;
    const foldRead = (): void => {
      this.#foldOn(batch);
      batch = [];
      characters = 0;
      onRoster?.(this.roster);
    };
    for await (const event of source.read({ fromRevision: this.roster.revision + 1, toRevision: revision })) {
      batch.push(event);
      characters += event.payload.length;
      if (batch.length === BATCH_EVENTS || characters >= BATCH_CHARACTERS_MAX) foldRead();
    }
    if (batch.length > 0) foldRead();
    if (this.roster.revision < revision) this.order.endsBefore(revision);
  }

  #foldOn(events: readonly RecordedEvent[]): void {
    let index = 0;
    this.#expect(events[0]!);
    this.roster = foldBatch(this.roster, events, {
      onStep: (step) => {
        this.#compareAt(step);
        index += 1;
        if (index === events.length) return;
        this.#expect(events[index]!);
      },
    }).roster;
  }

  #expect(event: RecordedEvent): void {
    this.order.next(event, this.#hashes.has(event.revision));
    this.#suspectRevision ??= event.revision;
  }

  #compareAt(step: Pick<Roster, 'revision' | 'digest'>): void {
    const recorded = this.#hashes.get(step.revision);
    if (recorded !== undefined) this.#compareStep(step, recorded);
  }

  /** Compares the roster as it is now. */
  compare(witnesses: readonly Witness[]): void {
    this.#compareStep(this.roster, witnesses);
  }

  #compareStep(step: Pick<Roster, 'revision' | 'digest'>, witnesses: readonly Witness[]): void {
    const { revision } = step;
    const hash = rosterHash(step);
    const agreeing = witnesses.find((witness) => witness.hash === hash);
    if (agreeing === undefined) throw this.#differs(revision, hash, witnesses[0]!);
    this.#agreed = { revision, hash, recordedBy: nameOf(agreeing, revision) };
    if (revision > this.#request.base.roster.revision) this.#comparedCount += 1;
    this.#suspectRevision = null;
    this.order.clear();
    for (const { node, hash: other } of witnesses) {
      if (node === null || other === hash || this.#disagreeing.has(node)) continue;
      if (this.#disagreeing.size < DISAGREEING_MAX) this.#disagreeing.set(node, { node, revision, hash: other });
    }
  }

  /** What looked suspicious on the way explains it better than two hashes do. */
  #differs(revision: number, foldedHash: string, witness: Witness): ReplayError {
    if (this.order.suspicion !== null) return this.order.suspicion;
    const agreedRevision = this.comparedRevision;
    const firstSuspectRevision = this.#suspectRevision ?? revision;
    const recordedBy = nameOf(witness, revision);
    const difference = {
      revision,
      foldedHash,
      recordedHash: witness.hash,
      recordedBy,
      agreedRevision,
      firstSuspectRevision,
    };
    const suspects =
      firstSuspectRevision === revision
        ? `the event at revision ${revision} is not the one that was recorded`
        : `an event from revision ${firstSuspectRevision} to ${revision} is not the one that was recorded`;
    const message = `${this.#request.source.name}: at revision ${revision} the log has hash ${foldedHash}, and ${recordedBy} recorded ${witness.hash}: ${suspects}; restore the log, or ask a node that has another copy`;
    return new ReplayError('hash-differs', message, { revision: firstSuspectRevision, difference });
  }

  async check(toRevision: number): Promise<HashCheck> {
    if (this.#agreed === null) return { outcome: 'unchecked', why: await this.#whyNot() };
    const comparedCount = this.#comparedCount;
    const compared = { ...this.#agreed, comparedCount, disagreeing: [...this.#disagreeing.values()] };
    if (this.isProven(toRevision)) return { outcome: 'checked', ...compared };
    return { outcome: 'partly-checked', ...compared, why: await this.#whyNot() };
  }

  async #whyNot(): Promise<string> {
    const { source, toRevision } = this.#request;
    const none = `no hash is recorded at or soon after revision ${toRevision}`;
    const sinceMs = await source.observedSinceMs();
    if (sinceMs === null) return `${none}: ${source.name} has no observations`;
    return `${none}: ${source.name} has observations since ${new Date(sinceMs).toISOString()}`;
  }
}

/** In O(the fewer of the two). */
function isRecordedBetween(hashes: RecordedHashes, from: number, to: number): boolean {
  if (to - from < hashes.size) {
    for (let revision = from; revision <= to; revision++) if (hashes.has(revision)) return true;
    return false;
  }
  for (const revision of hashes.keys()) if (revision >= from && revision <= to) return true;
  return false;
}

function nameOf({ node }: Witness, revision: number): string {
  return node === null ? `the snapshot at revision ${revision}` : `node ${node}`;
}
