/**
 * What a frame says: observations, as columns of numbers where there are many and as JSON where there are few.
 *
 * Almost all of them are probes, then hashes. Their fields are kept column by column (times as differences, names by number),
 * because that is what a general compressor makes small. `order` says how the columns and the rest were interleaved: the order of
 * a backend's observations is a part of what they say.
 */
import type { HashPoint, Observation, ObservationKind, ProbeSeen } from './observation.ts';
import type { ReadNames, SegmentNames } from './segment-names.ts';

/** By position: the bit in a frame's head, and the number in `order`. Only ever added to. */
const KINDS: readonly ObservationKind[] = [
  'probe',
  'hash',
  'probing-began',
  'probing-ended',
  'turned',
  'outlier',
  'decision',
  'lost',
  'probing-state',
];
const DURATION_UNITS_PER_MS = 10;
/** About what one takes in memory until its frame is written. */
const COLUMN_BYTES = 32;

interface FrameBody {
  /** `[kind, how many in a row, kind, how many, …]` */
  readonly order: readonly number[];
  readonly probes: {
    readonly backend: readonly number[];
    /** After the probe before, ms; the first since 1970. */
    readonly afterMs: readonly number[];
    readonly duration: readonly number[];
    /** The number of its failure, plus one; 0: it passed. */
    readonly failure: readonly number[];
  };
  readonly hashes: {
    readonly history: readonly number[];
    readonly afterMs: readonly number[];
    /** After the revision before. */
    readonly after: readonly number[];
    readonly hash: readonly string[];
  };
  readonly others: readonly Exclude<Observation, ProbeSeen | HashPoint>[];
}

/** A frame that is complete and not yet compressed. */
export interface ClosedBody {
  readonly text: string;
  readonly kindBits: number;
  /** How many observations the frame holds, without those of kind `lost`. */
  readonly count: number;
  /** How many observations were lost, by those of kind `lost`. */
  readonly lostCount: number;
  /** It may refer to the first so many names. */
  readonly namesCount: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Collects the observations of one frame. */
export class BodyBuilder {
  readonly names: SegmentNames;
  /** About what it holds; never much more when it is written. */
  bytes = 0;
  #count = 0;
  #lostCount = 0;
  #kindBits = 0;
  #fromMs = Infinity;
  #toMs = -Infinity;
  readonly #order: number[] = [];
  readonly #probes = {
    backend: [] as number[],
    afterMs: [] as number[],
    duration: [] as number[],
    failure: [] as number[],
  };
  #probeTimeMs = 0;
  readonly #hashes = { history: [] as number[], afterMs: [] as number[], after: [] as number[], hash: [] as string[] };
  #hashTimeMs = 0;
  #hashRevision = 0;
  readonly #others: string[] = [];

  constructor(names: SegmentNames) {
    this.names = names;
  }

  get isEmpty(): boolean {
    return this.#kindBits === 0;
  }

