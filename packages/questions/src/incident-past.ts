/** An incident file's past: everything that there is to ask, with neither node nor cluster. */
import { openIncident, recordedDecisions, type Incident } from '@muster/replay';
import { Past } from './past.ts';

export interface IncidentPast {
  readonly incident: Incident;
  readonly past: Past;
}

/**
 * Throws `ReplayError` `unreadable-file`. `now` and `-5m` are reckoned from the file's end: whoever reads it next week asks about
 * the time before it was written.
 */
export async function incidentPast(path: string): Promise<IncidentPast> {
  const incident = await openIncident(path);
  const past = new Past(incident, {
    now: () => incident.about.toMs,
    findDecisions: async (requestId) => ({
      decisions: await recordedDecisions(incident, requestId),
      silentWorkers: [],
    }),
    unknownRequestAdvice:
      "decisions are in a file where they were recorded (muster decisions --record); give the request's line in the access log instead (--line)",
  });
  return { incident, past };
}
