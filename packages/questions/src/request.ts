/**
 * A request explained, its picks made again: `muster explain request`.
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
import type { z } from 'zod';
import { inputsText, msText, silentLines, statusText } from './decisions.ts';
import { FILE_OPTION, type Question, type Shapes } from './question.ts';
import { paint } from './text/output.ts';
import { dateAndTime, printable } from './text/plain-text.ts';
import { tableLines, type Line } from './text/table.ts';

/** A line has 4 KiB at most; a collector may have put something around it. */
const LINE_CHARACTERS_MAX = 65_536;

const query = ({ z, requestId }: Shapes) => z.strictObject({ id: requestId.describe('what X-Request-Id said') });
const body = ({ z }: Shapes) =>
  z.strictObject({ line: z.string().min(1).max(LINE_CHARACTERS_MAX).describe('a line of the access log, as JSON') });

/** By its id, or by its line in the access log. */
type RequestQuery = z.output<ReturnType<typeof query>> | z.output<ReturnType<typeof body>>;

interface RequestAnswer {
  readonly kind: 'request';
  readonly source: string;
  /** `line`: nothing was recorded of it, or not on this node, so that its line in the access log is all there is. */
  readonly evidence: 'decision' | 'line';
  readonly explanations: readonly RequestExplanation[];
  readonly silentWorkers: readonly number[];
}

export const requestQuestion: Question<RequestQuery, RequestAnswer> = {
  path: '/v1/explain/request',
  summary: 'A request explained: its picks made again',
  moments: [],
  query,
  body,
  isLong: (asked) => 'line' in asked,
  shape,
  command: {
    name: 'explain request',
    description: 'make the picks of a request again, and compare them with what was recorded',
    args: [{ words: '[request-id]', description: 'what X-Request-Id said' }],
    options: [
      {
        words: '--line <json>',
        description: 'its line in the access log; - reads it from the standard input',
        kind: 'text-or-input',
      },
      FILE_OPTION,
    ],
    query({ 'request-id': id, line }: { 'request-id'?: string; line?: string }) {
      if (id !== undefined && line === undefined) return { id };
      if (line !== undefined && id === undefined) return { line };
      return 'give the id of a request, or its line in the access log with --line';
    },
  },
  async answer(past, asked) {
    const { explainRequest } = await import('@muster/replay');
    const { kind, evidence, silentWorkers } = await past.findEvidence(asked);
    const explanations: RequestExplanation[] = [];
    for (const one of evidence) explanations.push(await explainRequest(past.replay, one));
    return { kind: 'request', source: past.replay.source.name, evidence: kind, explanations, silentWorkers };
  },
  lines: requestLines,
};

function shape({ z, ...of }: Shapes): z.ZodType<RequestAnswer> {
  const { text, texts, number, count, revision } = of;
  const missing = z.array(
    z.object({
      input: z.enum([
        'attempts',
        'roster-revision',
        'roster',
        'pending-facts',
        'set-moment',
        'policy-inputs',
        'passed-over',
      ]),
      message: text,
    }),
  );
  const backend = z.object({
    id: text,
    target: text,
    weight: number.nullable(),
    role: z.enum(['picked', 'candidate', 'tried', 'full', 'undialled', 'filtered', 'not-preferred', 'out']),
    ineligible: of.ineligibility.nullable(),
  });
  const notMade = z.object({ outcome: z.literal('not-made'), why: text });
  const pick = {
    revision: revision.nullable(),
    rosterRevision: revision.nullable(),
    check: of.hashCheck.nullable(),
    record: of.pickSchema.nullable(),
    inputs: of.pickInputsSchema.nullable(),
    keyHash: number.nullable(),
    backends: z.array(backend),
    set: z.discriminatedUnion('outcome', [
      z.object({ outcome: z.literal('equal'), comparedBy: z.enum(['candidates', 'count']) }),
      z.object({ outcome: z.literal('differs'), differences: texts }),
      notMade,
    ]),
    pick: z.discriminatedUnion('outcome', [
      z.object({ outcome: z.literal('equal') }),
      z.object({ outcome: z.literal('differs'), recomputed: text.nullable(), why: text }),
      notMade,
    ]),
    missing,
  };
  const attempt = z.object({ ...pick, number: count, ...of.attemptOutcome });
  const request = of.decisionSchema.omit({ attemptsCount: true, attempts: true, refused: true });
  const explanation = z.object({
    node: text,
    worker: count,
    request: request.extend({ result: text.nullable() }),
    attemptsCount: count,
    attempts: z.array(attempt),
    refused: z.object({ ...pick, reason: text.nullable() }).nullable(),
    missing,
  });
  return z.object({
    kind: z.literal('request'),
    source: text,
    evidence: z.enum(['decision', 'line']),
    explanations: z.array(explanation),
    silentWorkers: z.array(count),
  });
}

/** Backends shown of one pick, those that were picked, passed over or out first; `--json` has all. */
const BACKENDS_SHOWN_MAX = 50;

type ExplainedAttempt = RequestExplanation['attempts'][number];

function requestLines({ evidence, explanations, silentWorkers }: RequestAnswer): Line[] {
  const known =
    evidence === 'line'
      ? [paint('yellow', 'nothing was recorded of it here: this is what its line in the access log allows to say')]
      : [];
  const silent = silentLines(silentWorkers).map((line) => paint('yellow', line));
  return [...known, ...explanations.flatMap(explanationLines), ...silent];
}

function explanationLines(explanation: RequestExplanation): Line[] {
  const { request, node, worker, attempts, attemptsCount, refused, missing } = explanation;
  const { requestId, timeMs, method, authority, path, queryBytes, listener, pool, durationMs, result } = request;
  const query = queryBytes === 0 ? '' : ` (query of ${queryBytes} bytes)`;
  const why = result === null ? request.termination : result;
  return [
    `request ${paint('bold', printable(requestId))}  ${dateAndTime(timeMs)}  ${printable(`${method} ${authority}${path}`)}${query}`,
    `  came by listener ${listener} on node ${node}, worker ${worker}; ${statusText(request.status)} in ${msText(durationMs)}: ${printable(why)}`,
    ...attempts.flatMap((attempt) => attemptLines(attempt, attemptsCount, pool)),
    ...(refused === null ? [] : refusedLines(refused, pool)),
    ...missing.map(missingLine),
  ];
}

function attemptLines(attempt: ExplainedAttempt, count: number, pool: string | null): Line[] {
  const { number, backend, target, startedAtMs, isReused, outcome, detail, answeredAtMs } = attempt;
  const connection = isReused ? 'a kept-alive connection' : 'a new connection';
  const answered = answeredAtMs === null ? '' : ` at ${msText(answeredAtMs)}`;
  const became = paint(outcome === 'answered' ? 'green' : 'yellow', printable(`${outcome}${answered}`));
  const more = detail === null ? '' : printable(`: ${detail}`);
  const where = `${paint('bold', backend)} (${printable(target)})`;
  return [
    `  attempt ${number} of ${count}: ${where} at ${msText(startedAtMs)}, on ${connection}: ${became}${more}`,
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

/** Current weights that are written out. */
const WEIGHTS_SHOWN_MAX = 16;

function inputsLines({ record, inputs, keyHash }: ExplainedPick): string[] {
  if (record === null || inputs === null) return [];
  const { policy, isPanic } = record;
  const text = printable(inputsText({ policy, inputs, keyHash }, WEIGHTS_SHOWN_MAX));
  return [`    policy: ${policy}${isPanic ? ', in panic' : ''}; ${text}`];
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
