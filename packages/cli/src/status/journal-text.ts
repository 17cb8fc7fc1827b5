/**
 * How a node stands to its journal, as people read it. "Up to date" is said only with who said so, and when:
 *
 *     up to date: nats-2 leads and said so 0.8 s ago; this node is on nats-1
 *     NOT CONFIRMED: its leader was last heard at 12:03:05.120 (…); this node is on nats-3; …
 *     away since 12:03:05.120 (…), this node is stale; traffic goes on
 *     takes no events since 12:03:05.120 (…); traffic goes on
 */
import type { StatusView } from '@muster/questions/status';
import { duration, paint, printable, timeOfDay } from '@muster/questions/text';

/** Completes `journal …`. */
export function journalText(status: StatusView, nowMs: number): string {
  const { journalAwaySinceMs, journalAwayReason, confirmation } = status;
  const behind = Math.max(0, status.headRevision - status.revision);
  const lag = behind === 0 ? 'up to date' : `${behind} events behind`;
  if (journalAwaySinceMs !== null) {
    const since = `since ${timeOfDay(journalAwaySinceMs)}${reasonText(journalAwayReason)}`;
    if (isAnswering(confirmation)) return red(`takes no events ${since}; traffic goes on`);
    return red(`away ${since}, this node is stale${lastWordText(confirmation)}; traffic goes on`);
  }
  if (confirmation === null) return lag;
  if (confirmation.isFresh) return printable(`${lag}: ${leaderText(confirmation, nowMs)}`);
  const unsure = `NOT CONFIRMED${lastWordText(confirmation)}${reasonText(confirmation.failure)}${serverText(confirmation)}`;
  return red(`${unsure}; what is new may be unknown here; traffic goes on`);
}

/** Adopting what a server without a majority shows would throw away what the others have. */
export function isUnconfirmed({ confirmation }: Pick<StatusView, 'confirmation'>): boolean {
  return confirmation !== null && !confirmation.isFresh;
}

/** Whether the newest question to the leader was answered; a word can be fresh a moment after NATS is gone. */
function isAnswering(confirmation: Confirmation): boolean {
  return confirmation !== null && confirmation.isFresh && confirmation.failure === null && confirmation.server !== null;
}

type Confirmation = StatusView['confirmation'];

function leaderText(confirmation: NonNullable<Confirmation>, nowMs: number): string {
  const { atMs, place } = confirmation;
  const leader = place === null ? 'its leader' : `${place.leader} leads and`;
  return `${leader} said so ${duration(nowMs - (atMs ?? nowMs))} ago${serverText(confirmation)}`;
}

function lastWordText(confirmation: Confirmation): string {
  if (confirmation === null) return '';
  const { atMs } = confirmation;
  return atMs === null ? ': its leader has not been heard yet' : `: its leader was last heard at ${timeOfDay(atMs)}`;
}

function serverText({ server }: NonNullable<Confirmation>): string {
  return server === null ? '; this node is on no server' : `; this node is on ${server}`;
}

function reasonText(reason: string | null): string {
  return reason === null ? '' : ` (${reason})`;
}

function red(text: string): string {
  return paint('red', printable(text));
}
