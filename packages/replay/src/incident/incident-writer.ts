/**
 * Writes an incident file: the log between two instants, the roster before it, and what the node observed meanwhile, without
 * secrets.
 *
 * Taking a secret out of an event changes every hash after it. So two rosters are folded side by side from the first such event
 * on: one of the log as it is, with which the hashes that nodes recorded are compared, and one of the log as it stands in the
 * file. A hash that was right is written as what a reader of the file folds to; one that was wrong stays as it was recorded, and
 * stays wrong. The true hashes of redacted states are left out: from a short secret and its hash, the secret can be guessed.
 *
 * It works in turns and holds two rosters, one part and 24 bytes a revision, whatever the span.
 */
import { fold, rosterHash, snapshotParts, type RecordedEvent, type Roster } from '@muster/membership';
import type { HashPoint, Observation } from '@muster/observations';
import { ReplayError } from '../log/replay-error.ts';
import type { ReplaySource } from '../log/replay-source.ts';
import { inTurns } from '../log/turns.ts';
import { HashTrail } from './hash-trail.ts';
import { INCIDENT_EVENTS_MAX, INCIDENT_FORMAT, type IncidentHead, type IncidentSummary } from './incident-format.ts';
import { PartEncoder } from './part-encoder.ts';
import { redactEvent, redactObservation, redactRoster } from './redacted-records.ts';

/** A snapshot stands after every so many events, so that a state in the middle of a long file is half a second away. */
const SNAPSHOT_EVENTS = 50_000;
/** Spans of redacted revisions that a file names; where there are more, the newest. */
const SPANS_MAX = 1_000;
/**
 * Observations are taken from so long before the span, ms: what a prober thought at its beginning follows from what it said up to
 * ten minutes before.
 */
const LOOK_BACK_MS = 900_000;
/** Nodes whose disagreement is named. */
const DISAGREEMENTS_MAX = 64;

export interface IncidentSpan {
  /** The state before the first event, checked; its revision is where the span begins. */
  readonly base: Roster;
  /** When the span begins, inclusive, ms since 1970. */
  readonly fromMs: number;
  /** The last event, and the last moment, inclusive. */
  readonly toRevision: number;
  readonly toMs: number;
}

export interface IncidentOptions {
  /** For example `muster 0.1.0`. */
  readonly program: string;
  /** Ms since 1970. */
  readonly madeMs: number;
}

/**
 * The bytes of the file, to be written in order as they come, at the reader's pace. Throws `ReplayError` `invalid-question`
 * where the span holds too many events, and what the source throws.
 */
export async function* writeIncident(
  source: ReplaySource,
  span: IncidentSpan,
  options: IncidentOptions,
): AsyncGenerator<Uint8Array, void> {
  const writing = new IncidentWriting(source, span);
  yield* writing.opening(options);
  yield* writing.events();
  yield* writing.observations();
  yield await writing.encoder.close(writing.summary());
}

type Writable<Fields> = { -readonly [Name in keyof Fields]: Fields[Name] };

