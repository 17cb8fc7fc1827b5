/**
 * Who was picked for the newest requests, from what, and what became of it: `muster decisions`. Asked of all workers of a node at once.
 *
 *     request 5f03-2a  12:03:04.123  GET example.com/spells (query of 12 bytes)
 *       came by listener web, worker 0; 502 in 1.25 ms: no backend could be reached: connection refused
 *       attempt 1: pool spells at revision 12 (roster 14), round_robin from 2 candidates
 *         inputs: cursor 1
 *         candidates: spells-1 spells-2
 *         picked spells-2 (127.0.0.1:8002) at 0 ms, on a new connection: connect_failed: connection refused
 */
import type { DecisionQuery } from '@muster/proxy';
import type { DecidedAttempt, DecidedPick, Decision } from '@muster/selection';
import type { z } from 'zod';
import type { Shapes } from './question.ts';
import { paint } from './text/output.ts';
import { duration, printable, timeOfDay } from './text/plain-text.ts';
import { tableLines, type Line } from './text/table.ts';

/** Of one answer: they are made while traffic waits. */
const DECISIONS_MAX = 100;

export const decisionsQuery = ({ z, flag, requestId }: Shapes) =>
  z.strictObject({
    requestId: requestId.optional().describe('only decisions about that request; about any when left out'),
    limit: z.coerce
      .number()
      .pipe(z.int().min(1).max(DECISIONS_MAX))
      .optional()
      .describe('decisions at most, the newest first; 20 when left out'),
    candidates: flag.default(false).describe('with the backends that there were to pick from, in pools of up to 64'),
  });

/** A decision, and which worker made it. */
export interface FoundDecision extends Decision {
  readonly worker: number;
}

export interface DecisionsAnswer {
  readonly decisions: readonly FoundDecision[];
  readonly silentWorkers: readonly number[];
}

export const decisionsShape = ({ z, ...of }: Shapes): z.ZodType<DecisionsAnswer> =>
  z.object({
    decisions: z.array(of.decisionSchema.extend({ worker: of.count })).describe('the newest first, by when they began'),
    silentWorkers: z.array(of.count).describe('workers, by index, that gave no answer in time'),
  });

export type DecisionsOutcome =
  | ({ readonly outcome: 'found' } & DecisionsAnswer)
  /** Sixteen questions are open already. */
  | { readonly outcome: 'busy' };

/** Asks all workers of a node. */
export type AskDecisions = (query: DecisionQuery) => Promise<DecisionsOutcome>;

/** Whether a node keeps every decision with its observations, and how many it has kept. */
export const recordingShape = ({ z, ...of }: Shapes) =>
  z.object({
    isRecording: z.boolean(),
    sinceMs: of.timeMs
      .nullable()
      .describe('when this recording, or else the last one, began; null where there was none'),
    untilMs: of.timeMs.nullable().describe('when it ends, or ended'),
    recordedCount: of.count.describe('decisions that it handed to the observations'),
    droppedCount: of.count.describe('decisions that a worker had no room for'),
  });

export type RecordingStatus = z.output<ReturnType<typeof recordingShape>>;

/** A table of them; of one request that was asked for, everything that its decisions were made from. */
export function decisionsLines({ decisions, silentWorkers }: DecisionsAnswer, isOneRequest: boolean): Line[] {
  return [
    ...(isOneRequest ? decisions.flatMap(decisionLines) : decisionTable(decisions)),
    ...silentLines(silentWorkers),
  ];
}

/** Which workers did not say what they know. */
export function silentLines(silentWorkers: readonly number[]): string[] {
  return silentWorkers.length === 0 ? [] : [`no answer in a second: worker ${silentWorkers.join(', ')}`];
}

export function recordingLine({ isRecording, sinceMs, untilMs, recordedCount, droppedCount }: RecordingStatus): string {
  if (sinceMs === null || untilMs === null) return 'no decisions are recorded';
  const counts = `${recordedCount} decisions${droppedCount === 0 ? '' : `, and ${droppedCount} that there was no room for`}`;
  if (!isRecording) return `no decisions are recorded any more; in ${duration(untilMs - sinceMs)} there were ${counts}`;
  const end = `until ${timeOfDay(untilMs).slice(0, 8)}; muster decisions --record 0 ends it`;
  return `every decision is recorded with the node's observations ${end}`;
}

/** Candidates named on a line; `--json` has all. */
const CANDIDATES_SHOWN_MAX = 16;

function decisionTable(decisions: readonly FoundDecision[]): Line[] {
  if (decisions.length === 0) return ['no requests yet'];
  const rows = decisions.map((decision) => {
    const { requestId, timeMs, listener, pool, attempts, attemptsCount, durationMs } = decision;
    const backend = attempts.at(-1)?.backend ?? '-';
    const request = printable(`${decision.method} ${decision.path}`);
    const way = `${listener} > ${pool ?? '-'}`;
    return [
      timeOfDay(timeMs),
      printable(requestId),
      request,
      statusText(decision.status),
      way,
      backend,
      String(attemptsCount),
      msText(durationMs),
    ];
  });
  return tableLines(['TIME', 'REQUEST', '', 'STATUS', 'WAY', 'BACKEND', 'ATTEMPTS', 'TOOK'], rows);
}

