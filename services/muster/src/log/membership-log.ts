/**
 * One readable line for each membership and health change, as the node folds them: the log a person watches.
 *
 * Only what happens while the node runs is told; the history that it catches up on is in the journal. A line costs as much CPU
 * as folding its event, and nobody reads a thousand a second: at most `LINES_PER_SECOND_MAX` are written, and then
 * how many were left out.
 */
import type { NodeHandle } from '@muster/actors';
import { describeEvent } from '@muster/questions/text/event-text';
import type { Log } from './log.ts';

const LINES_PER_SECOND_MAX = 100;
const EARLY_STATES: ReadonlySet<string> = new Set(['starting', 'catching-up']);

/** Returns the function that ends it. */
export function logMembership(node: NodeHandle, log: Log): () => void {
  let isHistory = true;
  let linesLeft = LINES_PER_SECOND_MAX;
  let omittedCount = 0;
  let refill: NodeJS.Timeout | null = null;
  const tellOmitted = (): void => {
    refill = null;
    linesLeft = LINES_PER_SECOND_MAX;
    if (omittedCount > 0) log.info({ omittedCount }, `and ${omittedCount} more events`);
    omittedCount = 0;
  };
  const unsubscribe = node.onRosterChanged((_before, _after, { events, rejections }) => {
    isHistory &&= EARLY_STATES.has(node.status().state);
    if (isHistory) return;
    refill ??= setTimeout(tellOmitted, 1_000).unref();
    const told = events.slice(0, linesLeft);
    linesLeft -= told.length;
    omittedCount += events.length - told.length;
    const rejectionByRevision = new Map(rejections.map((rejection) => [rejection.revision, rejection]));
    for (const event of told) {
      const { revision, origin } = event;
      const rejection = rejectionByRevision.get(revision);
      if (rejection === undefined) log.info({ revision, origin }, describeEvent(event));
      else log.warn({ revision, origin, reason: rejection.reason }, `rejected: ${rejection.message}`);
    }
  });
  return () => {
    unsubscribe();
    if (refill !== null) clearTimeout(refill);
    tellOmitted();
  };
}
