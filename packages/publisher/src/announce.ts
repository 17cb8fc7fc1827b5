/**
 * Gets one event into the journal, however long that takes.
 *
 * An attempt whose answer was lost may have been recorded, so every attempt carries the same id, and the journal keeps one of
 * them. A publish on a connection that was cut is neither failed early nor sent later, so attempts are short and only made while
 * the link stands. "No responders" is waited out too: it is what a stream without a leader says.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import { backoffMs, causeOf, messageOf, RETRY_BACKOFF } from '@muster/membership';
import type { NatsLink } from '@muster/nats';
import { headers, NoRespondersError, PermissionViolationError, TimeoutError } from '@nats-io/transport-node';

/** How long one attempt waits for its answer. */
const ATTEMPT_TIMEOUT_MS = 1_500;

export interface OutgoingEvent {
  readonly subject: string;
  /** The same for every attempt. */
  readonly eventId: string;
  readonly origin: string;
  /** JSON text. */
  readonly payload: string;
}

export type AnnounceOutcome =
  /** It is in the journal, at this revision. */
  | { readonly outcome: 'acknowledged'; readonly revision: number }
  /** The server does not let this user say it; trying again is pointless. */
  | { readonly outcome: 'refused'; readonly message: string }
  /** It was given up before an answer came. It may or may not be recorded. */
  | { readonly outcome: 'unconfirmed'; readonly message: string };

export interface AnnounceOptions {
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Told after each attempt that failed, why; and null once one did not. */
  readonly onProblem: (problem: string | null) => void;
}

/** Tries until it is acknowledged or refused, or until the signal says stop. Never rejects. */
export async function announce(
  link: NatsLink,
  event: OutgoingEvent,
  { signal, onProblem }: AnnounceOptions,
): Promise<AnnounceOutcome> {
  let problem = 'it was not tried';
  for (let failureCount = 0; !signal.aborted; failureCount++) {
    const attempt = await untilAborted(attemptOnce(link, event, signal), signal);
    if (attempt === null) break;
    if (attempt.outcome !== 'failed') {
      onProblem(attempt.outcome === 'refused' ? attempt.message : null);
      return attempt;
    }
    problem = attempt.message;
    onProblem(problem);
    await untilAborted(sleep(backoffMs(failureCount, RETRY_BACKOFF, Math.random), undefined, { signal }), signal);
  }
  return { outcome: 'unconfirmed', message: link.awayReason ?? problem };
}

type Attempt =
  | Extract<AnnounceOutcome, { outcome: 'acknowledged' | 'refused' }>
  | { readonly outcome: 'failed'; readonly message: string };

async function attemptOnce(link: NatsLink, event: OutgoingEvent, signal: AbortSignal): Promise<Attempt> {
  const { subject, eventId, origin, payload } = event;
  try {
    const connection = await link.connected(signal);
    const sent = { msgID: eventId, timeout: ATTEMPT_TIMEOUT_MS, headers: headers() };
    sent.headers.set('Muster-Origin', origin);
    const { seq } = await jetstream(connection).publish(subject, payload, sent);
    // A server that is storing this very id right now says so with the sequence 0 (2.10) or an error (later ones).
    return seq > 0 ? { outcome: 'acknowledged', revision: seq } : failed('the server is still recording it');
  } catch (error) {
    const denied = causeOf(error, PermissionViolationError);
    if (denied !== null) return { outcome: 'refused', message: describeViolation(denied) };
    return failed(describeFailure(error));
  }
}

/** What the promise gives, or null as soon as the signal is aborted, whatever becomes of the promise then. */
async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value | null> {
  const { promise: aborted, resolve } = Promise.withResolvers<null>();
  const onAbort = () => resolve(null);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted]);
  } catch (error) {
    // A wait that the signal itself ended rejects; it may do so before the listener above was called.
    if (signal.aborted) return null;
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function failed(message: string): Attempt {
  return { outcome: 'failed', message };
}

function describeFailure(error: unknown): string {
  if (error instanceof TimeoutError) return `no answer within ${ATTEMPT_TIMEOUT_MS} ms`;
  if (causeOf(error, NoRespondersError) !== null)
    return 'no stream takes its subject: it is not there, or has no leader now';
  return messageOf(error);
}

/** For people: what was not permitted, and what to do. */
export function describeViolation({ operation, subject }: PermissionViolationError): string {
  if (operation === 'publish') return `the server does not let this user publish on ${subject}`;
  return `the server does not let this user subscribe to ${subject}, where answers come to; give the inboxPrefix it may use`;
}
