/**
 * `muster replay --step`: a log, event by event. A screen on a terminal, plain lines or NDJSON elsewhere.
 *
 * Of a node, the span is first exported into a file of its own that nobody else may read and that is gone afterwards: so a
 * person may walk for an hour, and the node has answered one question.
 */
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventView } from '@muster/questions/events';
import type { IncidentPast } from '@muster/questions/past';
import { dateAndTime, paint, writeJson, writeLines } from '@muster/questions/text';
import { describeEvent } from '@muster/questions/text/event-text';
import { withIncident } from '../ask.ts';
import type { CliFailure } from '../cli-failure.ts';
import { exportOfNode, keepIncident } from '../export-command.ts';
import { type Session } from '../session.ts';
import type { StepCard } from './step-card.ts';
import { StepReader } from './step-reader.ts';
import { runStepScreen } from './step-terminal.ts';

/** Of a node, without `--from`: so many of its newest revisions. */
const NEWEST_EXPORTED = 10_000;

export interface StepOptions {
  readonly file?: string;
  /** Where to stand first. */
  readonly at?: string;
  /** Where the span begins that is walked through. */
  readonly from?: string;
  readonly node?: string;
}

export async function stepThrough(session: Session, options: StepOptions): Promise<void> {
  if (options.file !== undefined) return walkThrough(session, options, options.file);
  await using folder = await mkdtempDisposable(join(tmpdir(), 'muster-step-'));
  const path = join(folder.path, 'step.muster');
  const from = options.from ?? (await newestBeginning(session));
  await keepIncident(path, exportOfNode(session, { from, to: 'now' }), { isReplaced: false });
  await walkThrough(session, options, path);
}

/** The revision before the first of the newest; where that state cannot be had any more, the first. */
async function newestBeginning({ client }: Session): Promise<string> {
  for await (const line of client.lines(`/v1/events?last=${NEWEST_EXPORTED}&limit=1`)) {
    const { revision } = JSON.parse(line) as EventView;
    const isHad = await client.get(`/v1/replay?at=${revision - 1}`).then(
      () => true,
      (error: unknown) => {
        if ((error as CliFailure).code === 'compacted') return false;
        throw error;
      },
    );
    return String(isHad ? revision - 1 : revision);
  }
  return '0';
}

function walkThrough(session: Session, options: StepOptions, path: string): Promise<void> {
  return withIncident(path, (opened) => walkOpened(session, options, opened));
}

async function walkOpened(session: Session, options: StepOptions, { incident, past }: IncidentPast): Promise<void> {
  const { replay } = past;
  const now = (): number => incident.about.toMs;
  const isScreen = !session.isJson && process.stdout.isTTY && process.stdin.isTTY;
  const first = options.at ?? (isScreen ? 'now' : (options.from ?? null));
  const at = first === null ? incident.about.fromRevision : (await replay.resolve(first, now())).revision;
  const reader = new StepReader(replay, { at, node: options.node, now });
  if (!isScreen) return printSteps(session, reader, { isFromHere: first !== null });
  const source = options.file ?? session.client.url;
  const about = { source, cluster: incident.cluster, node: reader.node, range: await reader.range() };
  const stopping = session.hearStop();
  await runStepScreen({ reader, about, terminal: process.stdout, keyboard: process.stdin, ended: stopping.first });
  stopping.forget();
}

async function printSteps(session: Session, reader: StepReader, { isFromHere }: { readonly isFromHere: boolean }) {
  let step = isFromHere ? await reader.hereStep() : await reader.nextStep();
  for (; step !== null; step = await reader.nextStep()) {
    const { event, rejection, changes, check } = step;
    const plain = { event, rejection, changes, check };
    await (session.isJson ? writeJson(plain) : writeLines(stepLines(reader.cardOf(step), describeEvent(event))));
  }
}

/** `118  2026-03-01 12:04:03.100  backend …`, and below it what it changed. */
function stepLines({ revision, timeMs, changes }: StepCard, text: string): string[] {
  const below = changes.map((line) => `    ${line.colour === undefined ? line.text : paint(line.colour, line.text)}`);
  return [`${revision}  ${dateAndTime(timeMs)}  ${text}`, ...below];
}
