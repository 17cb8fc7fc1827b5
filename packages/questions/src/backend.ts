/**
 * Why a backend took traffic or did not, since when, by which event, and what would bring it back: `muster explain backend`.
 *
 *     backend spells/spells-1 at 127.0.0.1:8001, as node lb-1 saw it at revision 118 (2026-03-01 12:04:03.100)
 *     does not take traffic: health unhealthy, since 2026-03-01 12:03:58.220
 *       by event 117 of node:lb-1 …: connection refused
 *
 *     AXIS      VALUE      KEEPS IT OUT  SET BY
 *     health    unhealthy  yes           event 117 of node:lb-1 …
 *
 *     probes on node lb-1 before event 117 (fall 3 in a row):
 *       2026-03-01 12:03:56.214  failed in 0.4 ms: connection refused
 *
 *     it takes traffic again with
 *       2 passed probes in a row (rise) …
 */
import type { BackendExplanation, EventRef } from '@muster/replay';
import type { z } from 'zod';
import { FILE_OPTION, momentsHelp, NODE_OPTION, type Question, type Shapes } from './question.ts';
import { byText, checkLine } from './text/event-ref-text.ts';
import { paint } from './text/output.ts';
import { dateAndTime, printable } from './text/plain-text.ts';
import { tableLines, type Line } from './text/table.ts';

const query = ({ z, moment, name, node }: Shapes) =>
  z.strictObject({ pool: name, backend: name, at: moment.default('now'), node });

type BackendQuery = z.output<ReturnType<typeof query>>;

/** A backend explained by a node, which knows whether it dials the target; a file does not. */
type ExplainedHere = BackendExplanation & {
  /** Why this node does not dial the target now, for people; null where it does, for a host name, and seen by another node. */
  readonly refusal?: string | null;
};
type MemberExplanation = Extract<ExplainedHere, { isMember: true }>;
type ExplainedAxis = MemberExplanation['axes'][number];

export const backendQuestion: Question<BackendQuery, ExplainedHere> = {
  path: '/v1/explain/backend',
  summary: 'Why a backend took traffic or did not, and by which event',
  moments: ['at'],
  query,
  shape,
  command: {
    name: 'explain backend',
    description: 'why it takes traffic or does not, since when, by which event, and what would bring it back',
    args: [{ words: '<pool/id>', description: 'for example spells/spells-1' }],
    options: [{ words: '--at <moment>', description: 'when (default now)', kind: 'moment' }, NODE_OPTION, FILE_OPTION],
    help: momentsHelp(),
    query({ 'pool/id': name, at = 'now', node }: { 'pool/id': string; at?: string; node?: string }) {
      const [pool = '', backend = '', ...rest] = name.split('/');
      const isName = pool !== '' && backend !== '' && rest.length === 0;
      if (isName) return { pool, backend, at, node };
      return `"${name.slice(0, 140)}" names no backend; give POOL/ID, for example spells/spells-1`;
    },
  },
  async answer(past, { pool, backend, at, node }) {
    const { explainBackend } = await import('@muster/replay');
    const question = { pool, backend, at: await past.resolve(at), ...(node && { node }) };
    const explanation = await explainBackend(past.replay, question);
    if (past.refusalOfTarget === null) return explanation;
    const isOwn = explanation.isMember && explanation.node === past.replay.source.node;
    return { ...explanation, refusal: isOwn ? past.refusalOfTarget(explanation.target) : null };
  },
  lines: backendLines,
};

function shape({ z, ...of }: Shapes): z.ZodType<ExplainedHere> {
  const by = of.eventRef.nullable();
  const missing = of.text.nullable().describe('why this is not all; null where it is');
  const policy = of.healthPolicySchema.nullable();
  const evidence = z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('probes'), policy, probes: z.array(of.probeSchema), missing }),
    z.object({ kind: z.literal('outliers'), outliers: z.array(of.outlierSchema), missing }),
  ]);
  const axis = z.object({
    axis: z.enum(['mode', 'health', 'ejection']),
    value: of.text,
    revision: of.revision,
    timeMs: of.timeMs,
    reason: of.text.nullable(),
    isKeepingOut: z.boolean(),
    by,
    evidence: evidence.nullable(),
  });
  const vote = z.object({ node: of.text, isCounted: z.boolean(), health: of.health, by });
  const explained = {
    kind: z.literal('backend'),
    source: of.text,
    cluster: of.text,
    node: of.text,
    at: of.instant,
    check: of.hashCheck,
    pool: of.text,
    backend: of.text,
    returnsWith: of.texts.describe('what would bring it back: all of these together'),
    refusal: of.text
      .nullable()
      .exactOptional()
      .describe('why this node does not dial its target now; a file does not say'),
  };
  const member = z.object({
    ...explained,
    isMember: z.literal(true),
    target: of.text,
    eligibility: of.eligibility,
    isCandidate: z.boolean(),
    isPanic: z.boolean(),
    sinceMs: of.timeMs.nullable(),
    by,
    axes: z.array(axis),
    votes: z.array(vote).nullable(),
    registeredBy: by,
    ejectionEndMs: of.timeMs.nullable(),
  });
  const former = z.object({ ...explained, isMember: z.literal(false), by: of.eventRef, sinceMs: of.timeMs });
  return z.discriminatedUnion('isMember', [member, former]);
}

/** Observations shown of one flip, the newest. */
const SEEN_SHOWN_MAX = 20;

