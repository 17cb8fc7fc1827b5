/**
 * A span of history as an incident file, without secrets: `muster export`. Its answer is no JSON but the bytes of the file, so that it is
 * asked and printed apart from the other questions; what there is to say of it are the lines about the file that was kept.
 */
import type { Roster } from '@muster/membership';
import { VERSION } from '@muster/membership/version';
import type { IncidentHead, IncidentSummary } from '@muster/replay';
import type { z } from 'zod';
import type { Past } from './past.ts';
import { momentsHelp, type Question, type Shapes } from './question.ts';
import { paint } from './text/output.ts';
import { dateAndTime, printable } from './text/plain-text.ts';

const query = ({ z, moment }: Shapes) => z.strictObject({ from: moment, to: moment.default('now') });

export type ExportQuery = z.output<ReturnType<typeof query>>;

/** A file that was written and checked. */
export interface KeptIncident {
  readonly path: string;
  readonly bytes: number;
  readonly about: IncidentHead & IncidentSummary;
}

type Asked = Pick<Question<ExportQuery, KeptIncident>, 'path' | 'summary' | 'moments' | 'query' | 'command'>;

export const exportQuestion: Asked & { lines(kept: KeptIncident): string[] } = {
  path: '/v1/export',
  summary: 'A span of history as an incident file, without secrets',
  moments: ['from', 'to'],
  query,
  command: {
    name: 'export',
    description: 'write a span of history into one file, without secrets',
    options: [
      { words: '--from <moment>', description: 'where it begins', kind: 'moment', isRequired: true },
      { words: '--to <moment>', description: 'where it ends', kind: 'moment', default: 'now' },
      {
        words: '-o, --output <incident>',
        description: 'the file to write, for example incident.muster; - for the standard output',
        isRequired: true,
      },
      { words: '--force', description: 'replace the file that is there' },
      { words: '--file <incident>', description: 'cut a span out of an incident file' },
    ],
    help: momentsHelp(),
    query: ({ from, to }: ExportQuery) => ({ from, to }),
  },
  lines: incidentLines,
};

/** The bytes of an incident file, as they come. Throws `ReplayError`. */
export async function exportIncident(past: Past, { from, to }: ExportQuery): Promise<AsyncGenerator<Uint8Array, void>> {
  const { ReplayError, writeIncident } = await import('@muster/replay');
  const [begin, end] = [await past.resolve(from), await past.resolve(to)];
  // What was observed since the newest event belongs to it, too.
  const toMs = to === 'now' ? Math.max(past.nowMs(), end.timeMs) : end.timeMs;
  if (end.revision < begin.revision || toMs < begin.timeMs) {
    throw new ReplayError('invalid-question', `${to} is before ${from}: give the earlier moment first`);
  }
  const base = await rosterBefore(past, begin.revision);
  const span = { base, fromMs: begin.timeMs, toRevision: end.revision, toMs };
  return writeIncident(past.decisionSource, span, { program: `muster ${VERSION}`, madeMs: past.nowMs() });
}

/** The state before an event, so that the event itself is in the file; its own where nothing older can be had. */
async function rosterBefore({ replay }: Past, revision: number): Promise<Roster> {
  const { ReplayError } = await import('@muster/replay');
  try {
    return (await replay.rosterAt(Math.max(0, revision - 1))).roster;
  } catch (error) {
    if (!(error instanceof ReplayError) || error.code !== 'compacted') throw error;
    return (await replay.rosterAt(revision)).roster;
  }
}

function incidentLines({ path, bytes, about }: KeptIncident): string[] {
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
  const wrong = disagreements.map(({ node, revision, recordedHash, foldedHash }) => {
    const what = `node ${node} recorded ${recordedHash} at revision ${revision}, and the log folds to ${foldedHash}`;
    return paint('red', printable(what));
  });
  return [paint(wrong.length === 0 ? 'green' : 'red', agreed), ...wrong];
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
