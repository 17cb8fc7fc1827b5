/** Decisions as people read them: many as a table, one with everything that it was made from. */
import type { DecidedAttempt, DecidedPick } from '@muster/selection';
import type { FoundDecision } from './decisions/decision-questions.ts';
import { printable, timeOfDay } from './text/plain-text.ts';
import { paint } from './text/output.ts';
import { tableLines, type Line } from './text/table.ts';

/** Candidates named on a line; `--json` has all. */
const CANDIDATES_SHOWN_MAX = 16;

export function decisionTable(decisions: readonly FoundDecision[]): Line[] {
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
      status(decision),
      way,
      backend,
      String(attemptsCount),
      ms(durationMs),
    ];
  });
  return tableLines(['TIME', 'REQUEST', '', 'STATUS', 'WAY', 'BACKEND', 'ATTEMPTS', 'TOOK'], rows);
}

/**
 *     request 5f03-2a  12:03:04.123  GET example.com/spells (query of 12 bytes)
 *       came by listener web, worker 0; 502 in 1.25 ms: no backend could be reached: connection refused
 *       attempt 1: pool spells at revision 12 (roster 14), round_robin from 2 candidates
 *         inputs: cursor 1
 *         candidates: spells-1 spells-2
 *         picked spells-2 (127.0.0.1:8002) at 0 ms, on a new connection: connect_failed: connection refused
 */
export function decisionLines(decision: FoundDecision): string[] {
  const { requestId, timeMs, method, authority, path, queryBytes, listener, worker, durationMs, result } = decision;
  const query = queryBytes === 0 ? '' : ` (query of ${queryBytes} bytes)`;
  const unseenCount = decision.attemptsCount - decision.attempts.length;
  return [
    `request ${paint('bold', printable(requestId))}  ${timeOfDay(timeMs)}  ${printable(`${method} ${authority}${path}`)}${query}`,
    `  came by listener ${listener}, worker ${worker}; ${status(decision)} in ${ms(durationMs)}: ${printable(result)}`,
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
    `    picked ${where} at ${ms(startedAtMs)}, on ${connection}: ${outcomeText(attempt)}`,
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

function inputsText({ inputs, keyHash, policy }: DecidedAttempt): string {
  const { cursor, weights, consulted, inFlightTotal } = inputs;
  const counts = consulted.map(({ id, inFlight }) => `${id}=${inFlight}`).join(' ');
  const parts = [
    ...(policy === 'consistent_hash' ? [`key hash ${keyHash}`] : [`cursor ${cursor}`]),
    ...(weights === null ? [] : [`current weights ${weights.join(' ')}`]),
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
  const at = answeredAtMs === null ? '' : ` at ${ms(answeredAtMs)}`;
  return `${paint(colour, outcome)}${at}${detail === null ? '' : printable(`: ${detail}`)}`;
}

function status({ status: code }: FoundDecision): string {
  if (code === 0) return paint('yellow', 'no answer');
  return code >= 500 ? paint('red', String(code)) : String(code);
}

function ms(value: number): string {
  return `${Math.round(value * 1_000) / 1_000} ms`;
}
