/**
 * What a replayed state was compared with. Every answer carries it, so that nobody takes an unproven state for a proven one.
 *
 * A roster's hash stands for everything in it, and so for every event that led there: where the log folds to the hash that a
 * node recorded at that revision, the log is the one that the node folded.
 */

/** A node whose hash is another than the log's, where others' are equal to it: it is the node that was wrong. */
export interface Disagreement {
  readonly node: string;
  /** The first of the revisions looked at where it differed. */
  readonly revision: number;
  readonly hash: string;
}

interface Compared {
  /** The last revision that was compared. */
  readonly revision: number;
  readonly hash: string;
  /** For example `node lb-1` or `the snapshot at revision 1000`. */
  readonly recordedBy: string;
  /** Revisions with a recorded hash that this fold came to, its beginning aside, and was equal to. */
  readonly comparedCount: number;
  readonly disagreeing: readonly Disagreement[];
}

export type HashCheck =
  /** Everything that the state was made of was compared: `revision` is the state's own or a later one. */
  | (Compared & { readonly outcome: 'checked' })
  /** Up to `revision`; what came after has no witness, for the reason in `why`. */
  | (Compared & { readonly outcome: 'partly-checked'; readonly why: string })
  | { readonly outcome: 'unchecked'; readonly why: string };
