/** What a run found wrong: which invariant, and what was seen. */

/** `name`: one process at a time speaks for a node. `end`: what must hold once everything has been mended and has had time. */
export const INVARIANTS = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I10', 'name', 'end'] as const;
export type Invariant = (typeof INVARIANTS)[number];

export interface Finding {
  readonly invariant: Invariant;
  /** For people: who, where, what was expected instead. */
  readonly message: string;
}

/** Takes findings as they come. */
export type Report = (invariant: Invariant, message: string) => void;
