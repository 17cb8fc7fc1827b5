/**
 * What other settings of a pool would have made of what was recorded, beside what happened: `muster whatif`.
 *
 *     pool spells on node lb-1, 2026-03-01 12:00:00.000 to 12:30:00.000, with fall 5: 3 backends, 1,080 probes
 *
 *                       HAPPENED  WOULD HAVE
 *     flips             6         2
 *     time unhealthy    42 s      18 s
 *
 *     BACKEND   HAPPENED                                   WOULD HAVE
 *     spells-1  12:03:58.220 unhealthy (event 117)         avoided
 */
import type { FlipPair, HealthAnswer, PicksAnswer, WhatIfAnswer } from '@muster/replay';
import type { z } from 'zod';
import { FILE_OPTION, momentsHelp, type Question, type Shapes } from './question.ts';
import { paint } from './text/output.ts';
import { dateAndTime, duration, printable } from './text/plain-text.ts';
import { tableLines, type Line } from './text/table.ts';

const query = ({ z, moment, name, whole, poolSpecSchema }: Shapes) =>
  z.strictObject({
    pool: name,
    from: moment.default('-1h'),
    to: moment.default('now'),
    fall: whole.optional().describe('failed probes in a row; as it was when left out'),
    rise: whole.optional().describe('passed probes in a row; as it was when left out'),
    intervalMs: whole.optional().describe('from the end of a probe to the next; as it was when left out'),
    timeoutMs: whole.optional().describe('a probe that takes longer has failed; as it was when left out'),
    policy: poolSpecSchema.shape.policy
      .removeDefault()
      .optional()
      .describe('picks recorded requests anew with this policy; no picks are looked at when left out'),
  });

type WhatIfQuery = z.output<ReturnType<typeof query>>;
type Typed = Omit<WhatIfQuery, 'intervalMs' | 'timeoutMs'> & { interval?: number; timeout?: number };

export const whatIfQuestion: Question<WhatIfQuery, WhatIfAnswer> = {
  path: '/v1/whatif',
  summary: 'What other settings would have made of what was recorded',
  moments: ['from', 'to'],
  query,
  shape,
  command: {
    name: 'whatif',
    description: 'what other settings of a pool would have made of its recorded probes and requests',
    options: [
      { words: '--pool <id>', description: 'whose recorded probes are judged again', isRequired: true },
      { words: '--from <moment>', description: 'where it begins', kind: 'moment', default: '-1h' },
      { words: '--to <moment>', description: 'where it ends', kind: 'moment', default: 'now' },
      { words: '--fall <n>', description: 'failed probes that turn a backend unhealthy', kind: 'count' },
      { words: '--rise <n>', description: 'passed probes that turn it healthy', kind: 'count' },
      { words: '--interval <time>', description: 'from one probe to the next: 500ms, 2s', kind: 'duration' },
      { words: '--timeout <time>', description: 'a probe that takes longer has failed', kind: 'duration' },
      {
        words: '--policy <name>',
        description: 'pick the recorded requests anew: round_robin, least_requests, random, consistent_hash',
      },
      FILE_OPTION,
    ],
    help: momentsHelp(
      '\nWhat is left out stays as it was; with nothing given it shows that this gives\nwhat happened.',
    ),
    query({ interval: intervalMs, timeout: timeoutMs, ...typed }: Typed) {
      return { intervalMs, timeoutMs, ...typed };
    },
  },
  async answer(past, { from, to, ...asked }) {
    const { whatIf } = await import('@muster/replay');
    const [fromMs, toMs] = [await past.momentMs(from), await past.momentMs(to)];
    return whatIf(past.replay, { ...asked, fromMs, toMs }, past.decisionSource);
  },
  lines: whatIfLines,
};

function shape({ z, ...of }: Shapes): z.ZodType<WhatIfAnswer> {
  const { text, number, count, timeMs } = of;
  const totals = z.object({ flipsCount: count, probesCount: count, unhealthyMs: number });
  const flip = z.object({
    timeMs,
    from: z.enum(['unknown', 'healthy', 'unhealthy']),
    health: z.enum(['healthy', 'unhealthy']),
    target: text,
    reason: text.nullable(),
  });
  const revision = of.revision.nullable();
  const pair = z.union([
    z.object({ outcome: z.enum(['same', 'moved']), happened: flip, otherwise: flip, revision }),
    z.object({ outcome: z.literal('avoided'), happened: flip, otherwise: z.null(), revision }),
    z.object({ outcome: z.literal('added'), happened: z.null(), otherwise: flip, revision }),
  ]);
  const backend = z.object({
    backend: text,
    flips: z.array(pair),
    unhealthyMs: z.object({ happened: number, otherwise: number }),
  });
  const answered = { outcome: z.literal('answered'), pool: text, node: text };
  const assumptions = of.texts.describe('what the answer rests on besides what was seen');
  const health = z.object({
    ...answered,
    fromMs: timeMs,
    toMs: timeMs,
    settings: z.object({
      fall: number.exactOptional(),
      rise: number.exactOptional(),
      intervalMs: number.exactOptional(),
      timeoutMs: number.exactOptional(),
    }),
    backendsCount: count,
    happened: totals,
    otherwise: totals,
    sameCount: count,
    movedCount: count,
    avoidedCount: count,
    addedCount: count,
    backends: z.array(backend),
    assumptions,
  });
  const picks = z.object({
    ...answered,
    policy: of.poolSpecSchema.shape.policy.removeDefault(),
    decisionsCount: count,
    picksCount: count,
    movedCount: count,
    nobodyCount: count,
    backends: z.array(z.object({ backend: text, happenedCount: count, otherwiseCount: count })),
    assumptions,
  });
  return z.object({
    kind: z.literal('what-if'),
    source: text,
    health: health.nullable(),
    picks: picks.nullable(),
  });
}

