/**
 * Says every ten seconds what a node waits for that has nothing to serve: its journal is away, and there was no local snapshot.
 */
import type { Logger, NodeHandle } from '@muster/actors';

const NOTICE_INTERVAL_MS = 10_000;

/**
 * `awayReason` names the addresses that are tried, or what NATS answers for the journal; where that answers, the node says what it lacks. Returns
 * what ends it; it ends by itself once the node serves.
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