class IncidentWriting {
  readonly encoder = new PartEncoder();
  readonly #source: ReplaySource;
  readonly #span: IncidentSpan;
  readonly #trail = new HashTrail();
  readonly #pace = inTurns();
  readonly #disagreements = new Map<string, IncidentSummary['disagreements'][number]>();
  readonly #redactedSpans: [from: number, to: number][] = [];
  readonly #counts = {
    eventsCount: 0,
    observationsCount: 0,
    decisionsCount: 0,
    hashPointsCount: 0,
    agreedPointsCount: 0,
    redactedEventsCount: 0,
    redactedObservationsCount: 0,
  } satisfies Partial<Writable<IncidentSummary>>;
  #epoch = '';
  /** As the log is, and as it stands in the file: the same object until something was redacted. */
  #original: Roster;
  #redacted: Roster;

  constructor(source: ReplaySource, span: IncidentSpan) {
    this.#source = source;
    this.#span = span;
    this.#original = span.base;
    const redacted = redactRoster(span.base);
    this.#redacted = rosterHash(redacted) === rosterHash(span.base) ? span.base : redacted;
    this.#keepHashes();
  }

  async *opening({ program, madeMs }: IncidentOptions): AsyncGenerator<Uint8Array, void> {
    const { base, fromMs, toRevision, toMs } = this.#span;
    const { cluster, node } = this.#source;
    this.#epoch = (await this.#source.head()).epoch;
    const sinceMs = await this.#source.observedSinceMs();
    const observedSinceMs = sinceMs === null || sinceMs > toMs ? null : Math.max(sinceMs, fromMs - LOOK_BACK_MS);
    const who = { cluster, node, epoch: this.#epoch, madeMs, program };
    const where = { fromRevision: base.revision, fromMs, toRevision, toMs, observedSinceMs };
    const head: IncidentHead = { kind: 'incident', format: INCIDENT_FORMAT, ...who, ...where };
    this.encoder.add('head', head);
    yield await this.encoder.closePart();
    if (base.revision === 0) return;
    yield await this.#snapshot();
  }

  /** The roster as it stands in the file, in turns. */
  async #snapshot(): Promise<Uint8Array> {
    const roster = this.#redacted;
    const { revision } = roster;
    let data = '';
    for (const part of snapshotParts(roster)) {
      data += part;
      await this.#pace();
    }
    this.encoder.add('snapshot', { kind: 'snapshot', revision, hash: rosterHash(roster), data }, revision);
    return this.encoder.closePart();
  }

  async *events(): AsyncGenerator<Uint8Array, void> {
    const { base, toRevision } = this.#span;
    if (toRevision > base.revision) {
      for await (const event of this.#source.read({ fromRevision: base.revision + 1, toRevision })) {
        if (this.#addEvent(event)) yield await this.encoder.closePart();
        await this.#pace();
        if (this.#counts.eventsCount % SNAPSHOT_EVENTS !== 0) continue;
        yield await this.encoder.closePart();
        yield await this.#snapshot();
      }
    }
    yield await this.encoder.closePart();
  }

  #addEvent(event: RecordedEvent): boolean {
    this.#counts.eventsCount += 1;
    if (this.#counts.eventsCount > INCIDENT_EVENTS_MAX) throw tooManyEvents(this.#source.name);
    const redacted = redactEvent(event);
    if (redacted !== event) this.#noteRedacted(event.revision);
    const wasSame = this.#original === this.#redacted;
    const before = this.#redacted;
    this.#original = fold(this.#original, event).roster;
    this.#redacted = wasSame && redacted === event ? this.#original : fold(before, redacted).roster;
    this.#keepHashes();
    return this.encoder.add('events', { kind: 'event', ...redacted }, event.revision);
  }

  #keepHashes(): void {
    const { revision, digest: original } = this.#original;
    this.#trail.add(revision, { original, redacted: this.#redacted.digest });
  }

  #noteRedacted(revision: number): void {
    this.#counts.redactedEventsCount += 1;
    const last = this.#redactedSpans.at(-1);
    if (last !== undefined && last[1] === revision - 1) last[1] = revision;
    else this.#redactedSpans.push([revision, revision]);
    if (this.#redactedSpans.length > SPANS_MAX) this.#redactedSpans.shift();
  }

  async *observations(): AsyncGenerator<Uint8Array, void> {
    const { fromMs, toMs } = this.#span;
    for await (const observation of this.#source.observations({ fromMs: fromMs - LOOK_BACK_MS, toMs: toMs + 1 })) {
      if (observation.kind === 'decision' && observation.timeMs < fromMs) continue;
      if (this.#addObservation(observation)) yield await this.encoder.closePart();
      await this.#pace();
    }
    yield await this.encoder.closePart();
  }

  #addObservation(observation: Observation): boolean {
    const written = observation.kind === 'hash' ? this.#writtenPoint(observation) : redactObservation(observation);
    if (written === null) return false;
    this.#counts.observationsCount += 1;
    if (observation.kind === 'decision') this.#counts.decisionsCount += 1;
    if (observation.kind !== 'hash' && written !== observation) this.#counts.redactedObservationsCount += 1;
    return this.encoder.add('observations', written, observation.timeMs);
  }

  /** Null for a point of another history, or of a revision that no event of the span has: nobody could compare it. */
  #writtenPoint(point: HashPoint): HashPoint | null {
    if (point.epoch !== this.#epoch) return null;
    const hashes = this.#trail.at(point.revision);
    if (hashes === null) return null;
    this.#counts.hashPointsCount += 1;
    if (point.hash === hashes.trueHash) {
      this.#counts.agreedPointsCount += 1;
      return { ...point, hash: hashes.redactedHash };
    }
    const { node, revision, hash: recordedHash } = point;
    if (!this.#disagreements.has(node) && this.#disagreements.size < DISAGREEMENTS_MAX) {
      this.#disagreements.set(node, { node, revision, recordedHash, foldedHash: hashes.redactedHash });
    }
    return point;
  }

  summary(): IncidentSummary {
    return {
      ...this.#counts,
      disagreements: [...this.#disagreements.values()],
      redactedSpans: this.#redactedSpans,
      isSnapshotRedacted: this.#redactedBase(),
    };
  }

  #redactedBase(): boolean {
    const hashes = this.#trail.at(this.#span.base.revision);
    return hashes !== null && hashes.trueHash !== hashes.redactedHash;
  }
}

function tooManyEvents(name: string): ReplayError {
  const message = `${name}: the span has more than ${INCIDENT_EVENTS_MAX.toLocaleString('en')} events; choose a shorter one`;
  return new ReplayError('invalid-question', message);
}