  add(observation: Observation): void {
    const kind = KINDS.indexOf(observation.kind);
    const timeMs = Math.round(observation.timeMs);
    if (this.#order.at(-2) === kind) this.#order[this.#order.length - 1]! += 1;
    else this.#order.push(kind, 1);
    this.#kindBits |= 1 << kind;
    this.#fromMs = Math.min(this.#fromMs, observation.kind === 'lost' ? observation.sinceMs : timeMs);
    this.#toMs = Math.max(this.#toMs, timeMs);
    if (observation.kind === 'lost') this.#lostCount += observation.count;
    else this.#count += 1;
    const namesBefore = this.names.characters;
    this.bytes += COLUMN_BYTES;
    if (observation.kind === 'probe') this.#addProbe(observation, timeMs);
    else if (observation.kind === 'hash') this.#addHash(observation, timeMs);
    else this.#addOther(observation, timeMs);
    this.bytes += this.names.characters - namesBefore;
  }

  close(): ClosedBody {
    const columns = JSON.stringify({ order: this.#order, probes: this.#probes, hashes: this.#hashes });
    return {
      text: `${columns.slice(0, -1)},"others":[${this.#others.join(',')}]}`,
      kindBits: this.#kindBits,
      count: this.#count,
      lostCount: this.#lostCount,
      namesCount: this.names.count,
      fromMs: this.#fromMs,
      toMs: this.#toMs,
    };
  }

  #addProbe({ pool, backend, target, passed, code, reason, durationMs }: ProbeSeen, timeMs: number): void {
    const { names } = this;
    const probes = this.#probes;
    probes.backend.push(names.backend(pool, backend, target));
    probes.afterMs.push(timeMs - this.#probeTimeMs);
    probes.duration.push(Math.round(durationMs * DURATION_UNITS_PER_MS));
    probes.failure.push(passed ? 0 : names.failure(code ?? '', reason ?? '') + 1);
    this.#probeTimeMs = timeMs;
  }

  #addHash({ node, epoch, revision, hash }: HashPoint, timeMs: number): void {
    const hashes = this.#hashes;
    hashes.history.push(this.names.history(node, epoch));
    hashes.afterMs.push(timeMs - this.#hashTimeMs);
    hashes.after.push(revision - this.#hashRevision);
    hashes.hash.push(hash);
    this.#hashTimeMs = timeMs;
    this.#hashRevision = revision;
  }

  #addOther(observation: Observation, timeMs: number): void {
    const text = JSON.stringify({ ...observation, timeMs });
    this.#others.push(text);
    this.bytes += text.length;
  }
}

/** The bits of a frame's head for these kinds; all bits where nothing is said. */
export function bitsOf(kinds: readonly ObservationKind[] | undefined): number {
  if (kinds === undefined) return ~0;
  return kinds.reduce((bits, kind) => bits | (1 << KINDS.indexOf(kind)), 0);
}

/**
 * The observations of a frame, in order. Null stands for one whose names are lost. Throws where the text is not what a builder
 * made: no damage that a checksum lets pass, but a defect of whoever wrote it.
 */
export function* readBody(text: string, names: ReadNames): Generator<Observation | null> {
  const { order, probes, hashes, others } = JSON.parse(text) as FrameBody;
  const next = { probe: probesOf(probes, names), hash: hashesOf(hashes, names), other: others.values() };
  for (let index = 0; index < order.length; index += 2) {
    const kind = KINDS[order[index]!];
    const source = kind === 'probe' ? next.probe : kind === 'hash' ? next.hash : next.other;
    for (let count = order[index + 1]!; count > 0; count--) {
      const result = source.next();
      if (result.done === true) throw new Error('the frame holds less than it says');
      yield result.value;
    }
  }
}

function* probesOf(columns: FrameBody['probes'], names: ReadNames): Generator<ProbeSeen | null, void> {
  let timeMs = 0;
  for (const [index, number] of columns.backend.entries()) {
    timeMs += columns.afterMs[index]!;
    const subject = names.at(number);
    const failureNumber = columns.failure[index]!;
    const failure = failureNumber === 0 ? NO_FAILURE : names.at(failureNumber - 1);
    if (subject === undefined || failure === undefined) {
      yield null;
      continue;
    }
    const [pool = '', backend = '', target = ''] = subject;
    const [code = null, reason = null] = failure;
    const durationMs = columns.duration[index]! / DURATION_UNITS_PER_MS;
    yield { kind: 'probe', timeMs, pool, backend, target, passed: failureNumber === 0, code, reason, durationMs };
  }
}

const NO_FAILURE: readonly string[] = [];

function* hashesOf(columns: FrameBody['hashes'], names: ReadNames): Generator<HashPoint | null, void> {
  let timeMs = 0;
  let revision = 0;
  for (const [index, number] of columns.history.entries()) {
    timeMs += columns.afterMs[index]!;
    revision += columns.after[index]!;
    const history = names.at(number);
    const [node = '', epoch = ''] = history ?? [];
    yield history === undefined ? null : { kind: 'hash', timeMs, node, epoch, revision, hash: columns.hash[index]! };
  }
}
