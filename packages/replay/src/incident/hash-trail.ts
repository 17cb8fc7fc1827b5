/**
 * Two hashes of each revision of a span: of the log as it is, and of the log without its secrets. 24 bytes a revision.
 *
 * The one says whether what a node recorded was right; the other is what a reader of the redacted log has to find.
 */
import { rosterHash, type Roster } from '@muster/membership';

type Digest = Roster['digest'];

/** Numbers per revision: two digests of two lanes. */
const LANES = 4;
const ROOM_BEGUN = 1_024;

export interface TrailPoint {
  readonly trueHash: string;
  readonly redactedHash: string;
}

export class HashTrail {
  #revisions = new Float64Array(ROOM_BEGUN);
  #lanes = new Int32Array(ROOM_BEGUN * LANES);
  #count = 0;

  /** Revisions rise. */
  add(revision: number, { original, redacted }: { readonly original: Digest; readonly redacted: Digest }): void {
    if (this.#count === this.#revisions.length) this.#grow();
    this.#revisions[this.#count] = revision;
    this.#lanes.set([original.high, original.low, redacted.high, redacted.low], this.#count * LANES);
    this.#count += 1;
  }

  /** Null for a revision that no event of the span has. */
  at(revision: number): TrailPoint | null {
    let low = 0;
    let high = this.#count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.#revisions[middle]!;
      if (found === revision) return this.#point(middle);
      if (found < revision) low = middle + 1;
      else high = middle - 1;
    }
    return null;
  }

  #point(index: number): TrailPoint {
    const [high, low, redactedHigh, redactedLow] = this.#lanes.subarray(index * LANES, (index + 1) * LANES);
    return {
      trueHash: rosterHash({ digest: { high: high!, low: low! } }),
      redactedHash: rosterHash({ digest: { high: redactedHigh!, low: redactedLow! } }),
    };
  }

  #grow(): void {
    const revisions = new Float64Array(this.#revisions.length * 2);
    revisions.set(this.#revisions);
    const lanes = new Int32Array(this.#lanes.length * 2);
    lanes.set(this.#lanes);
    [this.#revisions, this.#lanes] = [revisions, lanes];
  }
}
