/** The errors of this package: what `join` and `openPublisher` throw. What may happen afterwards is returned, never thrown. */
import { MusterError } from '@muster/membership';

export type PublisherErrorCode =
  /** What was asked for makes no sense; nothing was sent. */
  | 'invalid-option'
  /** The server does not let this user say it. */
  | 'not-permitted'
  /** The caller's signal, or `close`, ended the wait. What was under way may have been recorded; without heartbeats it runs out. */
  | 'aborted';

/** `message` says what happened, to which member, and what to do. It holds no secrets. */
export class PublisherError extends MusterError<PublisherErrorCode> {
  constructor(code: PublisherErrorCode, message: string, cause?: unknown) {
    super({ code, message, source: 'internal', isRetryable: code === 'aborted', cause });
  }
}
