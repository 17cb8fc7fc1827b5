/**
 * One readable line for each membership and health change, as the node folds them: the log a person watches.
 *
 * Only what happens while the node runs is told; the history that it catches up on is in the journal. A line costs as much CPU
 * as folding its event, and nobody reads a thousand a second: at most `LINES_PER_SECOND_MAX` are written, and then
 * how many were left out.
 *
 * A node that has nothing to serve yet has no changes to tell: it says what it waits for instead.
 */
import type { Logger, NodeHandle } from '@muster/actors';
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

/** How often a node that waits says so. */
const NOTICE_INTERVAL_MS = 10_000;

/**
 * Says every ten seconds what a node waits for that has nothing to serve: its journal is away, and there was no local snapshot.
 * `awayReason` names the addresses that are tried, or what NATS answers for the journal; where that answers, the node says what it lacks. Returns
 * the function that ends it; it ends by itself once the node serves.
 */
export function noticeWaiting(
  node: Pick<NodeHandle, 'status'>,
  { awayReason, log }: { readonly awayReason: () => string | null; readonly log: Pick<Logger, 'warn'> },
): () => void {
  const timer = setInterval(() => {
    const { state, journalAwayReason } = node.status();
    if (state !== 'starting' && state !== 'catching-up') return clearInterval(timer);
    const reason = awayReason() ?? journalAwayReason;
    if (reason !== null) log.warn({ state }, `nothing is served yet: the node waits for its journal; ${reason}`);
  }, NOTICE_INTERVAL_MS);
  return () => clearInterval(timer);
}