/** Flips shown; `--json` has all. */
const FLIPS_SHOWN_MAX = 100;

function whatIfLines({ health, picks }: WhatIfAnswer): Line[] {
  const sections = [...(health === null ? [] : [healthLines(health)]), ...(picks === null ? [] : [picksLines(picks)])];
  return sections.flatMap((lines, index) => (index === 0 ? lines : ['', ...lines]));
}

function healthLines(health: HealthAnswer): Line[] {
  const { pool, node, fromMs, toMs, backendsCount, happened, assumptions } = health;
  const span = `${dateAndTime(fromMs)} to ${dateAndTime(toMs)}`;
  const counts = `${backendsCount} backends, ${happened.probesCount} probes`;
  return [
    `pool ${paint('bold', pool)} on node ${node}, ${span}, with ${settingsText(health)}: ${counts}`,
    paint('green', 'the settings that were in force give what happened, flip for flip'),
    '',
    ...totalLines(health),
    '',
    verdictLine(health),
    ...flipLines(health),
    ...assumptions.map(assumptionLine),
  ];
}

/** Shares of the picks, backend by backend. */
function picksLines({ pool, node, policy, decisionsCount, picksCount, movedCount, ...rest }: PicksAnswer): Line[] {
  const share = (count: number): string => (picksCount === 0 ? '-' : `${((count / picksCount) * 100).toFixed(1)} %`);
  const rows = rest.backends.map(({ backend, happenedCount, otherwiseCount }) => [
    backend,
    String(happenedCount),
    share(happenedCount),
    String(otherwiseCount),
    share(otherwiseCount),
  ]);
  const nobody = rest.nobodyCount === 0 ? '' : `, ${rest.nobodyCount} of them to nobody`;
  return [
    `pool ${paint('bold', pool)} on node ${node} with ${policy}: ${picksCount} picks of ${decisionsCount} requests`,
    paint('green', 'each recorded pick, made again, is the one that was made'),
    `${movedCount} picks would have gone elsewhere${nobody}`,
    '',
    ...tableLines(['BACKEND', 'HAPPENED', '', 'WOULD HAVE', ''], rows),
    ...rest.assumptions.map(assumptionLine),
  ];
}

function assumptionLine(assumption: string): string {
  return paint('yellow', printable(`assumed: ${assumption}`));
}

function settingsText({ settings }: HealthAnswer): string {
  const { fall, rise, intervalMs, timeoutMs } = settings;
  const parts = [
    ...(fall === undefined ? [] : [`fall ${fall}`]),
    ...(rise === undefined ? [] : [`rise ${rise}`]),
    ...(intervalMs === undefined ? [] : [`an interval of ${intervalMs} ms`]),
    ...(timeoutMs === undefined ? [] : [`a timeout of ${timeoutMs} ms`]),
  ];
  return parts.length === 0 ? 'the settings as they were' : parts.join(', ');
}

function totalLines({ happened, otherwise }: HealthAnswer): Line[] {
  return tableLines(
    ['', 'HAPPENED', 'WOULD HAVE'],
    [
      ['probes', String(happened.probesCount), String(otherwise.probesCount)],
      ['flips', String(happened.flipsCount), String(otherwise.flipsCount)],
      ['time unhealthy', duration(happened.unhealthyMs), duration(otherwise.unhealthyMs)],
    ],
  );
}

function verdictLine({ sameCount, movedCount, avoidedCount, addedCount }: HealthAnswer): string {
  const parts = [
    `${sameCount} the same`,
    `${movedCount} at another time`,
    `${avoidedCount} avoided`,
    `${addedCount} added`,
  ];
  return `flips: ${parts.join(', ')}`;
}

function flipLines({ backends }: HealthAnswer): Line[] {
  const flips = backends.flatMap(({ backend, flips: own }) => own.map((flip) => ({ backend, flip })));
  if (flips.length === 0) return [];
  const rows = flips
    .slice(0, FLIPS_SHOWN_MAX)
    .map(({ backend, flip }) => [
      backend,
      flip.happened === null ? '-' : flipText(flip.happened, flip.revision),
      otherwiseText(flip),
    ]);
  const restCount = flips.length - rows.length;
  return [
    ...tableLines(['BACKEND', 'HAPPENED', 'WOULD HAVE'], rows),
    ...(restCount > 0 ? [`and ${restCount} more; --json has all`] : []),
  ];
}

function otherwiseText(pair: FlipPair): string {
  switch (pair.outcome) {
    case 'same':
      return 'the same';
    case 'avoided':
      return paint('green', 'avoided');
    case 'added':
      return paint('red', flipText(pair.otherwise, null));
    case 'moved': {
      const laterMs = pair.otherwise.timeMs - pair.happened.timeMs;
      const by = `${duration(Math.abs(laterMs))} ${laterMs < 0 ? 'earlier' : 'later'}`;
      return paint('yellow', `${flipText(pair.otherwise, null)}, ${by}`);
    }
  }
}

function flipText({ timeMs, health, reason }: NonNullable<FlipPair['happened']>, revision: number | null): string {
  const event = revision === null ? '' : ` (event ${revision})`;
  return printable(`${dateAndTime(timeMs)} ${health}${event}${reason === null ? '' : `: ${reason}`}`);
}
