/**
 * Which snapshots a journal keeps: the newest few, the earliest of every span of revisions, and the one that the log's first
 * revision rests on.
 *
 * The newest make a start fast. The spaced ones make any past revision fast to rebuild: it is at most about one span of
 * events behind a snapshot, which is a quarter of a second of reading and folding: a question about the past is answered within
 * a second of the start of whoever asks (`bench replay`). A million events cost some forty snapshots; with 10,000 backends that is
 * about 110 MB, half of what the events take.
 *
 * Where retention has removed the log's beginning, the snapshot right before the oldest event is what every older state began
 * with, so it stays; those before it lead to revisions that nobody can rebuild any more, and go.
 *
 * More than the newest one is kept because a snapshot that turns out to be unreadable is then no more than a longer replay.
 */

const NEWEST_KEPT = 3;
const SPAN_REVISIONS = 25_000;

/** Of these revisions of snapshots, ascending, the ones that may be removed. `firstRevision`: the oldest in the log. */
export function snapshotsToRemove(revisions: readonly number[], firstRevision = 1): number[] {
  const spansSeen = new Set<number>();
  const base = revisions.findLast((revision) => revision < firstRevision) ?? 0;
  return revisions.filter((revision, index) => {
    if (revision <= base) return revision < base;
    const span = Math.floor(revision / SPAN_REVISIONS);
    const isEarliestOfSpan = !spansSeen.has(span);
    spansSeen.add(span);
    return !isEarliestOfSpan && index < revisions.length - NEWEST_KEPT;
  });
}
