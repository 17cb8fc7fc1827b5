/** `muster decisions`: who was picked for the newest requests, from what, and what became of it; or for one request. Or to keep them all. */
import {
  decisionsLines,
  recordingLine,
  silentLines,
  type DecisionsAnswer,
  type RecordingStatus,
} from '@muster/questions/decisions';
import { CliFailure } from './cli-failure.ts';
import type { Session } from './session.ts';

export interface DecisionsOptions {
  readonly limit?: number;
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
  if (requestId !== undefined && answer.decisions.length === 0) {
    const message = `no worker remembers request ${requestId}; each keeps its newest 1,024`;
    throw new CliFailure('unknown-request', [message, ...silentLines(answer.silentWorkers)].join('; '));
  }
  await session.print(answer, decisionsLines(answer, requestId !== undefined));
}

/** From now on for so many seconds; 0 ends it. */
export async function recordDecisions(session: Session, seconds: number): Promise<void> {
  const recording = await session.client.post<RecordingStatus>('/v1/decisions/recording', { seconds });
  await session.print(recording, [recordingLine(recording)]);
}
