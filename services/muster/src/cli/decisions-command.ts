/** `muster decisions`: who was picked for the newest requests, from what, and what became of it; or for one request. */
import type { FoundDecision } from '../node/decision-questions.ts';
import { CliFailure } from './cli-failure.ts';
import { decisionLines, decisionTable } from './decision-text.ts';
import type { Session } from './session.ts';

export interface DecisionsOptions {
  readonly limit?: number;
}

interface DecisionsAnswer {
  readonly decisions: readonly FoundDecision[];
  readonly silentWorkers: readonly number[];
}

/** Fails where a request was asked for and no worker remembers it. */
export async function showDecisions(session: Session, requestId: string | undefined, options: DecisionsOptions) {
  const query = new URLSearchParams();
  if (options.limit !== undefined) query.set('limit', String(options.limit));
  if (requestId !== undefined) {
    query.set('requestId', requestId);
    query.set('candidates', 'true');
  }
  const answer = await session.client.get<DecisionsAnswer>(`/v1/decisions?${query.toString()}`);
  const { decisions, silentWorkers } = answer;
  const silent = silentWorkers.length === 0 ? [] : [`no answer in a second: worker ${silentWorkers.join(', ')}`];
  if (requestId !== undefined && decisions.length === 0) {
    const message = `no worker remembers request ${requestId}; each keeps its newest 1,024`;
    throw new CliFailure('unknown-request', [message, ...silent].join('; '));
  }
  const lines = requestId === undefined ? decisionTable(decisions) : decisions.flatMap(decisionLines);
  await session.print(answer, [...lines, ...silent]);
}
