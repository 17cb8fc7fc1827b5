/**
 * What an error of the NATS client means to a journal. The only place that looks into the client's errors.
 *
 * Codes are the server's (`errors.json` of nats-server); where the same thing comes in several shapes, all are named.
 */
import { causeOf, messageOf } from '@muster/membership';
import { JournalError } from '@muster/journal';
import { JetStreamApiError } from '@nats-io/jetstream';
import {
  ClosedConnectionError,
  NoRespondersError,
  PermissionViolationError,
  TimeoutError,
} from '@nats-io/transport-node';

const CODE = {
  messageTooLarge: 10_054,
  storeFailed: 10_077,
  streamNotFound: 10_059,
  wrongSequence: 10_071,
  wrongSequenceUnknown: 10_164,
  duplicateInProcess: 10_158,
  notEnabledForAccount: 10_039,
  notEnabled: 10_076,
  noCluster: 10_074,
  noSuitablePeers: 10_005,
  insufficientResources: 10_023,
} as const;
const STATUS_UNAVAILABLE = 503;

/** What became of one attempt to publish, other than an acknowledgement. */
export type PublishFailure =
  /** Somebody else's event is there, or our own from an attempt before: read back to know. */
  | { readonly kind: 'wrong-sequence' }
  | { readonly kind: 'refused'; readonly reason: 'too-large' | 'not-permitted'; readonly message: string }
  /** Not stored; another attempt at once is pointless. */
  | { readonly kind: 'rejected'; readonly message: string }
  /** `isUncertain`: it may have been stored. `isUnderWay`: the server said that the same id is being stored right now. */
  | { readonly kind: 'retry'; readonly isUncertain: boolean; readonly isUnderWay: boolean; readonly message: string };

/** Sorts the error of one publish. */
export function publishFailure(error: unknown): PublishFailure {
  const violation = permissionViolation(error);
  if (violation !== null) {
    const message = `NATS does not permit this user to publish to ${violation.subject}; extend its permissions`;
    return { kind: 'refused', reason: 'not-permitted', message };
  }
  if (error instanceof JetStreamApiError) return apiFailure(error);
  const message = natsMessageOf(error);
  // No responders: no stream listens, or it has no leader just now. Nobody was reached, so nothing was stored.
  return { kind: 'retry', isUncertain: !isNoResponders(error), isUnderWay: false, message };
}

function apiFailure({ code, status, message }: JetStreamApiError): PublishFailure {
  switch (code) {
    case CODE.wrongSequence:
    case CODE.wrongSequenceUnknown:
      return { kind: 'wrong-sequence' };
    case CODE.duplicateInProcess:
      return { kind: 'retry', isUncertain: true, isUnderWay: true, message };
    case CODE.messageTooLarge:
      return { kind: 'refused', reason: 'too-large', message: `${message} (max_msg_size of the stream)` };
    case CODE.storeFailed: {
      const remedy = 'raise its max_bytes, or cut the log by retentionHours';
      return { kind: 'rejected', message: `the stream takes no events: ${message}; ${remedy}` };
    }
  }
  if (status === STATUS_UNAVAILABLE) return { kind: 'retry', isUncertain: true, isUnderWay: false, message };
  return { kind: 'rejected', message: `the stream does not take it: ${message} (${code})` };
}

export function isStreamNotFound(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === CODE.streamNotFound;
}

/** JetStream is off: in the server, or for this account. */
export function isJetStreamOff(error: unknown): boolean {
  const code = causeOf(error, JetStreamApiError)?.code;
  return code === CODE.notEnabled || code === CODE.notEnabledForAccount;
}

/** Several copies are asked of a server that is alone, and stays so. */
export function isWithoutCluster(error: unknown): boolean {
  return causeOf(error, JetStreamApiError)?.code === CODE.noCluster;
}

/** The cluster has not enough servers, or not enough room on them, for as many copies; that may pass. */
export function isTooFewServers(error: unknown): boolean {
  const code = causeOf(error, JetStreamApiError)?.code;
  return code === CODE.noSuitablePeers || code === CODE.insufficientResources;
}

export function isTimeout(error: unknown): boolean {
  return causeOf(error, TimeoutError) !== null;
}

/** Nobody answers for JetStream: it is off, or no server leads it just now. */
export function isNoResponders(error: unknown): boolean {
  return causeOf(error, NoRespondersError) !== null;
}

/** The permission that was missing, wherever in the chain of causes it stands. */
export function permissionViolation(error: unknown): PermissionViolationError | null {
  return causeOf(error, PermissionViolationError);
}

/** A `JournalError` about this journal: what was tried, and why it failed. */
export function journalErrorOf(error: unknown, what: string): JournalError {
  if (error instanceof JournalError) return error;
  const violation = permissionViolation(error);
  if (violation !== null) {
    const message = `${what}: NATS does not permit this user to ${violation.operation} to ${violation.subject}; extend its permissions`;
    return new JournalError('failed', message, error);
  }
  return new JournalError('failed', `${what}: ${natsMessageOf(error)}`, error);
}

/** What went wrong, for people. */
export function natsMessageOf(error: unknown): string {
  if (error instanceof TimeoutError) return 'NATS did not answer in time';
  if (error instanceof ClosedConnectionError) return 'the connection to NATS is closed';
  if (isNoResponders(error)) return 'nobody answers for the stream: it is not there, or has no leader just now';
  return messageOf(error);
}
