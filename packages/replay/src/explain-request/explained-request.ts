/**
 * A request and its end, as far as both a recorded decision and a line of the access log tell it. What was picked for it, and from
 * what, stands elsewhere.
 */
import type { Decision } from '@muster/selection';

/** Of a line, `timeMs` is right to a millisecond or two. */
export interface ExplainedRequest extends Omit<Decision, 'attempts' | 'attemptsCount' | 'refused' | 'result'> {
  /** More about the termination, in words; null where there is nothing to add. */
  readonly result: string | null;
}