function backendLines(explanation: ExplainedHere): Line[] {
  const sections = explanation.isMember ? memberSections(explanation) : formerSections(explanation);
  return sections.filter((lines) => lines.length > 0).flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

function headLine({ pool, backend, node, at }: BackendExplanation, where: string): string {
  const moment = at.event === null ? '' : ` (${dateAndTime(at.timeMs)})`;
  return `backend ${paint('bold', `${pool}/${backend}`)}${where}, as node ${node} saw it at revision ${at.revision}${moment}`;
}

function formerSections(explanation: Extract<BackendExplanation, { isMember: false }>): string[][] {
  const { by, sinceMs } = explanation;
  return [
    [
      headLine(explanation, ''),
      `${paint('red', 'was no member')} since ${dateAndTime(sinceMs)}: removed${reasonText(by)} ${byText(by)}`,
      checkLine(explanation.check),
    ],
    remedyLines(explanation.returnsWith),
  ];
}

function memberSections(explanation: MemberExplanation): Line[][] {
  const { registeredBy, target } = explanation;
  const registered = registeredBy === null ? [] : [`registered ${byText(registeredBy)}`];
  return [
    [
      headLine(explanation, ` at ${printable(target)}`),
      ...verdictLines(explanation),
      ...registered,
      checkLine(explanation.check),
    ],
    axisLines(explanation.axes),
    voteLines(explanation),
    ...explanation.axes.map((axis) => evidenceLines(axis, explanation.node)),
    remedyLines(explanation.returnsWith),
  ];
}

function verdictLines(explanation: MemberExplanation): string[] {
  const { node, refusal = null } = explanation;
  if (refusal === null) return eligibilityLines(explanation);
  // The log says nothing of it, and neither does it say since when.
  const verdict = `${paint('red', 'takes no traffic')}: node ${node} does not dial its target now: ${printable(refusal)}`;
  return [verdict, ...eligibilityLines(explanation)];
}

function eligibilityLines({ eligibility, isCandidate, isPanic, sinceMs, by, refusal }: MemberExplanation): string[] {
  const since = sinceMs === null ? '' : `, since ${dateAndTime(sinceMs)}`;
  const cause = by === null ? [] : [`  ${by.type ?? 'unknown'}${reasonText(by)} ${byText(by)}`];
  if (eligibility.isEligible) {
    const verdict = typeof refusal === 'string' ? 'would be eligible otherwise' : paint('green', 'takes traffic');
    return [`${verdict}${since}`, ...cause];
  }
  const { axis, value } = eligibility;
  const panic = isCandidate && isPanic ? paint('yellow', ' (takes traffic all the same: its pool is in panic)') : '';
  const verdict = isCandidate ? 'is not eligible' : 'does not take traffic';
  return [`${paint('red', verdict)}: ${axis} ${value}${since}${panic}`, ...cause];
}

function reasonText({ reason }: EventRef): string {
  return reason === null ? '' : printable(`: ${reason}`);
}

function axisLines(axes: readonly ExplainedAxis[]): Line[] {
  const rows = axes.map(({ axis, value, isKeepingOut, by, revision, reason }) => [
    axis,
    isKeepingOut ? paint('red', value) : value,
    isKeepingOut ? paint('red', 'yes') : 'no',
    by !== null ? byText(by) : revision === 0 ? 'no event' : `event ${revision}`,
    printable(reason ?? ''),
  ]);
  return tableLines(['AXIS', 'VALUE', 'KEEPS IT OUT', 'SET', 'REASON'], rows);
}

function voteLines({ votes }: MemberExplanation): Line[] {
  if (votes === null) return [];
  const rows = votes.map(({ node, isCounted, health, by }) => [
    node,
    health.value === 'unhealthy' ? paint('red', health.value) : health.value,
    isCounted ? 'yes' : 'no, it is stopped',
    by === null ? '' : byText(by),
    printable(health.reason ?? ''),
  ]);
  return tableLines(['NODE', 'SAYS', 'COUNTS', 'SAID', 'REASON'], rows);
}

function evidenceLines({ axis, by, evidence, revision }: ExplainedAxis, node: string): string[] {
  if (evidence === null) return [];
  const before = `before event ${by?.revision ?? revision}`;
  const missing = evidence.missing === null ? [] : [`  ${paint('yellow', printable(`missing: ${evidence.missing}`))}`];
  if (evidence.kind === 'probes') {
    const { policy, probes } = evidence;
    const rule = policy === null ? '' : ` (fall ${policy.fall}, rise ${policy.rise}, every ${policy.intervalMs} ms)`;
    const seen = probes.slice(-SEEN_SHOWN_MAX).map(({ timeMs, passed, durationMs, reason }) => {
      const outcome = passed ? paint('green', 'passed') : paint('red', 'failed');
      return `  ${dateAndTime(timeMs)}  ${outcome} in ${durationMs} ms${reason === null ? '' : printable(`: ${reason}`)}`;
    });
    return [`${axis}: probes on node ${node} ${before}${rule}`, ...seen, ...missing];
  }
  const seen = evidence.outliers.slice(-SEEN_SHOWN_MAX).map(({ timeMs, failures, reason }) => {
    return `  ${dateAndTime(timeMs)}  ${failures} failures in a row, the last: ${printable(reason)}`;
  });
  return [`${axis}: traffic that failed on node ${node} ${before}`, ...seen, ...missing];
}

function remedyLines(returnsWith: readonly string[]): string[] {
  if (returnsWith.length === 0) return [];
  return ['it takes traffic again with', ...returnsWith.map((remedy) => `  ${paint('green', printable(remedy))}`)];
}
