/**
 * A request explained, as people read it.
 *
 *     request 5f03-2a  2026-03-01 12:03:04.123  GET example.com/spells
 *       came by listener web on node lb-1, worker 0; 502 in 1.25 ms: no backend could be reached: connection refused
 *       attempt 1 of 1: spells-2 (127.0.0.1:8002) at 0 ms, on a new connection: connect_failed: connection refused
 *         roster: revision 14, of which event 12 was the newest that counted for pool spells
 *         set:    made again, equal to what the worker had
 *         pick:   made again, and is spells-2 as recorded
 *         BACKEND   TARGET          WEIGHT  ROLE       KEPT OUT BY
 */
import type { ExplainedBackend, ExplainedPick, RequestExplanation } from '@muster/replay';
import type { RequestAnswer } from './past.ts';
import { dateAndTime, printable } from './text/plain-text.ts';
import { paint } from './text/output.ts';
import { tableLines, type Line } from './text/table.ts';

/** Backends shown of one pick, those that were picked, passed over or out first; `--json` has all. */
const BACKENDS_SHOWN_MAX = 50;

type ExplainedAttempt = RequestExplanation['attempts'][number];

export function requestLines({ evidence, explanations, silentWorkers }: RequestAnswer): Line[] {
  const known =
    evidence === 'line'
      ? [paint('yellow', 'nothing was recorded of it here: this is what its line in the access log allows to say')]
      : [];
  const silent =
    silentWorkers.length === 0 ? [] : [paint('yellow', `no answer in a second: worker ${silentWorkers.join(', ')}`)];
  return [...known, ...explanations.flatMap(explanationLines), ...silent];
}

function explanationLines(explanation: RequestExplanation): Line[] {
  const { request, node, worker, attempts, attemptsCount, refused, missing } = explanation;
  const { requestId, timeMs, method, authority, path, queryBytes, listener, pool, durationMs, result } = request;
  const query = queryBytes === 0 ? '' : ` (query of ${queryBytes} bytes)`;
  const why = result === null ? request.termination : result;
  return [
    `request ${paint('bold', printable(requestId))}  ${dateAndTime(timeMs)}  ${printable(`${method} ${authority}${path}`)}${query}`,
    `  came by listener ${listener} on node ${node}, worker ${worker}; ${statusText(request.status)} in ${ms(durationMs)}: ${printable(why)}`,
    ...attempts.flatMap((attempt) => attemptLines(attempt, attemptsCount, pool)),
    ...(refused === null ? [] : refusedLines(refused, pool)),
    ...missing.map(missingLine),
  ];
}

function attemptLines(attempt: ExplainedAttempt, count: number, pool: string | null): Line[] {
  const { number, backend, target, startedAtMs, isReused, outcome, detail, answeredAtMs } = attempt;
  const connection = isReused ? 'a kept-alive connection' : 'a new connection';
  const answered = answeredAtMs === null ? '' : ` at ${ms(answeredAtMs)}`;
  const became = paint(outcome === 'answered' ? 'green' : 'yellow', printable(`${outcome}${answered}`));
  const more = detail === null ? '' : printable(`: ${detail}`);
  const where = `${paint('bold', backend)} (${printable(target)})`;
  return [
    `  attempt ${number} of ${count}: ${where} at ${ms(startedAtMs)}, on ${connection}: ${became}${more}`,
    ...pickLines(attempt, pool, backend),
  ];
}

function refusedLines(refused: NonNullable<RequestExplanation['refused']>, pool: string | null): Line[] {
  const why = refused.reason === null ? '' : `: ${printable(refused.reason)}`;
  return [`  ${paint('yellow', `nobody was picked${why}`)}`, ...pickLines(refused, pool, null)];
}

function pickLines(pick: ExplainedPick, pool: string | null, picked: string | null): Line[] {
  const { rosterRevision, revision, backends } = pick;
  const roster =
    rosterRevision === null
      ? []
      : [
          `    roster: revision ${rosterRevision}; the newest event that counted for pool ${pool ?? '-'}: ${revision ?? '-'}`,
        ];
  return [
    ...roster,
    `    set:    ${setText(pick)}`,
    `    pick:   ${pickText(pick, picked)}`,
    ...inputsLines(pick),
    ...backendLines(backends),
    ...pick.missing.map(missingLine),
  ];
}

