/**
 * Which snapshots a journal keeps: the newest few, and the earliest of every span of revisions.
 *
 * The newest make a start fast. The spaced ones make any past revision fast to rebuild: it is at most about one span of
 * events behind a snapshot, which at 200,000 events a second is half a second. A million events cost some ten snapshots;
 * with 10,000 backends that is about 20 MB.
 *
 * More than the newest one is kept because a snapshot that turns out to be unreadable is then no more than a longer replay.
 */

const NEWEST_KEPT = 3;
const SPAN_REVISIONS = 100_000;

/** Of these revisions of snapshots, ascending, the ones that may be removed. */
export function snapshotsToRemove(revisions: readonly number[]): number[] {
  const spansSeen = new Set<number>();
  return revisions.filter((revision, index) => {
    const span = Math.floor(revision / SPAN_REVISIONS);
    const isEarliestOfSpan = !spansSeen.has(span);
    spansSeen.add(span);
    return !isEarliestOfSpan && index < revisions.length - NEWEST_KEPT;
  });
}
