/**
 * Parts of the log that were compared already, so that no part is compared twice while the tool runs.
 *
 * A range stands for: folded from its first revision to its last, with a recorded hash equal at the last.
 */
import type { HashCheck } from './hash-check.ts';

export type Proof = Extract<HashCheck, { outcome: 'checked' }>;

interface ProvenRange {
  readonly from: number;
  /** `revision` is the range's last. */
  readonly proof: Proof;
}

export class ProvenRanges {
  /** Ascending, and apart from each other. */
  #ranges: ProvenRange[] = [];

  /** Everything from `from` to the proof's own revision was compared. */
  add(from: number, proof: Proof): void {
    let joined: ProvenRange = { from, proof };
    const apart: ProvenRange[] = [];
    for (const range of this.#ranges) {
      if (range.proof.revision < joined.from || range.from > joined.proof.revision) apart.push(range);
      else joined = join(range, joined);
    }
    this.#ranges = [...apart, joined].sort((left, right) => left.from - right.from);
  }

  /** What shows that the log from one revision to another is what it was; null where nothing does yet. */
  proofOf(from: number, to: number): Proof | null {
    return this.#ranges.find((range) => range.from <= from && range.proof.revision >= to)?.proof ?? null;
  }

  clear(): void {
    this.#ranges = [];
  }
}

function join(left: ProvenRange, right: ProvenRange): ProvenRange {
  const later = left.proof.revision >= right.proof.revision ? left.proof : right.proof;
  const byNode = new Map([...left.proof.disagreeing, ...right.proof.disagreeing].map((each) => [each.node, each]));
  return { from: Math.min(left.from, right.from), proof: { ...later, disagreeing: [...byNode.values()] } };
}
