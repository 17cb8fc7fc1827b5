/**
 * Rosters on the way, kept in memory so that the next question begins near its answer.
 *
 *     stored snapshots   ◆─────────────────────────────◆─────────────────────────────◆      one per span, in the journal
 *     checkpoints        ◆───◇───◇───◇───◇───◇───◇───◇─◆                                      where somebody has asked before
 *     decoded            ◆          ●        ●                                                the newest few
 *
 * A checkpoint is a snapshot's text, compressed: 10,000 backends are 3.4 MB of text and about 180 KB of this; to encode and
 * compress it costs some 30 ms, to have the roster again some 45. When they fill their room, every second one is
 * forgotten, and from then on they are made half as often.
 *
 * Decoded rosters cost most of the memory (some 10 MB each for 10,000 backends, less what they share), so only few are kept.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decodeSnapshot, snapshotParts, type Roster } from '@muster/membership';

export interface CheckpointOptions {
  /** Revisions between two checkpoints, at least. Default 2,500. */
  readonly spacingRevisions?: number;
  /** Compressed bytes in all. Default 96 MiB. 0: none are kept. */
  readonly bytesMax?: number;
  /** Decoded rosters kept, those used longest ago are forgotten first. Default 2; at least 1. */
  readonly decodedMax?: number;
}

const SPACING_REVISIONS = 2_500;
const BYTES_MAX = 96 * 2 ** 20;
const DECODED_MAX = 2;
const OFFERED_MAX = 24;

interface Checkpoint {
  readonly revision: number;
  /** In the parts that the text is made of, one behind the other: to have them one by one costs less memory for a moment. */
  readonly compressed: Buffer;
  /** Where each part ends. */
  readonly ends: readonly number[];
}

export class Checkpoints {
  readonly #bytesMax: number;
  readonly #decodedMax: number;
  #spacingRevisions: number;
  /** Ascending. */
  #checkpoints: Checkpoint[] = [];
  #bytes = 0;
  /** Used longest ago first. */
  #decoded: Roster[] = [];
  /** To be encoded when there is time. They share most of what they are made of. */
  #offered: Roster[] = [];

  constructor(options: CheckpointOptions = {}) {
    this.#spacingRevisions = options.spacingRevisions ?? SPACING_REVISIONS;
    this.#bytesMax = options.bytesMax ?? BYTES_MAX;
    this.#decodedMax = options.decodedMax ?? DECODED_MAX;
  }

  get spacingRevisions(): number {
    return this.#spacingRevisions;
  }

  /** Those kept in compressed form, and their bytes. */
  get size(): { readonly count: number; readonly bytes: number } {
    return { count: this.#checkpoints.length, bytes: this.#bytes };
  }

  /**
   * Keeps it, unless another one is near, as soon as whoever waits for an answer has got it: one for each turn of the event
   * loop. Does not keep the process alive. Beyond `OFFERED_MAX` it is passed over.
   */
  offerLater(roster: Roster): void {
    if (this.#offered.length >= OFFERED_MAX || !this.#isWanted(roster)) return;
    if (this.#offered.some(({ revision }) => this.#areNear(revision, roster.revision))) return;
    this.#offered.push(roster);
    if (this.#offered.length === 1) this.#encodeLater();
  }

  #encodeLater(): void {
    setImmediate(() => {
      const roster = this.#offered.shift();
      if (roster === undefined) return;
      this.offer(roster);
      if (this.#offered.length > 0) this.#encodeLater();
    }).unref();
  }

  /** Keeps it now, unless another one is near. */
  offer(roster: Roster): void {
    if (!this.#isWanted(roster)) return;
    const { revision } = roster;
    const place = this.#placeAfter(revision);
    const checkpoint = compress(roster);
    this.#checkpoints.splice(place, 0, checkpoint);
    this.#bytes += checkpoint.compressed.length;
    while (this.#bytes > this.#bytesMax && this.#checkpoints.length > 0) this.#thinOut();
  }

  #isWanted({ revision }: Roster): boolean {
    if (this.#bytesMax === 0) return false;
    const place = this.#placeAfter(revision);
    const before = this.#checkpoints[place - 1]?.revision ?? -Infinity;
    const after = this.#checkpoints[place]?.revision ?? Infinity;
    return !this.#areNear(before, revision) && !this.#areNear(revision, after);
  }

  #areNear(left: number, right: number): boolean {
    return Math.abs(left - right) < this.#spacingRevisions;
  }

  /** Remembers it decoded. */
  remember(roster: Roster): void {
    this.#decoded = this.#decoded.filter(({ revision }) => revision !== roster.revision);
    this.#decoded.push(roster);
    if (this.#decoded.length > this.#decodedMax) this.#decoded.shift();
  }

  /** The revision of the newest one at or before a revision, or null. */
  nearestRevision(atOrBefore: number): number | null {
    const checkpoint = this.#checkpoints[this.#placeAfter(atOrBefore) - 1]?.revision ?? -1;
    const decoded = this.#nearestDecoded(atOrBefore)?.revision ?? -1;
    const nearest = Math.max(checkpoint, decoded);
    return nearest < 0 ? null : nearest;
  }

  /** The newest one at or before a revision, or null. */
  nearest(atOrBefore: number): Roster | null {
    const decoded = this.#nearestDecoded(atOrBefore);
    const checkpoint = this.#checkpoints[this.#placeAfter(atOrBefore) - 1];
    if (checkpoint === undefined || (decoded !== null && decoded.revision >= checkpoint.revision)) return decoded;
    const read = decodeSnapshot(textOf(checkpoint));
    if (read.outcome === 'decoded') return read.roster;
    throw new Error(`The checkpoint at revision ${checkpoint.revision} cannot be read: ${read.message}`);
  }

  clear(): void {
    this.#checkpoints = [];
    this.#bytes = 0;
    this.#decoded = [];
    this.#offered = [];
  }

  #nearestDecoded(atOrBefore: number): Roster | null {
    let nearest: Roster | null = null;
    for (const roster of [...this.#decoded, ...this.#offered]) {
      if (roster.revision <= atOrBefore && roster.revision > (nearest?.revision ?? -1)) nearest = roster;
    }
    return nearest;
  }

  /** Index of the first checkpoint after a revision. */
  #placeAfter(revision: number): number {
    let low = 0;
    let high = this.#checkpoints.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#checkpoints[middle]!.revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #thinOut(): void {
    this.#spacingRevisions *= 2;
    this.#checkpoints = this.#checkpoints.filter((_, index) => index % 2 === 1);
    this.#bytes = this.#checkpoints.reduce((sum, { compressed }) => sum + compressed.length, 0);
  }
}

function compress(roster: Roster): Checkpoint {
  const parts: Buffer[] = [];
  const ends: number[] = [];
  let bytes = 0;
  for (const part of snapshotParts(roster)) {
    const compressed = zstdCompressSync(part);
    bytes += compressed.length;
    parts.push(compressed);
    ends.push(bytes);
  }
  // A copy of the size that it has: what comes out of the compressor holds on to a larger piece of memory.
  return { revision: roster.revision, compressed: Buffer.concat(parts, bytes), ends };
}

function textOf({ compressed, ends }: Checkpoint): string {
  return ends
    .map((end, index) => zstdDecompressSync(compressed.subarray(ends[index - 1] ?? 0, end)).toString())
    .join('');
}