function setText({ set }: ExplainedPick): string {
  switch (set.outcome) {
    case 'equal':
      return paint('green', `made again, equal to what the worker had (compared by ${set.comparedBy})`);
    case 'differs':
      return paint('red', printable(`made again, and is another one: ${set.differences.join('; ')}`));
    case 'not-made':
      return paint('yellow', printable(`not made again: ${set.why}`));
  }
}

function pickText({ pick }: ExplainedPick, picked: string | null): string {
  switch (pick.outcome) {
    case 'equal':
      return paint('green', `made again: ${picked ?? 'nobody'}, as recorded`);
    case 'differs':
      return paint('red', printable(`made again, and is another one: ${pick.why}; recorded: ${picked ?? 'nobody'}`));
    case 'not-made':
      return paint('yellow', printable(`not made again: ${pick.why}`));
  }
}

function inputsLines({ record, inputs, keyHash }: ExplainedPick): string[] {
  if (record === null || inputs === null) return [];
  const { cursor, weights, consulted, inFlightTotal } = inputs;
  const counts = consulted.map(({ id, inFlight }) => `${id}=${inFlight}`).join(' ');
  const parts = [
    ...(record.policy === 'consistent_hash' ? [`key hash ${keyHash ?? '-'}`] : [`cursor ${cursor}`]),
    ...(weights === null ? [] : [`current weights ${weights.slice(0, 16).join(' ')}`]),
    ...(counts === '' ? [] : [`in flight ${counts}`]),
    ...(inFlightTotal === 0 ? [] : [`in flight in all ${inFlightTotal}`]),
  ];
  return [`    policy: ${record.policy}${record.isPanic ? ', in panic' : ''}; ${printable(parts.join(', '))}`];
}

function backendLines(backends: readonly ExplainedBackend[]): Line[] {
  if (backends.length === 0) return [];
  const ordinary = ({ role }: ExplainedBackend): number => (role === 'picked' ? 0 : role === 'candidate' ? 2 : 1);
  const shown = backends.toSorted((a, b) => ordinary(a) - ordinary(b)).slice(0, BACKENDS_SHOWN_MAX);
  const restCount = backends.length - shown.length;
  const rows = shown.map(({ id, target, weight, role, ineligible }) => [
    `    ${id}`,
    printable(target),
    weight === null ? '-' : String(weight),
    roleText(role),
    ineligible === null ? '' : ineligibleText(ineligible),
  ]);
  const table = tableLines(['    BACKEND', 'TARGET', 'WEIGHT', 'ROLE', 'KEPT OUT BY'], rows);
  return [...table, ...(restCount > 0 ? [`    and ${restCount} more`] : [])];
}

const ROLE_TEXTS: Readonly<Record<ExplainedBackend['role'], string>> = {
  picked: 'picked',
  candidate: 'candidate',
  tried: 'tried before',
  full: 'at its limit',
  undialled: 'not dialled by this node',
  filtered: 'not left by a filter',
  'not-preferred': 'not preferred',
  out: 'out',
};

function roleText(role: ExplainedBackend['role']): string {
  const text = ROLE_TEXTS[role];
  if (role === 'picked') return paint('green', text);
  return role === 'candidate' ? text : paint('yellow', text);
}

function ineligibleText({ axis, value, revision, reason }: NonNullable<ExplainedBackend['ineligible']>): string {
  const by = revision === 0 ? 'seen by this node, not in the journal yet' : `event ${revision}`;
  return printable(`${axis} ${value}, ${by}${reason === null ? '' : `: ${reason}`}`);
}

function missingLine({ message }: { readonly message: string }): string {
  return `    ${paint('yellow', printable(`missing: ${message}`))}`;
}

function statusText(status: number): string {
  if (status === 0) return paint('yellow', 'no answer');
  return status >= 500 ? paint('red', String(status)) : String(status);
}

function ms(value: number): string {
  return `${Math.round(value * 1_000) / 1_000} ms`;
}
