/**
 * What the end of a request says about its backend: the one table that live ejection counts by.
 *
 * Only what a backend does of itself counts against it. What a client can bring about, by what it sends, how slowly, or by leaving,
 * says nothing, because a stranger could otherwise take a backend out for everybody. A 500 counts although a request may provoke it:
 * nobody but the backend can tell.
 */
import type { AttemptOutcome } from './exchange-record.ts';
import type { Termination } from './termination.ts';

/** `well` ends a run of failures, `failed` goes on with it, `nothing` leaves it as it is. */
export type BackendVerdict = 'well' | 'failed' | 'nothing';

/** Of 500 to 599, those that answer what was asked: the method, the version, the negotiation, an extension, the network in between. */
const ASKED_FOR = new Set([501, 505, 506, 510, 511]);

export function verdictOfStatus(status: number): BackendVerdict {
  if (status < 500) return 'well';
  return ASKED_FOR.has(status) ? 'nothing' : 'failed';
}

/** An attempt that ended without the head of an answer. A connect that failed for a fault of this machine says `nothing`. */
export const VERDICT_BY_OUTCOME: Readonly<Record<AttemptOutcome, BackendVerdict>> = {
  pending: 'nothing',
  answered: 'nothing',
  connect_failed: 'failed',
  connect_timeout: 'failed',
  stale: 'nothing',
  no_answer: 'failed',
  bad_answer: 'failed',
  answer_timeout: 'failed',
  target_removed: 'nothing',
  cancelled: 'nothing',
};

/** How an exchange whose answer had begun ended: `failed` counts whatever the status was, all others leave it to the status. */
const VERDICT_BY_TERMINATION: Readonly<Partial<Record<Termination, 'failed'>>> = { answer_cut: 'failed' };

/** An answer whose head came. A good head is a good sign also where its client left in the middle of the body. */
export function verdictOfAnswer(status: number, termination: Termination): BackendVerdict {
  return VERDICT_BY_TERMINATION[termination] ?? verdictOfStatus(status);
}
