/** `muster decisions`: who was picked for the newest requests, from what, and what became of it; or for one request. Or to keep them all. */
import type { FoundDecision, RecordingStatus } from '@muster/questions';
import { CliFailure } from './cli-failure.ts';
import { decisionLines, decisionTable } from '@muster/questions/decisions';
import { duration, timeOfDay } from '@muster/questions/text';
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

/** From now on for so many seconds; 0 ends it. */
export async function recordDecisions(session: Session, seconds: number): Promise<void> {
  const recording = await session.client.post<RecordingStatus>('/v1/decisions/recording', { seconds });
  await session.print(recording, [recordingLine(recording)]);
}

function recordingLine({ isRecording, sinceMs, untilMs, recordedCount, droppedCount }: RecordingStatus): string {
  if (sinceMs === null || untilMs === null) return 'no decisions are recorded';
  const counts = `${recordedCount} decisions${droppedCount === 0 ? '' : `, and ${droppedCount} that there was no room for`}`;
  if (!isRecording) return `no decisions are recorded any more; in ${duration(untilMs - sinceMs)} there were ${counts}`;
  const end = `until ${timeOfDay(untilMs).slice(0, 8)}; muster decisions --record 0 ends it`;
  return `every decision is recorded with the node's observations ${end}`;
}
