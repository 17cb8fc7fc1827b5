/** What stands in an incident file, as people read it. */
import { dateAndTime, printable } from './text/plain-text.ts';
import { paint } from './text/output.ts';
import type { IncidentHead, IncidentSummary } from '@muster/replay';

/** An incident file that was written and opened again. */
export interface KeptIncident {
  readonly path: string;
  readonly bytes: number;
  readonly about: IncidentHead & IncidentSummary;
}

export function incidentLines({ path, bytes, about }: KeptIncident): string[] {
  const { cluster, node, fromRevision, fromMs, toRevision, toMs, program } = about;
  const kept = [
    counted(about.eventsCount, 'event'),
    counted(about.observationsCount, 'observation'),
    `${counted(about.decisionsCount, 'decision')} among them`,
  ];
  return [
    `${printable(path)}: ${sizeText(bytes)}, cluster ${cluster}, as node ${node} had it, by ${printable(program)}`,
    `from revision ${Math.min(fromRevision + 1, toRevision)} (${dateAndTime(fromMs)}) to ${toRevision} (${dateAndTime(toMs)})`,
    kept.join(', '),
    ...observedLines(about),
    ...hashLines(about),
    ...redactionLines(about),
    `ask it with --file ${printable(path)}: muster replay, diff, events, explain, whatif`,
  ];
}

function observedLines({ observedSinceMs, fromMs }: KeptIncident['about']): string[] {
  if (observedSinceMs === null) return [paint('yellow', 'nothing was observed then, or it is not kept any more')];
  return observedSinceMs <= fromMs ? [] : [paint('yellow', `observations from ${dateAndTime(observedSinceMs)} on`)];
}

function hashLines({ hashPointsCount, agreedPointsCount, disagreements }: KeptIncident['about']): string[] {
  if (hashPointsCount === 0) return [paint('yellow', 'no hash that a node recorded lies in it: it cannot be checked')];
  const agreed = `${agreedPointsCount} of ${hashPointsCount} recorded hashes are what the log folds to`;
  const wrong = disagreements.map(({ node, revision, recordedHash, foldedHash }) =>
    paint('red', `node ${node} recorded ${recordedHash} at revision ${revision}, and the log folds to ${foldedHash}`),
  );
  return [paint(wrong.length === 0 ? 'green' : 'red', agreed), ...wrong.map(printable)];
}

function redactionLines(about: KeptIncident['about']): string[] {
  const { redactedEventsCount, redactedObservationsCount, redactedSpans, isSnapshotRedacted } = about;
  const what = [
    ...(isSnapshotRedacted ? ['the snapshot'] : []),
    ...(redactedEventsCount === 0 ? [] : [`${counted(redactedEventsCount, 'event')} (${spansText(redactedSpans)})`]),
    ...(redactedObservationsCount === 0 ? [] : [counted(redactedObservationsCount, 'observation')]),
  ];
  if (what.length === 0) return ['no secrets were found in it'];
  return [paint('yellow', `secrets were taken out of ${what.join(', ')}; hashes are those of what is left`)];
}

const SPANS_SHOWN_MAX = 8;

function spansText(spans: KeptIncident['about']['redactedSpans']): string {
  const shown = spans.slice(-SPANS_SHOWN_MAX).map(([from, to]) => (from === to ? String(from) : `${from}–${to}`));
  return `${spans.length > shown.length ? '…, ' : ''}${shown.join(', ')}`;
}

function sizeText(bytes: number): string {
  return bytes < 1_048_576 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