function decisionLines(decision: FoundDecision): string[] {
  const { requestId, timeMs, method, authority, path, queryBytes, listener, worker, durationMs, result } = decision;
  const query = queryBytes === 0 ? '' : ` (query of ${queryBytes} bytes)`;
  const unseenCount = decision.attemptsCount - decision.attempts.length;
  return [
    `request ${paint('bold', printable(requestId))}  ${timeOfDay(timeMs)}  ${printable(`${method} ${authority}${path}`)}${query}`,
    `  came by listener ${listener}, worker ${worker}; ${statusText(decision.status)} in ${msText(durationMs)}: ${printable(result)}`,
    ...decision.attempts.flatMap((attempt, index) => attemptLines(attempt, { number: index + 1, pool: decision.pool })),
    ...(unseenCount > 0 ? [`  and ${unseenCount} more attempts`] : []),
    ...refusedLines(decision),
  ];
}

function attemptLines(attempt: DecidedAttempt, { number, pool }: { number: number; pool: string | null }): string[] {
  const { startedAtMs, isReused } = attempt;
  const connection = isReused ? 'a kept-alive connection' : 'a new connection';
  const where = `${attempt.backend} (${printable(attempt.target)})`;
  return [
    `  attempt ${number}: ${setText(attempt, pool)}`,
    `    inputs: ${inputsText(attempt)}`,
    ...candidateLines(attempt),
    ...passedOverLines(attempt),
    `    picked ${where} at ${msText(startedAtMs)}, on ${connection}: ${outcomeText(attempt)}`,
  ];
}

/** Of the last pick, where it found nobody. */
function refusedLines({ refused, pool }: FoundDecision): string[] {
  if (refused === null) return [];
  const heading = `  nobody was picked: ${paint('yellow', refused.reason)}: ${setText(refused, pool)}`;
  return [heading, ...candidateLines(refused), ...passedOverLines(refused)];
}

function setText(
  { revision, rosterRevision, policy, candidatesCount, isPanic }: DecidedPick,
  pool: string | null,
): string {
  const panic = isPanic ? paint('red', ', in panic') : '';
  const where = `pool ${pool ?? '-'} at revision ${revision} (roster ${rosterRevision})`;
  return `${where}, ${policy} from ${candidatesCount} candidates${panic}`;
}

/** What a policy looked at besides the set; of current weights the first so many are written out. */
export function inputsText(
  { inputs, keyHash, policy }: Pick<DecidedAttempt, 'inputs' | 'policy'> & { readonly keyHash: number | null },
  weightsMax = Infinity,
): string {
  const { cursor, weights, consulted, inFlightTotal } = inputs;
  const counts = consulted.map(({ id, inFlight }) => `${id}=${inFlight}`).join(' ');
  const parts = [
    ...(policy === 'consistent_hash' ? [`key hash ${keyHash ?? '-'}`] : [`cursor ${cursor}`]),
    ...(weights === null ? [] : [`current weights ${weights.slice(0, weightsMax).join(' ')}`]),
    ...(counts === '' ? [] : [`in flight ${counts}`]),
    ...(inFlightTotal === 0 ? [] : [`in flight in all ${inFlightTotal}`]),
  ];
  return parts.join(', ');
}

function candidateLines({ candidates }: DecidedPick): string[] {
  if (candidates === null || candidates.length === 0) return [];
  const isWeighted = candidates.some(({ weight }) => weight !== candidates[0]!.weight);
  const shown = candidates.slice(0, CANDIDATES_SHOWN_MAX).map(({ id, weight, isEligible }) => {
    return `${id}${isWeighted ? `×${weight}` : ''}${isEligible ? '' : '?'}`;
  });
  const restCount = candidates.length - shown.length;
  return [`    candidates: ${shown.join(' ')}${restCount > 0 ? ` and ${restCount} more` : ''}`];
}

function passedOverLines({
  pendingFacts,
  triedIds,
  fullIds,
  undialledIds,
  onlyIds,
  isStrict,
  notKept,
}: DecidedPick): string[] {
  const facts = pendingFacts.map(({ backend, event }) => `${backend} ${event.type}`);
  return [
    ...listLine('seen here and not in the journal yet', facts),
    ...listLine('passed over, because tried', triedIds),
    ...listLine('passed over, because at the limit of connections', fullIds),
    ...listLine('passed over, because not dialled by this node', undialledIds),
    ...(isStrict ? ['    passed over, because not eligible: those marked with ?'] : []),
    ...(onlyIds === null ? [] : listLine('left by filters', onlyIds)),
    ...notKept.map((what) => `    not kept, because more than 64: ${what}`),
  ];
}

function listLine(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const restCount = names.length - CANDIDATES_SHOWN_MAX;
  const rest = restCount > 0 ? ` and ${restCount} more` : '';
  return [`    ${what}: ${names.slice(0, CANDIDATES_SHOWN_MAX).join(' ')}${rest}`];
}

function outcomeText({ outcome, detail, answeredAtMs }: DecidedAttempt): string {
  const colour = outcome === 'answered' ? 'green' : 'yellow';
  const at = answeredAtMs === null ? '' : ` at ${msText(answeredAtMs)}`;
  return `${paint(colour, outcome)}${at}${detail === null ? '' : printable(`: ${detail}`)}`;
}

export function statusText(status: number): string {
  if (status === 0) return paint('yellow', 'no answer');
  return status >= 500 ? paint('red', String(status)) : String(status);
}

/** `1.25 ms`, to a microsecond. */
export function msText(ms: number): string {
  return `${Math.round(ms * 1_000) / 1_000} ms`;
}
