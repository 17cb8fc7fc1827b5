/**
 * One readable line for each membership and health change, as the node folds them: the log a person watches.
 *
 * Only what happens while the node runs is told; the history that it catches up on is in the journal. At most
 * `LINES_PER_BATCH_MAX` lines per batch of events are written, and then how many were left out.
 */
import type { NodeHandle } from '@muster/actors';
import { describeEvent } from '../cli/describe-event.ts';
import type { Log } from './log.ts';

const LINES_PER_BATCH_MAX = 50;
const EARLY_STATES: ReadonlySet<string> = new Set(['starting', 'catching-up']);

/** Returns the function that ends it. */
export function logMembership(node: NodeHandle, log: Log): () => void {
  let isHistory = true;
  return node.onRosterChanged((_before, _after, { events, rejections }) => {
    isHistory &&= EARLY_STATES.has(node.status().state);
    if (isHistory) return;
    const rejectionByRevision = new Map(rejections.map((rejection) => [rejection.revision, rejection]));
    for (const event of events.slice(0, LINES_PER_BATCH_MAX)) {
      const { revision, origin } = event;
      const rejection = rejectionByRevision.get(revision);
      if (rejection === undefined) log.info({ revision, origin }, describeEvent(event));
      else log.warn({ revision, origin, reason: rejection.reason }, `rejected: ${rejection.message}`);
    }
    const omittedCount = events.length - LINES_PER_BATCH_MAX;
    if (omittedCount > 0) log.info({ omittedCount }, `and ${omittedCount} more events`);
  });
}
