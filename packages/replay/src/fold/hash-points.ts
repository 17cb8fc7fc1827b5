/**
 * The hashes that nodes recorded from a revision on, gathered for one fold.
 *
 * A node records its own at every revision where it was, and what others announce. They are kept by time, while a fold needs
 * them by revision: they are read from a minute before the fold's beginning on, by the clock, until the first one that lies at or
 * after its end, and a little further for those of other nodes.
 */
import type { HashPoint } from '@muster/observations';
import type { ReplaySource } from '../log/replay-source.ts';

/** How far a node's clock may be behind the journal's before the earliest of its hashes are missed. */
const CLOCK_SLACK_MS = 60_000;
/** How long after the first node others may have recorded the same revision. */
const OTHERS_MS = 5_000;
/** Points held at once; those after are left out, and the fold is checked as far as these lead. About 100 bytes each. */
const POINTS_MAX = 400_000;

export type RecordedHash = Pick<HashPoint, 'node' | 'hash'>;
/** By revision. */
export type RecordedHashes = ReadonlyMap<number, readonly RecordedHash[]>;

export interface HashPointRange {
  readonly epoch: string;
  /** The fold's beginning, inclusive. */
  readonly fromRevision: number;
  /** When that was, ms since 1970; 0 for the beginning of all. */
  readonly fromMs: number;
  /** The fold's end: hashes recorded after it are taken, but not looked for. */
  readonly toRevision: number;
}

export async function recordedHashes(source: ReplaySource, range: HashPointRange): Promise<RecordedHashes> {
  const hashes = new Map<number, RecordedHash[]>();
  let untilMs = Infinity;
  let pointsCount = 0;
  const fromMs = Math.max(0, range.fromMs - CLOCK_SLACK_MS);
  for await (const point of source.observations({ kinds: ['hash'], fromMs })) {
    if (point.timeMs > untilMs || pointsCount >= POINTS_MAX) break;
    if (point.kind !== 'hash' || point.epoch !== range.epoch || point.revision < range.fromRevision) continue;
    const { node, hash, revision } = point;
    const same = hashes.get(revision);
    if (same === undefined) hashes.set(revision, [{ node, hash }]);
    else if (!same.some((other) => other.node === node && other.hash === hash)) same.push({ node, hash });
    pointsCount += 1;
    if (revision >= range.toRevision) untilMs = Math.min(untilMs, point.timeMs + OTHERS_MS);
  }
  return hashes;
}
