/** `muster inspect --replay`: a recording, lived again by fresh machines. */
import { readFile } from 'node:fs/promises';
import { MACHINE_KINDS, type InspectionLine } from '@muster/actors';
import { replayRecording, type ReplayedActor } from '@muster/actors/inspection';
import { CliFailure } from './cli-failure.ts';
import type { MachineChoice } from './inspected-machines.ts';
import { type Session } from './session.ts';
import { paint } from '@muster/questions/text';

/** A recording is read whole; a larger one is refused. */
const RECORDING_BYTES_MAX = 268_435_456;

/** Fails where a machine ends differently. */
export async function replayFile(session: Session, choice: MachineChoice, path: string): Promise<void> {
  const lives = replayRecording(await readRecording(path)).filter((life) => isChosen(life, choice));
  if (lives.length === 0) throw new CliFailure('nothing-recorded', `${path} holds no machine that was asked for`);
  await session.print(lives, lives.flatMap(lifeLines));
  const differing = lives.filter(({ outcome }) => outcome === 'differs').length;
  if (differing > 0) throw new CliFailure('differs', `${differing} of ${lives.length} machines end differently`);
}

function isChosen(life: ReplayedActor, { kind, id }: MachineChoice): boolean {
  return (kind === undefined || life.kind === kind) && (id === undefined || life.id === id);
}

function lifeLines({ kind, id, eventsCount, state, status, outcome, difference }: ReplayedActor): string[] {
  const colour = outcome === 'equal' ? 'green' : outcome === 'cut' ? 'yellow' : 'red';
  const end = status === 'active' ? state : `${state}, ${status}`;
  const head = `${kind} ${id}: ${paint(colour, outcome)} after ${eventsCount} events, ends ${end}`;
  if (difference === null) return [head];
  const { event, what, recorded, replayed } = difference;
  const at = event === null ? 'at its beginning' : `at ${event}`;
  return [head, `  ${at} its ${what} was ${JSON.stringify(recorded)}, and is ${JSON.stringify(replayed)} now`];
}

async function readRecording(path: string): Promise<InspectionLine[]> {
  const text = await readText(path);
  return text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parsedLine(line, `${path}, line ${index + 1}`)]));
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new CliFailure('unreadable', `the recording ${path} cannot be read: ${(error as Error).message}`);
  }
  if (bytes.length <= RECORDING_BYTES_MAX) return bytes.toString();
  throw new CliFailure('too-large', `the recording ${path} is larger than 256 MiB; record fewer machines`);
}

const LINE_TYPES: ReadonlySet<unknown> = new Set(['found', 'started', 'event', 'following', 'dropped']);
const KINDS: ReadonlySet<unknown> = new Set(MACHINE_KINDS);

/** As far as replaying needs it; what a line holds besides is compared, and then differs. */
function parsedLine(text: string, where: string): InspectionLine {
  const line = parsed(text, where) as Partial<Record<string, unknown>> | null;
  const isLine = typeof line === 'object' && line !== null && LINE_TYPES.has(line['type']);
  if (!isLine) throw notRecorded(where);
  if (line['type'] === 'following' || line['type'] === 'dropped') return line as unknown as InspectionLine;
  const isOfMachine =
    KINDS.has(line['kind']) &&
    typeof line['id'] === 'string' &&
    typeof line['state'] === 'string' &&
    typeof line['elapsedMs'] === 'number' &&
    Array.isArray(line['armed']);
  const { event } = line as { event?: { type?: unknown } };
  const isWhole = line['type'] === 'event' ? typeof event?.type === 'string' : line['context'] !== undefined;
  if (!isOfMachine || !isWhole) throw notRecorded(where);
  return line as unknown as InspectionLine;
}

function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notRecorded(where);
  }
}

function notRecorded(where: string): CliFailure {
  return new CliFailure('unreadable', `${where} is no line of a recording; make one with muster inspect --record FILE`);
}
